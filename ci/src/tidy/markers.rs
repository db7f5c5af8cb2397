//! Rule: nothing is left for later: no marker words in code and configuration, no macros that stand for missing code.
//! Prose (Markdown) may speak of them.

use super::{
    Violation, tokens,
    tree::{File, Tree},
};

/// Marker words and marker macros.
pub(crate) fn violations(tree: &Tree) -> Vec<Violation> {
    tree.ending(&ENDINGS).flat_map(|file| words(file).into_iter().chain(macros(file))).collect()
}

fn words(file: &File) -> Vec<Violation> {
    let mut found = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        found.extend(words.filter(|word| WORDS.contains(word)).map(|word| format!("{}:{}: {word}", file.path, at + 1)));
    }
    found
}

fn macros(file: &File) -> Vec<Violation> {
    let mut found = Vec::new();
    if file.ends(".rs") {
        tokens::each_ident(&file.text, |ident, next, _| {
            if tokens::is_mark(next, '!') && MACROS.iter().any(|name| ident == name) {
                found.push(format!("{}:{}: {ident}!", file.path, tokens::line(ident)));
            }
        });
    }
    found
}

const ENDINGS: [&str; 8] = [".rs", ".py", ".toml", ".yml", ".yaml", ".sh", ".sql", "Dockerfile"];
/// Put together, so that this file does not hold them.
const WORDS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
const MACROS: [&str; 3] = ["dbg", "todo", "unimplemented"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_found_with_its_line_and_parts_of_words_are_not() {
        for word in WORDS {
            let text = format!("fn f() {{}}\n// {word}: later");
            assert_eq!(violations(&Tree::of(&[("a.rs", &text)])), [format!("a.rs:2: {word}")]);
            assert!(violations(&Tree::of(&[("a.rs", &format!("const A{word}B: u8 = 1;"))])).is_empty());
        }
    }

    #[test]
    fn each_macro_is_found_and_a_lint_of_that_name_is_not() {
        let text = "fn f() { dbg!(1); todo!(); m! { unimplemented!() } }";
        assert_eq!(violations(&Tree::of(&[("a.rs", text)])).len(), 3);
        assert!(violations(&Tree::of(&[("Cargo.toml", "todo = \"warn\"\ndbg_macro = \"warn\"")])).is_empty());
    }
}
