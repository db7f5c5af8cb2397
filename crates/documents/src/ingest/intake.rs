//! One file on its way in: its bytes, its words, its passages. Knows no store.

use super::files::{File, Place};
use crate::{
    corpus::Origin,
    metrics::Fate,
    passages,
    reading::{self, Reading},
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

/// What became of a file.
pub(super) enum Taken {
    Fresh(Fresh),
    Unchanged,
    LeftOut(&'static str),
    Failed(String),
}

impl Taken {
    pub(super) fn fate(&self) -> Fate {
        match self {
            Self::Fresh(_) => Fate::Stored,
            Self::Unchanged => Fate::Unchanged,
            Self::LeftOut(_) => Fate::LeftOut,
            Self::Failed(_) => Fate::Failed,
        }
    }
}

/// A file's words, ready to be embedded.
pub(super) struct Fresh {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) hash: Vec<u8>,
    /// The length of the file.
    pub(super) bytes: u64,
    pub(super) passages: Vec<Cut>,
}

/// A passage: where it starts in the text, in characters; the headings above it; its words.
pub(super) struct Cut {
    pub(super) start: usize,
    pub(super) heading: String,
    pub(super) text: String,
}

impl Cut {
    /// What is embedded: a passage is about what its headings say, too.
    pub(super) fn whole(&self) -> String {
        format!("{}\n{}", self.heading, self.text)
    }
}

/// Reads a file, unless it is the same as before.
pub(super) fn take(file: &File, origin: &Origin, model: &str, seen: &HashMap<String, Vec<u8>>) -> Taken {
    let bytes = match contents(&file.at) {
        Ok(bytes) => bytes,
        Err(error) => return Taken::Failed(error.to_string()),
    };
    let hash = hash(&bytes, model);
    if seen.get(&file.path) == Some(&hash) {
        return Taken::Unchanged;
    }
    // no file, however odd, may end the ingestion of all others
    let read = || {
        let reading = reading::read(Path::new(&file.path), &bytes)?;
        let passages = cuts(&reading);
        Some((reading, passages))
    };
    let (reading, passages) = match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Some(read)) => read,
        Ok(None) => return Taken::Failed("it is not text".to_owned()),
        Err(_) => return Taken::Failed("its reader panicked, which is a fault of this program".to_owned()),
    };
    let is_foreign = matches!(origin, Origin::Book(_)) && !reading.is_in_english();
    let why = match () {
        () if reading.is_unlisted => "it is a print page, an old link or a redirect",
        () if is_foreign => "it is a translation",
        () if passages.is_empty() => "it says nothing",
        () => "",
    };
    if !why.is_empty() {
        return Taken::LeftOut(why);
    }
    let title = reading.title.unwrap_or_else(|| file.path.clone());
    let title = title[..title.floor_char_boundary(TITLE_BYTES_MAX)].to_owned();
    Taken::Fresh(Fresh { title, text: reading.text, hash, bytes: bytes.len() as u64, passages })
}

fn contents(place: &Place) -> io::Result<Vec<u8>> {
    match place {
        Place::Memory(text) => Ok(text.as_bytes().to_vec()),
        Place::Disk(path) if fs::metadata(path)?.len() > FILE_BYTES_MAX => {
            Err(io::Error::other(format!("longer than {FILE_BYTES_MAX} bytes")))
        }
        Place::Disk(path) => fs::read(path),
    }
}

fn cuts(reading: &Reading) -> Vec<Cut> {
    let (mut chars, mut bytes) = (0, 0);
    let cut = |piece: passages::Piece<'_>| {
        chars += reading.text[bytes..piece.start].chars().count();
        bytes = piece.start;
        Cut { start: chars, heading: piece.headings.join(" > "), text: piece.text.to_owned() }
    };
    passages::split(reading).into_iter().map(cut).collect()
}

/// Of everything that a document's passages and vectors depend on.
fn hash(bytes: &[u8], model: &str) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update([READER_VERSION, 0]);
    hash.update(model);
    hash.update([0]);
    hash.update(bytes);
    hash.finalize().to_vec()
}

/// Raised with every change to `reading` or `passages` that makes other passages, so that stores are brought up to date.
const READER_VERSION: u8 = 1;
/// A longer title is text in the wrong place.
const TITLE_BYTES_MAX: usize = 200;
/// A longer file is data.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(path: &str, text: &'static str, origin: &Origin, seen: &HashMap<String, Vec<u8>>) -> Taken {
        take(&File { path: path.to_owned(), at: Place::Memory(text) }, origin, "m", seen)
    }
    fn folder() -> Origin {
        Origin::Folder("/x".into())
    }

    #[test]
    fn what_was_seen_before_is_not_read_again_until_it_changes() {
        let Taken::Fresh(fresh) = taken("a.md", "# A\n\nwords", &folder(), &HashMap::new()) else {
            panic!("it is fresh")
        };
        assert_eq!((fresh.title.as_str(), fresh.passages.len()), ("A", 1));
        let seen = HashMap::from([("a.md".to_owned(), fresh.hash)]);
        assert!(matches!(taken("a.md", "# A\n\nwords", &folder(), &seen), Taken::Unchanged));
        assert!(matches!(taken("a.md", "# A\n\nother", &folder(), &seen), Taken::Fresh(_)));
    }

    #[test]
    fn translations_are_left_out_of_books_and_kept_in_a_person_s_folder() {
        let page = r#"<html lang="ja"><body><p>words</p></body></html>"#;
        let book = Origin::Book("/x".into());
        assert!(matches!(taken("a.html", page, &book, &HashMap::new()), Taken::LeftOut(_)));
        assert!(matches!(taken("a.html", page, &folder(), &HashMap::new()), Taken::Fresh(_)));
    }

    #[test]
    fn redirects_and_empty_files_are_left_out() {
        let redirect = r#"<meta http-equiv="refresh" content="0; URL=b.html"><body>Gone to b</body>"#;
        for (path, text) in [("a.html", redirect), ("a.md", "# Only a heading"), ("a.txt", " \n")] {
            assert!(matches!(taken(path, text, &folder(), &HashMap::new()), Taken::LeftOut(_)), "{path}");
        }
    }

    #[test]
    fn a_file_that_is_gone_is_a_failure_and_no_panic() {
        let file = File { path: "a.md".into(), at: Place::Disk("/no/such/file".into()) };
        assert!(matches!(take(&file, &folder(), "m", &HashMap::new()), Taken::Failed(_)));
    }

    #[test]
    fn a_passage_s_place_is_counted_in_characters() {
        let reading = reading::read(Path::new("a.md"), "é é\n\n# A\n\nwords".as_bytes()).unwrap();
        let places: Vec<_> = cuts(&reading).into_iter().map(|cut| (cut.start, cut.text)).collect();
        assert_eq!(places, [(0, "é é".to_owned()), (10, "words".to_owned())]);
    }
}
