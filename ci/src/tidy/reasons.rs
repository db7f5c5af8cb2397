//! Rule: every line of the workspace's dependency table says why it is there: a comment beside it, or above it in the same
//! block of lines. What the comment says is not judged.

use super::{Violation, tree::Tree};

/// Dependencies without a reason.
pub(crate) fn violations(tree: &Tree) -> Vec<Violation> {
    let Some(manifest) = tree.files.iter().find(|file| file.path == "Cargo.toml") else {
        return vec!["Cargo.toml: is missing".to_owned()];
    };
    let mut found = Vec::new();
    let (mut in_table, mut explained) = (false, false);
    for (at, line) in manifest.text.lines().map(str::trim).enumerate() {
        if line.starts_with('[') {
            in_table = line == "[workspace.dependencies]";
        }
        if line.is_empty() || line.starts_with('[') {
            explained = false;
        }
        explained |= line.starts_with('#');
        if in_table && is_dependency(line) && !explained && !line.contains(" #") {
            found.push(format!("Cargo.toml:{}: no reason: {line}", at + 1));
        }
    }
    found
}

fn is_dependency(line: &str) -> bool {
    line.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.trim().chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(table: &str) -> Vec<Violation> {
        let text =
            format!("[workspace]\nresolver = \"3\"\n\n[workspace.dependencies]\n{table}\n\n[profile.dev]\ndebug = 1\n");
        violations(&Tree::of(&[("Cargo.toml", &text)]))
    }

    #[test]
    fn a_reason_stands_above_or_beside_or_over_the_block() {
        assert!(of("# Why.\na = \"1\"\nb = { version = \"1\" }\n\nc = \"1\" # Why.").is_empty());
    }

    #[test]
    fn a_block_without_a_reason_is_found() {
        assert_eq!(of("# Why.\na = \"1\"\n\nb = \"1\"").len(), 1);
        assert!(of("b-c.workspace = \"1\"")[0].contains("no reason"));
    }
}
