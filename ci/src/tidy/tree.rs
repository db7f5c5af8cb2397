//! The repository's files, read once. Judges none of them.

use std::{collections::BTreeSet, fs, path::Path};
use walkdir::{DirEntry, WalkDir};

/// Every file that could be checked in.
#[derive(Default)]
pub(crate) struct Tree {
    /// The files that are text.
    pub files: Vec<File>,
    /// Every path, folders too, relative to the root, with `/`.
    pub paths: BTreeSet<String>,
}

/// One text file.
pub(crate) struct File {
    /// Relative to the root, with `/`.
    pub path: String,
    /// What it says.
    pub text: String,
}

impl Tree {
    /// Reads all but build output and Git's own.
    pub(crate) fn read(root: &Path) -> Self {
        let mut tree = Self::default();
        let entries = WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(|entry| !is_skipped(entry));
        for entry in entries.flatten() {
            let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
            let path = relative.to_string_lossy().replace('\\', "/");
            if entry.file_type().is_file()
                && let Ok(bytes) = fs::read(entry.path())
                && let Ok(text) = String::from_utf8(bytes)
            {
                tree.files.push(File { path: path.clone(), text });
            }
            tree.paths.insert(path);
        }
        tree
    }

    /// The text files with one of these endings.
    pub(crate) fn ending<'a>(&'a self, endings: &'a [&str]) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(|file| endings.iter().any(|ending| file.ends(ending)))
    }

    /// A tree of these files, for the rules' own tests.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            tree.paths.insert((*path).to_owned());
            tree.files.push(File { path: (*path).to_owned(), text: (*text).to_owned() });
        }
        tree
    }
}

impl File {
    /// Whether its name ends like this.
    pub(crate) fn ends(&self, ending: &str) -> bool {
        self.path.ends_with(ending)
    }
}

fn is_skipped(entry: &DirEntry) -> bool {
    entry.file_type().is_dir() && SKIPPED.iter().any(|name| entry.file_name() == *name)
}

const SKIPPED: [&str; 4] = [".git", "target", "__pycache__", "node_modules"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_itself_is_read_without_its_build_output() {
        let tree = Tree::read(crate::house::House::here().root());
        assert!(tree.files.iter().any(|file| file.path == "ci/src/tidy/tree.rs"));
        assert!(tree.paths.contains("ci/src"));
        assert!(!tree.paths.iter().any(|path| path.starts_with("target") || path.starts_with(".git/")));
    }
}
