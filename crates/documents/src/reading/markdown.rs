//! Markdown: the text stays as it is; the parser says where headings are, so that a `#` in a code block is none.

use super::{Heading, Reading};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

pub(super) fn read(text: String) -> Reading {
    let headings = headings(&text);
    let title = headings.iter().min_by_key(|heading| heading.level).map(|heading| heading.title.clone());
    Reading { title, text, headings, ..Reading::default() }
}

fn headings(text: &str) -> Vec<Heading> {
    let mut found: Vec<Heading> = Vec::new();
    let mut in_heading = false;
    for (event, place) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                in_heading = true;
                found.push(Heading { start: place.start, end: place.end, level: number(level), title: String::new() });
            }
            Event::End(TagEnd::Heading(_)) => in_heading = false,
            Event::Text(words) | Event::Code(words) if in_heading => {
                if let Some(heading) = found.last_mut() {
                    heading.title.push_str(&words);
                }
            }
            _ => {}
        }
    }
    found.retain(|heading| !heading.title.trim().is_empty());
    found
}

fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn headings_are_found_with_their_levels_and_code_holds_none() {
        let reading = read("# One `x`\n\ntext\n\n```sh\n# no heading\n```\n\nTwo\n---\n".to_owned());
        let found: Vec<_> = reading.headings.iter().map(|it| (it.level, it.title.as_str())).collect();
        assert_eq!(found, [(1, "One x"), (2, "Two")]);
        assert_eq!(reading.title.as_deref(), Some("One x"));
        let one = &reading.headings[0];
        assert_eq!(&reading.text[one.start..one.end], "# One `x`\n");
    }

    #[test]
    fn the_title_is_the_highest_heading() {
        assert_eq!(read("## Small\n\n# Large\n".to_owned()).title.as_deref(), Some("Large"));
        assert_eq!(read("no heading".to_owned()).title, None);
    }

    proptest! {
        #[test]
        fn headings_lie_within_the_text_and_in_order(text in any::<String>()) {
            let reading = read(text);
            let mut last = 0;
            for heading in &reading.headings {
                prop_assert!(last <= heading.start && heading.start < heading.end);
                prop_assert!(reading.text.get(heading.start..heading.end).is_some());
                last = heading.start;
            }
        }
    }
}
