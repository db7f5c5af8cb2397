//! The anchors that a Markdown page has: its headings as GitHub spells them. Follows no link.

/// The anchors of a page, in its order.
pub(crate) fn slugs(markdown: &str) -> Vec<String> {
    let mut slugs: Vec<String> = Vec::new();
    for line in prose(markdown) {
        let text = line.trim_start_matches('#');
        let level = line.len() - text.len();
        if (1..=6).contains(&level) && text.starts_with(' ') {
            let slug = slug(text.trim());
            let twins = slugs.iter().filter(|other| **other == slug).count();
            slugs.push(if twins == 0 { slug } else { format!("{slug}-{twins}") });
        }
    }
    slugs
}

/// The lines outside fenced code.
pub(crate) fn prose(markdown: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    markdown.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        fenced ^= is_fence;
        !fenced && !is_fence
    })
}

fn slug(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            c if c.is_alphanumeric() => Some(c),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_become_anchors_as_on_github() {
        let page = "# The `admin` port: who may\n## Costs\n```\n# no heading\n```\n## Costs\n#hash";
        assert_eq!(slugs(page), ["the-admin-port-who-may", "costs", "costs-1"]);
    }
}
