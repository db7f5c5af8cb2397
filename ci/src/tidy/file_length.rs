//! Rule: a file of code has at most 400 lines. Longer ones hold two concepts.

use super::{Violation, tree::Tree};

/// Files that are longer.
pub(crate) fn violations(tree: &Tree) -> Vec<Violation> {
    tree.ending(&[".rs", ".py"])
        .filter_map(|file| {
            let lines = file.text.lines().count();
            (lines > LINES_MAX).then(|| format!("{}: {lines} lines, at most {LINES_MAX}", file.path))
        })
        .collect()
}

const LINES_MAX: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_after_the_last_allowed_is_found() {
        let long = "\n".repeat(LINES_MAX + 1);
        let tree = Tree::of(&[("a.rs", &long[..LINES_MAX]), ("b.rs", &long), ("c.json", &long)]);
        assert_eq!(violations(&tree), ["b.rs: 401 lines, at most 400"]);
    }
}
