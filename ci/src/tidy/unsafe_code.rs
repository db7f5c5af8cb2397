//! Rule: the keyword `unsafe` stands in the listed files only, and the list names no file that has lost it. Whether the
//! code there is sound is for its reader: the invariant stands beside it.

use super::{Violation, tokens, tree::Tree};

/// Uses elsewhere, and entries of the list that are no longer needed.
pub(crate) fn violations(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.ending(&[".rs"]) {
        let lines = lines(&file.text);
        match (ALLOWED.contains(&file.path.as_str()), lines.is_empty()) {
            (false, false) => found.extend(lines.iter().map(|line| format!("{}:{line}: unsafe", file.path))),
            (true, true) => found.push(format!("{}: has no `unsafe` any more, but is listed", file.path)),
            _ => {}
        }
    }
    found
}

fn lines(text: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    tokens::each_ident(text, |ident, _, _| {
        if ident == "unsafe" {
            lines.push(tokens::line(ident));
        }
    });
    lines
}

const ALLOWED: [&str; 3] = [
    "crates/sidelight-profiling/src/cpu.rs", // signals
    "crates/sidelight/examples/zero.rs",     // fixed symbol names
    "crates/sidelight/src/profiling/on.rs",  // the global allocator
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_outside_the_list_is_found_with_its_line() {
        let tree = Tree::of(&[("crates/mcp/src/main.rs", "//! x\n#![deny(unsafe_code)]\nfn f() { unsafe { g() } }")]);
        assert_eq!(violations(&tree), ["crates/mcp/src/main.rs:3: unsafe"]);
    }

    #[test]
    fn a_listed_file_without_unsafe_is_found() {
        assert!(violations(&Tree::of(&[(ALLOWED[0], "unsafe impl Send for X {}")])).is_empty());
        assert_eq!(violations(&Tree::of(&[(ALLOWED[0], "// unsafe is gone")])).len(), 1);
    }
}
