//! The two kinds of store, and what they share: rows in and out. The statements of each stand in a file of its own.

pub(crate) mod dimensions;
mod pool;
mod pooler;
pub(crate) mod postgres;
pub(crate) mod sqlite;
mod statement;

use crate::Location;
use std::{path::PathBuf, time::Duration};

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its folder is not there and cannot be made.
    #[error("the folder {} of the document store cannot be made: {cause}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// There is no room left.
    #[error("the document store {location} has no room left on its disk")]
    Full {
        /// The store.
        location: Location,
    },
    /// It cannot be opened, or is no database.
    #[error("the document store {location} cannot be opened: {cause}")]
    Database {
        /// The store.
        location: Location,
        /// What the database said.
        cause: sqlx::Error,
    },
    /// A pooler is before it that gives each statement another connection.
    #[error(
        "the document store {location} is behind a pooler that gives a connection for one transaction at a time: add \
         ?statement-cache-capacity=0 to DATABASE_URL"
    )]
    Pooler {
        /// The store.
        location: Location,
    },
    /// It is a database, but its tables are not this program's.
    #[error("the tables of the document store {location} cannot be brought up to date: {cause}")]
    Tables {
        /// The store.
        location: Location,
        /// What is wrong with them.
        cause: sqlx::migrate::MigrateError,
    },
}

/// A document as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The source's name.
    pub source: String,
    /// The path within the source.
    pub path: String,
    /// The title.
    pub title: String,
    /// All of it: Markdown, or plain text.
    pub text: String,
}

/// A document's name without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentName {
    /// The source's name.
    pub source: String,
    /// The path within the source.
    pub path: String,
    /// The title.
    pub title: String,
    /// How long the text is, in bytes.
    pub bytes: u64,
}

/// A document that is to be kept, and its passages.
#[derive(Clone, Debug)]
pub struct NewDocument {
    /// The document.
    pub document: Document,
    /// Tells whether it must be read again.
    pub hash: Vec<u8>,
    /// Its passages, in order.
    pub passages: Vec<NewPassage>,
}

/// A passage that is to be kept.
#[derive(Clone, Debug)]
pub struct NewPassage {
    /// Where it starts in the document's text, in characters.
    pub start: usize,
    /// The headings above it, the outermost first, joined by ` > `.
    pub heading: String,
    /// Its words.
    pub text: String,
    /// Its vector.
    pub vector: Vec<f32>,
}

/// A passage that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Its number in the store.
    pub id: i64,
    /// The document's source.
    pub source: String,
    /// The document's path within the source.
    pub path: String,
    /// The document's title.
    pub title: String,
    /// The headings above it.
    pub heading: String,
    /// Its words.
    pub text: String,
    /// Where it starts in the document's text, in characters.
    pub start: usize,
}

/// A source and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceCount {
    /// Its name.
    pub name: String,
    /// How many documents.
    pub documents: u64,
    /// How many passages.
    pub passages: u64,
}

/// The model whose vectors a store keeps and compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// How many numbers a vector has.
    pub dimensions: usize,
}

/// A server may give another model the name of an old one.
fn tell_dimensions(model: &Model, before: usize) {
    sidelight::warn!(
        "the model gives vectors of another length than before: all documents are read anew",
        model = model.name.as_str(),
        before = before,
        now = model.dimensions,
    );
}

/// Which documents to name: those of a source, behind the one that was named last.
#[derive(Clone, Copy, Debug, Default)]
pub struct After<'a> {
    /// Only of this source.
    pub source: Option<&'a str>,
    /// Behind this one, by source and path.
    pub last: Option<(&'a str, &'a str)>,
}

type PassageRow = (i64, String, String, String, String, String, i64);

impl From<PassageRow> for Passage {
    fn from((id, source, path, title, heading, text, start): PassageRow) -> Self {
        Self { id, source, path, title, heading, text, start: usize::try_from(start).unwrap_or_default() }
    }
}

type SourceRow = (String, i64, i64);

impl From<SourceRow> for SourceCount {
    fn from((name, documents, passages): SourceRow) -> Self {
        Self { name, documents: number(documents), passages: number(passages) }
    }
}

type NameRow = (String, String, String, i64);

impl From<NameRow> for DocumentName {
    fn from((source, path, title, bytes): NameRow) -> Self {
        Self { source, path, title, bytes: number(bytes) }
    }
}

fn number(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

fn place(start: usize) -> i64 {
    i64::try_from(start).unwrap_or(i64::MAX)
}

/// Connections at a time.
const CONNECTIONS_MAX: u32 = 8;
/// How long a query waits for a connection, or for another process that writes.
const WAIT: Duration = Duration::from_secs(5);
/// Sessions that were not used for so long are forgotten, in seconds: a day.
const SESSION_SECONDS: i64 = 86_400;
/// And so are the oldest beyond so many, some kilobytes each.
const SESSIONS_MAX: i64 = 10_000;
