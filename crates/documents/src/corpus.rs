//! Which documents a store holds: the operator's folder, else the Rust books of the installed toolchain, else the READMEs
//! of the crates in the local Cargo registry; and always the project's own. Looks for folders; reads no document.

use crate::bundled;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Where documents come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corpus {
    /// One sentence for whoever starts the server.
    pub says: String,
    /// The sources, each with a name of its own.
    pub sources: Vec<Source>,
}

/// Documents that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The first part of its documents' ids.
    pub name: String,
    pub(crate) origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Every readable file below this folder.
    Folder(PathBuf),
    /// A book that a toolchain brings: translations and old editions are left out.
    Book(PathBuf),
    /// The README of each crate below this folder.
    Readmes(PathBuf),
    /// Compiled in.
    Bundled,
}

/// The books that answer a learner's questions; the others speak of the compiler itself.
const BOOKS: [&str; 6] = ["book", "reference", "cargo", "rust-by-example", "nomicon", "error_codes"];

impl Corpus {
    /// What a store is filled from: `folder`, if the operator names one, else whatever this machine has. Asks `rustc`,
    /// so it may take a moment.
    #[must_use]
    pub fn find(folder: Option<&Path>) -> Self {
        let found = match folder {
            Some(folder) => Some(of_folder(folder)),
            None => books().or_else(readmes),
        };
        let nothing = || Self { says: "only the project's own documents: no Rust books here".into(), sources: vec![] };
        let mut corpus = found.unwrap_or_else(nothing);
        corpus.sources.push(Source { name: bundled::SOURCE.to_owned(), origin: Origin::Bundled });
        corpus
    }

    /// Tells one corpus from another: which sources, and where they lie.
    pub(crate) fn identity(&self) -> String {
        let each = self.sources.iter().map(|source| match &source.origin {
            Origin::Folder(at) | Origin::Book(at) | Origin::Readmes(at) => {
                format!("{}={}", source.name, at.display())
            }
            Origin::Bundled => format!("{}={}", source.name, env!("CARGO_PKG_VERSION")),
        });
        each.collect::<Vec<_>>().join("\n")
    }
}

fn of_folder(folder: &Path) -> Corpus {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = source_name(&folder);
    Corpus {
        says: format!("the folder {} (DOCS_PATH), as source `{name}`", folder.display()),
        sources: vec![Source { name, origin: Origin::Folder(folder) }],
    }
}

/// The folder's own name in the characters of an id; never the name of the project's own documents.
fn source_name(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { '-' };
    let name: String = name.chars().map(plain).collect();
    match name.trim_matches('-') {
        "" => "documents".to_owned(),
        bundled::SOURCE => format!("{}-folder", bundled::SOURCE),
        name => name.to_owned(),
    }
}

fn books() -> Option<Corpus> {
    let sysroot = sysroot()?;
    let root = sysroot.join("share/doc/rust/html");
    let root = root.canonicalize().ok()?; // several toolchains may be links to one folder
    let has_pages = |name: &&str| root.join(name).join("index.html").is_file();
    let sources: Vec<Source> = BOOKS
        .into_iter()
        .filter(has_pages)
        .map(|name| Source { name: name.to_owned(), origin: Origin::Book(root.join(name)) })
        .collect();
    let says = format!("the Rust books of the installed toolchain, in {}", root.display());
    (!sources.is_empty()).then_some(Corpus { says, sources })
}

/// Asked from the root folder, where no toolchain file can ask for a toolchain that would have to be fetched first.
fn sysroot() -> Option<PathBuf> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).current_dir("/").output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !path.trim().is_empty()).then(|| PathBuf::from(path.trim()))
}

fn readmes() -> Option<Corpus> {
    let cargo = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| env::home_dir().map(|home| home.join(".cargo")))?;
    let registries = fs::read_dir(cargo.join("registry/src")).ok()?;
    let folder = registries.filter_map(Result::ok).map(|entry| entry.path()).find(|path| path.is_dir())?;
    let says = format!("the READMEs of the crates in {}, because no Rust books are installed", folder.display());
    Some(Corpus { says, sources: vec![Source { name: "crates".to_owned(), origin: Origin::Readmes(folder) }] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_source_beside_the_project_s_own() {
        let folder = tempfile::tempdir().unwrap();
        let docs = folder.path().join("My Docs");
        fs::create_dir(&docs).unwrap();
        let corpus = Corpus::find(Some(&docs));
        let names: Vec<_> = corpus.sources.iter().map(|source| source.name.as_str()).collect();
        assert_eq!(names, ["my-docs", "sidelight"]);
        assert!(corpus.says.contains("DOCS_PATH"));
    }

    #[test]
    fn names_are_made_of_the_characters_of_an_id() {
        for (folder, name) in [
            ("/a/Rust_1.95", "rust-1-95"),
            ("/", "documents"),
            ("/x/sidelight", "sidelight-folder"),
            ("/é", "documents"),
        ] {
            assert_eq!(source_name(Path::new(folder)), name);
        }
    }

    #[test]
    fn another_folder_is_another_corpus() {
        let (one, other) = (of_folder(Path::new("/a/docs")), of_folder(Path::new("/b/docs")));
        assert_eq!(one.sources[0].name, other.sources[0].name);
        assert_ne!(one.identity(), other.identity());
    }
}
