//! The part of a passage that shows why it was found. Marks nothing: the reader may be a model.

/// The part of `text` around the first place where a word of `query` stands, at most `chars` characters long, cut at white
/// space; an ellipsis stands for what is left out.
pub(crate) fn snippet(text: &str, query: &str, chars: usize) -> String {
    let start = match first_match(text, query) {
        Some(at) => before(text, at, chars / 4),
        None => 0,
    };
    let rest = &text[start..];
    let longest = rest.char_indices().nth(chars).map_or(rest.len(), |(at, _)| at);
    let end =
        if longest == rest.len() { longest } else { rest[..longest].rfind(char::is_whitespace).unwrap_or(longest) };
    let words = rest[..end].split_whitespace().collect::<Vec<_>>().join(" ");
    let left = if start > 0 { "… " } else { "" };
    let right = if end < rest.len() { " …" } else { "" };
    format!("{left}{words}{right}")
}

/// Words that are long enough to mean something, without regard to case. A match may begin in the middle of a word.
fn first_match(text: &str, query: &str) -> Option<usize> {
    let words = query.split(|character: char| !character.is_alphanumeric()).filter(|word| word.len() >= WORD_BYTES_MIN);
    let lower = text.to_ascii_lowercase(); // keeps every byte's place
    words.filter_map(|word| lower.find(&word.to_ascii_lowercase())).min()
}

const WORD_BYTES_MIN: usize = 4;

/// A place up to `chars` characters before `at`, behind white space.
fn before(text: &str, at: usize, chars: usize) -> usize {
    let earliest = text[..at].char_indices().rev().nth(chars).map_or(0, |(at, _)| at);
    if earliest == 0 {
        return 0;
    }
    let space = text[earliest..at].char_indices().find(|(_, character)| character.is_whitespace());
    space.map_or(at, |(offset, character)| earliest + offset + character.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_short_text_is_its_own_snippet() {
        assert_eq!(snippet("one\n  two", "three", 100), "one two");
    }

    #[test]
    fn a_long_text_is_cut_around_the_first_match() {
        let text = format!("{} the Borrow checker says no {}", "before ".repeat(50), "after ".repeat(50));
        let snippet = snippet(&text, "how to borrow", 60);
        assert!(snippet.starts_with("… ") && snippet.ends_with(" …"), "{snippet}");
        assert!(snippet.contains("the Borrow checker says no"), "{snippet}");
    }

    #[test]
    fn without_a_match_it_is_the_beginning() {
        assert_eq!(snippet("alpha beta gamma", "zeta", 11), "alpha beta …");
    }

    proptest! {
        #[test]
        fn it_is_never_longer_than_asked(text in any::<String>(), query in any::<String>(), chars in 1usize..200) {
            let found = snippet(&text, &query, chars);
            prop_assert!(found.chars().count() <= chars + 4, "{found:?}"); // and the two ellipses
        }
    }
}
