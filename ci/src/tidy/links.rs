//! Rule: a link from one Markdown file to another file of the repository, or to a heading of it, leads somewhere. Links to
//! the web are not followed.

use super::{
    Violation, slugs,
    tree::{File, Tree},
};

/// Links whose file or heading is not there.
pub(crate) fn violations(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.ending(&[".md"]) {
        for target in targets(&file.text) {
            if let Err(why) = follow(tree, file, &target) {
                found.push(format!("{}: link `{target}`: {why}", file.path));
            }
        }
    }
    found
}

fn follow(tree: &Tree, from: &File, target: &str) -> Result<(), &'static str> {
    if target.contains("://") || target.starts_with("mailto:") {
        return Ok(());
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { from.path.clone() } else { resolve(&from.path, path) };
    if !path.is_empty() && !tree.paths.contains(&path) {
        return Err("no such file");
    }
    let page = tree.files.iter().find(|file| file.path == path && file.ends(".md"));
    match page {
        Some(page) if !anchor.is_empty() && !slugs::slugs(&page.text).iter().any(|slug| slug == anchor) => {
            Err("no such heading")
        }
        _ => Ok(()),
    }
}

/// `to` as seen from the file `from`; a leading `/` is the repository's root.
fn resolve(from: &str, to: &str) -> String {
    let mut parts: Vec<&str> = if to.starts_with('/') { Vec::new() } else { from.split('/').collect() };
    parts.pop();
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The targets of `[text](target)`, `[text](target "title")` and `[name]: target`, outside code.
fn targets(markdown: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for line in slugs::prose(markdown) {
        let line = without_code(line);
        if let Some((_, target)) = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
            targets.push(first_word(target));
        }
        for (at, _) in line.match_indices("](") {
            let rest = &line[at + 2..];
            targets.push(first_word(rest.split(')').next().unwrap_or(rest)));
        }
    }
    targets
}

fn first_word(text: &str) -> String {
    text.split_whitespace().next().unwrap_or_default().trim_matches(['<', '>']).to_owned()
}

fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<Violation> {
        let other = "# Top\n## One thing";
        violations(&Tree::of(&[("docs/a.md", text), ("docs/b.md", other), ("README.md", other), ("docs/x.svg", "")]))
    }

    #[test]
    fn links_that_lead_somewhere_are_silent() {
        assert!(
            of("# Here\n[b](b.md) [top](../README.md#top) ![x](x.svg \"t\") [h](#here) [w](https://x.y/z)").is_empty()
        );
        assert!(of("[root](/README.md)\n\n[r]: b.md#one-thing").is_empty());
    }

    #[test]
    fn a_missing_file_and_a_missing_heading_are_found() {
        assert_eq!(of("[gone](gone.md)"), ["docs/a.md: link `gone.md`: no such file"]);
        assert_eq!(of("see [two](b.md#two)."), ["docs/a.md: link `b.md#two`: no such heading"]);
        assert_eq!(of("[r]: ../gone.md").len(), 1);
    }

    #[test]
    fn code_holds_no_links() {
        assert!(of("`[x](gone.md)`\n```\n[x](gone.md)\n```").is_empty());
    }
}
