//! Rule: a feature is asked for (`cfg`, `cfg_attr`, `cfg!`) in the face files only, two lines each. Other conditions
//! (`cfg(test)`, an operating system) are not this rule's business.

use super::{
    Violation, tokens,
    tree::{File, Tree},
};
use proc_macro2::{TokenStream, TokenTree};

/// Sites elsewhere, and faces that have not exactly two.
pub(crate) fn violations(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.ending(&[".rs"]) {
        let sites = sites(&file.text);
        if !FACES.contains(&file.path.as_str()) {
            found
                .extend(sites.iter().map(|line| format!("{}:{line}: asks for a feature outside the faces", file.path)));
        }
    }
    for face in FACES {
        let count = tree.files.iter().find(|file| file.path == face).map_or(0, count);
        if count != SITES_PER_FACE {
            found.push(format!("{face}: {count} sites, not {SITES_PER_FACE}"));
        }
    }
    found
}

fn count(file: &File) -> usize {
    sites(&file.text).len()
}

/// The lines on which a feature is asked for.
fn sites(text: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    tokens::each_ident(text, |ident, next, after| {
        let condition = if tokens::is_mark(next, '!') { after } else { next };
        if (ident == "cfg" || ident == "cfg_attr")
            && let Some(TokenTree::Group(group)) = condition
            && names_feature(group.stream())
        {
            lines.push(tokens::line(ident));
        }
    });
    lines
}

fn names_feature(stream: TokenStream) -> bool {
    stream.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "feature",
        TokenTree::Group(group) => names_feature(group.stream()),
        _ => false,
    })
}

/// The files that choose between an on and an off file.
const FACES: [&str; 5] = [
    "admin/src/lib.rs",
    "crates/sidelight/src/metrics.rs",
    "crates/sidelight/src/operation.rs",
    "crates/sidelight/src/profiling.rs",
    "crates/sidelight/src/tracing.rs",
];
const SITES_PER_FACE: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    const FACE: &str = "#[cfg_attr(feature = \"x\", path = \"on.rs\")]\n#[cfg_attr(not(feature = \"x\"), path = \"off.rs\")]\nmod imp;";

    fn house(more: &[(&str, &str)]) -> Vec<Violation> {
        let mut files: Vec<(&str, &str)> = FACES.iter().map(|face| (*face, FACE)).collect();
        files.extend(more);
        violations(&Tree::of(&files))
    }

    #[test]
    fn five_faces_with_two_sites_each_are_the_house() {
        assert!(house(&[("crates/mcp/src/main.rs", "#[cfg(test)]\nmod tests {}")]).is_empty());
    }

    #[test]
    fn a_site_anywhere_else_is_found_in_each_spelling() {
        for text in [
            "#[cfg(feature = \"metrics\")]\nfn f() {}",
            "#[cfg(all(unix, not(feature = \"metrics\")))]\nfn f() {}",
            "fn f() -> bool { cfg!(feature = \"metrics\") }",
            "macro_rules! m { () => { #[cfg_attr(feature = \"x\", inline)] fn f() {} } }",
        ] {
            assert_eq!(house(&[("crates/mcp/src/main.rs", text)]).len(), 1, "{text}");
        }
    }

    #[test]
    fn a_third_site_in_a_face_is_found() {
        let mut files: Vec<(&str, &str)> = FACES.iter().map(|face| (*face, FACE)).collect();
        let longer = format!("{FACE}\n#[cfg(feature = \"x\")]\nfn f() {{}}");
        files[0].1 = &longer;
        assert_eq!(violations(&Tree::of(&files)), ["admin/src/lib.rs: 3 sites, not 2"]);
    }

    #[test]
    fn words_in_comments_and_strings_are_no_sites() {
        assert!(house(&[("a.rs", "// cfg(feature = \"x\")\nconst T: &str = \"cfg(feature)\";")]).is_empty());
    }
}
