//! A collection of documents that can be searched. [`Library`] is the whole of it for whoever asks: [`Library::search`],
//! [`Library::read`], [`Library::sources`]; [`Library::ingest`] fills it from a [`Corpus`].
//!
//! | file | what it knows |
//! |---|---|
//! | `corpus` | which folders are read |
//! | `reading` | what a file says: HTML, Markdown, text |
//! | `passages` | where a document is cut |
//! | `ingest` | from files to the store |
//! | `queries` | every question that a store is asked |
//! | `store/sqlite`, `store/postgres` | the statements of each kind of store |
//! | `vectors` | nearest neighbours, in memory |
//! | `fusion`, `snippet` | what a search result is made of |
//! | `cache` | what was asked before |
//!
//! Knows no protocol, no listener and no feature of Sidelight.

mod bundled;
mod cache;
mod corpus;
mod error;
mod fusion;
mod ingest;
mod library;
mod location;
mod metrics;
mod passages;
mod progress;
mod queries;
mod reading;
mod search;
mod snippet;
mod store;
mod vectors;

pub use corpus::{Corpus, Source};
pub use error::{IngestError, StoreError};
pub use ingest::Report;
pub use library::Library;
pub use location::{Location, LocationError};
pub use metrics::{CATALOG, SourceName};
pub use queries::DocumentQueries;
pub use search::{By, Excerpt, Found, Hit, Search, SearchError};
pub use store::{After, Document, DocumentName, Model, NewDocument, NewPassage, OpenError, Passage, SourceCount};
