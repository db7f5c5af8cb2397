//! Rule: no text file tells of the machine or the way it was written on. A path that exists at one desk only is no use to
//! a reader.

use super::{Violation, tree::Tree};

/// Lines that hold one of the words, in any case.
pub(crate) fn violations(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in &tree.files {
        for (at, line) in file.text.lines().enumerate() {
            let line = line.to_lowercase();
            let words = WORDS.iter().filter(|word| line.contains(*word));
            found.extend(words.map(|word| format!("{}:{}: says `{word}`", file.path, at + 1)));
        }
    }
    found
}

/// Put together, so that this file does not hold them.
const WORDS: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("sub", "agent"), concat!("developer", " session")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_found_in_any_file_and_any_case() {
        for word in WORDS {
            let text = format!("first\nsee {}", word.to_uppercase());
            assert_eq!(violations(&Tree::of(&[("notes.md", &text)])), [format!("notes.md:2: says `{word}`")]);
        }
        assert!(violations(&Tree::of(&[("notes.md", "the work, the root")])).is_empty());
    }
}
