//! Which files a source has. Opens none of them.

use crate::{bundled, corpus::Origin, reading};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};
use walkdir::{DirEntry, WalkDir};

/// A file, or what is compiled in instead of one.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// Within the source, with `/` between its parts.
    pub(super) path: String,
    pub(super) at: Place,
}

/// Where its bytes are.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Disk(PathBuf),
    Memory(&'static str),
}

/// What a source has.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Every file that can be read and is wanted, in a stable order.
    pub(super) files: Vec<File>,
    /// Paths that could not be looked into, each with the reason: what is known of them stays.
    pub(super) closed: Vec<(String, String)>,
}

/// Lists a source; links are followed, loops are not.
pub(super) fn list(origin: &Origin) -> Listing {
    let (folder, depth) = match origin {
        Origin::Folder(folder) | Origin::Book(folder) => (folder, DEPTH_MAX),
        Origin::Readmes(folder) => (folder, 2),
        Origin::Bundled { .. } => {
            let file = |(path, text): (&str, _)| File { path: path.to_owned(), at: Place::Memory(text) };
            return Listing { files: bundled::FILES.into_iter().map(file).collect(), closed: Vec::new() };
        }
    };
    let hidden = |name: &OsStr| name.to_string_lossy().starts_with('.');
    let walk = WalkDir::new(folder).follow_links(true).max_depth(depth).sort_by_file_name().into_iter();
    let mut listing = Listing::default();
    for entry in walk.filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name())) {
        match entry {
            Ok(entry) if is_file(&entry, folder, origin) => {
                if listing.files.len() == FILES_MAX {
                    listing.closed.push((String::new(), format!("only its first {FILES_MAX} files are read")));
                    break;
                }
                listing.files.push(File { path: below(entry.path(), folder), at: Place::Disk(entry.into_path()) });
            }
            Ok(_) => {}
            Err(error) => {
                let path = error.path().map(|path| below(path, folder)).unwrap_or_default();
                listing.closed.push((path, error.to_string()));
            }
        }
    }
    listing
}

fn is_file(entry: &DirEntry, folder: &Path, origin: &Origin) -> bool {
    entry.file_type().is_file() && reading::is_readable(entry.path()) && is_wanted(entry.path(), folder, origin)
}

/// The path within the folder, with `/` between its parts.
fn below(path: &Path, folder: &Path) -> String {
    let path = path.strip_prefix(folder).unwrap_or(path);
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// What can be left out by its name: in a book the old editions and the page that holds them all; of a crate everything
/// but its README.
fn is_wanted(path: &Path, folder: &Path, origin: &Origin) -> bool {
    let name = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let below = path.strip_prefix(folder).unwrap_or(path);
    let is_page = path.extension().is_some_and(|ending| ending == "html"); // else a font's licence
    let is_old = below.iter().any(|part| part.to_string_lossy().ends_with("-edition"));
    match origin {
        Origin::Book(_) => is_page && !is_old && !["print", "toc", "404"].contains(&name.as_str()),
        Origin::Readmes(_) => name == "readme",
        Origin::Folder(_) | Origin::Bundled { .. } => true,
    }
}

/// Further files of one source are not read, and what is known of them stays.
const FILES_MAX: usize = 200_000;
/// Folders below a source's own.
const DEPTH_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn paths(origin: &Origin) -> Vec<String> {
        list(origin).files.into_iter().map(|file| file.path).collect()
    }

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_is_read_to_its_depth_without_hidden_files_and_pictures() {
        let folder = folder(&["b/c.html", "a.md", ".git/x.md", "b/.d.txt", "e.png", "print.html"]);
        assert_eq!(paths(&Origin::Folder(folder.path().into())), ["a.md", "b/c.html", "print.html"]);
    }

    #[test]
    fn links_are_followed_and_loops_are_not() {
        let folder = folder(&["data/a.md"]);
        std::os::unix::fs::symlink(folder.path().join("data"), folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("data/loop")).unwrap();
        let listing = list(&Origin::Folder(folder.path().into()));
        let paths: Vec<_> = listing.files.into_iter().map(|file| file.path).collect();
        assert_eq!(paths, ["data/a.md", "link/a.md"]);
        assert!(!listing.closed.is_empty());
    }

    #[test]
    fn a_book_is_read_without_its_print_page_and_old_editions() {
        let folder = folder(&[
            "index.html",
            "print.html",
            "toc.html",
            "404.html",
            "2018-edition/a.html",
            "b/a.html",
            "fonts/L.txt",
        ]);
        assert_eq!(paths(&Origin::Book(folder.path().into())), ["b/a.html", "index.html"]);
    }

    #[test]
    fn of_crates_only_the_readmes_are_read() {
        let folder = folder(&["serde-1.0.0/README.md", "serde-1.0.0/CHANGES.md", "serde-1.0.0/src/README.md"]);
        assert_eq!(paths(&Origin::Readmes(folder.path().into())), ["serde-1.0.0/README.md"]);
    }

    #[test]
    fn the_project_s_own_documents_are_always_there() {
        assert!(paths(&Origin::bundled()).contains(&"README.md".to_owned()));
    }
}
