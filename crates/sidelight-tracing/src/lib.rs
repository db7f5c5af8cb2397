//! The machinery of Sidelight's feature `tracing`: the context of a request, its bounded arena of records, W3C
//! propagation, JSON lines, the bridge for foreign spans, and OTLP export. Knows no listener, no catalogue and no
//! feature.
//!
//! Nothing heavy happens on a request's path: whether it is sampled is decided before any span exists, an operation
//! is one record in the request's arena, and OTLP spans are built from kept arenas on the exporter's thread.

mod bridge;
mod context;
mod export;
mod flush;
mod gate;
mod limit;
mod lines;
mod propagation;
mod request;
mod sampling;
mod span;
mod start;
mod writer;

pub use context::{Context, Entered, Node, Within};
pub use propagation::{TraceParent, parse};
pub use request::{Arrival, Attribute, Seen, Subject};
pub use start::{Config, Dropped, Guard, Lines, StartError, dropped, start};
pub use tracing;
