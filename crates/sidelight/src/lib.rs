//! Sidelight's facade: the only crate that code speaks to in order to be seen.
//!
//! A *sidelight* is the narrow window beside a front door. What can be seen through it is decided when
//! the program is compiled, by three features that are independent of each other:
//!
//! | feature | what it brings |
//! |---|---|
//! | `metrics` | counters, gauges and duration histograms at `/metrics` |
//! | `tracing` | JSON log lines with correlation ids, a trace of each sampled, failed or slow request |
//! | `profiling` | CPU and heap profiles at `/debug/pprof/` |
//!
//! The API is the same in all eight builds. What is off is zero-sized and does nothing, so code that is
//! observed carries no `cfg`. Declare what exists once, in one table, and say only that it happened:
//!
//! ```
//! use sidelight::{Counter, Failure, Operation, catalog, labels};
//!
//! labels! {
//!     /// Which shelf was asked.
//!     pub enum Shelf = "shelf" { /// Books.
//!         Books = "books", /// Maps.
//!         Maps = "maps" }
//! }
//! catalog! {
//!     /// One visit to a shelf.
//!     pub VISIT: Operation<Shelf, Closed> = "shelf.visit";
//!     /// Things taken from a shelf.
//!     pub TAKEN: Counter<Shelf> = "shelf.taken";
//! }
//!
//! #[derive(Debug)]
//! pub struct Closed;
//! impl Failure for Closed {
//!     const NAMES: &'static [&'static str] = &["closed"];
//!     fn index(&self) -> usize { 0 }
//! }
//!
//! async fn take() -> Result<u32, Closed> {
//!     let book = VISIT.observe(Shelf::Books, async { Ok(7) }).await?;
//!     TAKEN.add(Shelf::Books, 1);
//!     Ok(book)
//! }
//! ```
//!
//! Deliberately absent: a listener, a web framework, an exporter, a profiler. Those live in
//! `sidelight-admin` and in the three machinery crates, one for each feature.

#[macro_use]
mod catalog;
pub mod correlation;
mod definition;
pub mod label;
pub mod metrics;
pub mod operation;
#[doc(hidden)] // a seam between twins
pub mod outcome;
pub mod page;
pub mod profiling;
mod settings;
mod start;
pub mod tracing;

pub use catalog::described;
pub use correlation::CorrelationId;
pub use definition::{Catalog, Definition, Described, Instrument, Kind};
pub use metrics::{Counter, Gauge, Histogram, itself};
pub use operation::{Failure, Operation, Outcome};
pub use page::Page;
pub use settings::{LogFormat, Output, Profiling, Propagators, Settings, StartError};
pub use start::{Running, start};
pub use tracing::{Context, InContext};

/// The features, and whether this build has them.
pub const FEATURES: [(&str, bool); 3] =
    [("metrics", metrics::COMPILED), ("tracing", tracing::COMPILED), ("profiling", profiling::COMPILED)];

/// The admin pages that the features bring. A feature that is off brings the same rows: they answer
/// that the feature is not built in.
pub fn pages() -> impl Iterator<Item = &'static Page> {
    [metrics::PAGES, tracing::PAGES, profiling::PAGES].into_iter().flatten()
}
