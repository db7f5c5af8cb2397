//! Which documents a store holds: the operator's folder, else the Rust books of the installed toolchain, else the READMEs
//! of the crates in the local Cargo registry; and always the project's own. Looks for folders; reads no document.

use crate::bundled;
use serde::{Deserialize, Serialize};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Where documents come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corpus {
    /// One sentence for whoever starts the server.
    pub says: String,
    /// The sources, each with a name of its own.
    pub sources: Vec<Source>,
}

/// Documents that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The first part of its documents' ids.
    pub name: String,
    pub(crate) origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// Every readable file below this folder.
    Folder(PathBuf),
    /// A book that a toolchain brings: translations and old editions are left out.
    Book(PathBuf),
    /// The README of each crate below this folder.
    Readmes(PathBuf),
    /// Compiled in; another version has others.
    Bundled { version: String },
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
        corpus.sources.push(Source::bundled());
        corpus
    }

    /// The folders that it is read from.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.sources.iter().filter_map(|source| source.origin.folder())
    }

    /// A corpus that was remembered, with the project's documents of this version; `None` if it is none that this version
    /// knows, or if it came from a toolchain or a registry that is gone.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let mut corpus: Self = serde_json::from_str(text).ok()?;
        corpus.sources.retain(|source| !matches!(source.origin, Origin::Bundled { .. }));
        let is_gone = |source: &Source| match &source.origin {
            Origin::Book(folder) | Origin::Readmes(folder) => !folder.is_dir(),
            Origin::Folder(_) | Origin::Bundled { .. } => false, // an operator's own folder may come back
        };
        if corpus.sources.iter().any(is_gone) {
            return None;
        }
        corpus.sources.push(Source::bundled());
        Some(corpus)
    }

    /// How it is remembered: JSON.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("names and paths are JSON")
    }
}

impl Source {
    fn bundled() -> Self {
        Self { name: bundled::SOURCE.to_owned(), origin: Origin::bundled() }
    }
}

impl Origin {
    pub(crate) fn bundled() -> Self {
        Self::Bundled { version: env!("CARGO_PKG_VERSION").to_owned() }
    }

    /// The folder on disk, if it is one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder) | Self::Book(folder) | Self::Readmes(folder) => Some(folder),
            Self::Bundled { .. } => None,
        }
    }
}

fn of_folder(folder: &Path) -> Corpus {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = source_name(&folder);
    Corpus {
        says: format!("the folder {}, as source `{name}`", folder.display()),
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
        assert!(corpus.says.ends_with("as source `my-docs`"));
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
    fn a_corpus_is_remembered_and_one_whose_toolchain_is_gone_is_not() {
        let corpus = Corpus::find(Some(Path::new("/no/such/folder")));
        assert_eq!(Corpus::from_text(&corpus.text()), Some(corpus));
        let book = Source { name: "book".into(), origin: Origin::Book("/no/such/toolchain".into()) };
        assert_eq!(Corpus::from_text(&Corpus { says: "x".into(), sources: vec![book] }.text()), None);
        assert_eq!(Corpus::from_text("words"), None);
    }
}
