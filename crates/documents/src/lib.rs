#![doc = include_str!("../README.md")]

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
