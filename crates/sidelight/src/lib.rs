#![doc = include_str!("../README.md")]

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
