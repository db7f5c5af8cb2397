//! What a reader asks the collection, and what comes back. Asks nothing itself.

use crate::StoreError;
use embeddings::EmbedError;

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Search<'a> {
    /// A question, or words.
    pub query: &'a str,
    /// Only in this source.
    pub source: Option<&'a str>,
    /// So many documents at the most.
    pub limit: usize,
    /// How.
    pub by: By,
}

/// By what passages are found. The parts are there to be compared with the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum By {
    /// By words and by vectors, fused.
    #[default]
    Both,
    /// By words alone.
    Words,
    /// By vectors alone.
    Vectors,
}

/// A document that was found, by its best passage.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// `source/path`, for [`Library::read`](crate::Library::read).
    pub id: String,
    /// The source.
    pub source: String,
    /// The document's title.
    pub title: String,
    /// The headings above the passage, the outermost first, joined by ` > `.
    pub heading: String,
    /// The part of the passage around the first match, at most 300 characters.
    pub snippet: String,
    /// Where the passage starts in the document, in characters.
    pub offset: usize,
    /// The reciprocal rank fusion's sum: higher is better, comparable within one search only.
    pub score: f64,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The documents, the best first.
    pub hits: Vec<Hit>,
    /// The model gave no vector in time, or did not read these documents, so they were found by their words alone.
    pub by_words_alone: bool,
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The source.
    pub source: String,
    /// The title.
    pub title: String,
    /// At most [`Excerpt::CHARS_MAX`] characters, from `offset` on.
    pub text: String,
    /// Where the text starts, in characters.
    pub offset: usize,
    /// How long the whole document is, in characters.
    pub total: usize,
}

impl Excerpt {
    /// The most that is read at once: some ten minutes for a person, and a bearable part of a model's context.
    pub const CHARS_MAX: usize = 8_000;

    /// Where to read on; `None` at the document's end.
    #[must_use]
    pub fn next_offset(&self) -> Option<usize> {
        let next = self.offset + self.text.chars().count();
        (next < self.total).then_some(next)
    }
}

/// Why a search has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The question could not be turned into a vector.
    #[error(transparent)]
    Embed(#[from] EmbedError),
}
