//! A collection of documents that can be searched. [`Library`] is the whole of it for whoever asks: [`Library::search`],
//! [`Library::read`], [`Library::sources`]; [`Library::ingest`] fills it from a [`Corpus`].
//!
//! | file | what it knows |
//! |---|---|
//! | `corpus` | which folders are read |
//! | `reading` | what a file says: HTML, Markdown, text |
//! | `passages` | where a document is cut |
//! | `ingest` | from files to the store |
//! | `open`, `queries` | every statement that the store is asked |
//! | `vectors` | nearest neighbours, in memory |
//! | `fusion`, `snippet` | what a search result is made of |
//!
//! Knows no protocol, no listener and no feature of Sidelight.

mod bundled;
mod corpus;
mod error;
mod fusion;
mod ingest;
mod library;
mod location;
mod metrics;
mod open;
mod passages;
mod progress;
mod queries;
mod reading;
mod snippet;
mod vectors;

pub use corpus::{Corpus, Source};
pub use error::StoreError;
pub use ingest::{IngestError, Report};
pub use library::{Excerpt, Hit, Library, Search, SearchError};
pub use location::{Location, LocationError};
pub use metrics::{CATALOG, SourceName};
pub use open::OpenError;
pub use queries::{Document, DocumentQueries, NewDocument, NewPassage, Passage, SourceCount};
