//! Where a document is cut: at its headings, and a long section at its paragraphs. A passage keeps the headings above it.
//! Reads no file, stores nothing.

use crate::reading::{Heading, Reading};

/// A piece of a document's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// Where it starts, in bytes.
    pub(crate) start: usize,
    pub(crate) text: &'a str,
    /// The headings above it, the outermost first.
    pub(crate) headings: Vec<&'a str>,
}

/// A longer section is cut further. A page of a book has some two to five such passages.
const BYTES_MAX: usize = 1_500;
/// Longer headings are text in the wrong place.
const HEADING_BYTES_MAX: usize = 200;

/// All pieces, in the order of the text. No two overlap; headings themselves and white space are in none.
pub(crate) fn split(reading: &Reading) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut above: Vec<&Heading> = Vec::new();
    let first = reading.headings.first().map_or(reading.text.len(), |heading| heading.start);
    cut(&reading.text, 0, first, &above, &mut pieces);
    for (at, heading) in reading.headings.iter().enumerate() {
        above.retain(|outer| outer.level < heading.level);
        above.push(heading);
        let end = reading.headings.get(at + 1).map_or(reading.text.len(), |next| next.start);
        cut(&reading.text, heading.end.min(end), end, &above, &mut pieces);
    }
    pieces
}

/// Cuts `text[start..end]` into pieces.
fn cut<'a>(text: &'a str, start: usize, end: usize, above: &[&'a Heading], pieces: &mut Vec<Piece<'a>>) {
    let headings: Vec<&str> = above.iter().map(|heading| short(&heading.title)).collect();
    let mut rest = start;
    while rest < end {
        let section = &text[rest..end];
        let length = if section.len() <= BYTES_MAX { section.len() } else { good_end(section) };
        let piece = &section[..length];
        let words = piece.trim();
        if !words.is_empty() {
            let start = rest + (piece.len() - piece.trim_start().len());
            pieces.push(Piece { start, text: words, headings: headings.clone() });
        }
        rest += length;
    }
}

/// A heading is copied into each of its passages, so a very long one is cut.
fn short(title: &str) -> &str {
    &title[..title.floor_char_boundary(HEADING_BYTES_MAX)]
}

/// Where to cut a section that is too long: behind the last paragraph that fits and leaves no code block open, else behind
/// the last line, else behind the last word, else anywhere.
fn good_end(section: &str) -> usize {
    let longest = section.floor_char_boundary(BYTES_MAX);
    let head = &section[..longest];
    let outside_code = |end: &usize| head[..*end].matches("\n```").count() % 2 == usize::from(head.starts_with("```"));
    let paragraphs = head.rmatch_indices("\n\n").map(|(at, _)| at + 2);
    let behind = |mark: char| head.rfind(mark).map(|at| at + mark.len_utf8());
    let paragraph = paragraphs.take_while(|end| *end >= BYTES_MAX / 4).find(outside_code);
    paragraph.or_else(|| behind('\n')).or_else(|| behind(' ')).unwrap_or(longest).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading;
    use proptest::prelude::*;
    use std::path::Path;

    fn markdown(text: &str) -> Reading {
        reading::read(Path::new("a.md"), text.as_bytes()).unwrap()
    }

    #[test]
    fn a_passage_keeps_the_headings_above_it() {
        let reading = markdown("before\n\n# A\n\none\n\n## B\n\ntwo\n\n### C\n\nthree\n\n## D\n\nfour\n");
        let pieces = split(&reading);
        let found: Vec<_> = pieces.iter().map(|it| (it.headings.join(" > "), it.text)).collect();
        let wanted = [("", "before"), ("A", "one"), ("A > B", "two"), ("A > B > C", "three"), ("A > D", "four")];
        assert_eq!(found, wanted.map(|(headings, text)| (headings.to_owned(), text)));
        assert!(pieces.iter().all(|it| reading.text[it.start..].starts_with(it.text)));
    }

    #[test]
    fn a_long_section_is_cut_between_paragraphs() {
        let paragraph = "word ".repeat(100);
        let reading = markdown(&format!("# A\n\n{paragraph}\n\n{paragraph}\n\n{paragraph}\n\n{paragraph}\n"));
        let pieces = split(&reading);
        assert_eq!(pieces.len(), 2);
        assert!(pieces.iter().all(|it| it.text.starts_with("word") && it.text.len() <= BYTES_MAX));
    }

    #[test]
    fn a_code_block_is_not_torn_where_it_can_be_helped() {
        let code = format!("```rust\n{}\n\n{}\n```", "a();\n".repeat(60), "b();\n".repeat(60));
        let reading = markdown(&format!("{}\n\n{code}\n\n{}", "text ".repeat(150), "text ".repeat(150)));
        let torn = |piece: &Piece<'_>| piece.text.matches("```").count() % 2 == 1;
        assert!(split(&reading).iter().all(|piece| !torn(piece)));
    }

    #[test]
    fn a_heading_without_text_is_no_passage() {
        assert_eq!(split(&markdown("# A\n\n## B\n")).len(), 0);
    }

    proptest! {
        #[test]
        fn pieces_fit_and_lose_no_word(text in r"([a-zé]{1,12}[ \n]{1,3}|# [a-z]{1,9}\n|```\n){0,400}") {
            let letters = |text: &str| text.chars().filter(|it| !it.is_whitespace()).count();
            let reading = markdown(&text);
            let in_headings: usize = reading.headings.iter().map(|it| letters(&reading.text[it.start..it.end])).sum();
            let (mut end, mut in_pieces) = (0, 0);
            for piece in split(&reading) {
                prop_assert!(piece.start >= end && piece.text.len() <= BYTES_MAX && !piece.text.is_empty());
                prop_assert!(reading.text[piece.start..].starts_with(piece.text));
                end = piece.start + piece.text.len();
                in_pieces += letters(piece.text);
            }
            prop_assert_eq!(in_pieces + in_headings, letters(&reading.text));
        }
    }
}
