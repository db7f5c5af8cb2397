//! Rule: every Rust file opens with `//!`, which says what it is and what it does not do; a crate's root may have its README
//! there. What it says is not judged.

use super::{Violation, tree::Tree};

/// Files that open with anything else.
pub(crate) fn violations(tree: &Tree) -> Vec<Violation> {
    tree.ending(&[".rs"])
        .filter(|file| !file.text.starts_with("//! ") && !file.text.starts_with(README))
        .map(|file| format!("{}: does not open with `//!`", file.path))
        .collect()
}

const README: &str = "#![doc = include_str!(\"../README.md\")]\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_opens_with_code_is_found() {
        let tree = Tree::of(&[("a.rs", "//! Said."), ("b.rs", "use std::fs;\n//! Late."), ("c.rs", "// No.")]);
        assert_eq!(violations(&tree).len(), 2);
    }
}
