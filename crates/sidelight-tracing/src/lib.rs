//! The machinery of Sidelight's feature `tracing`: the context of a request, its bounded arena of records, W3C
//! propagation, JSON lines, the bridge for foreign spans, and OTLP export. Knows no listener, no catalogue and no
//! feature.
//!
//! Nothing heavy happens on a request's path: whether it is sampled is decided before any span exists, an operation
//! is one record in the request's arena, and OTLP spans are built from kept arenas on the exporter's thread.

mod arena;
mod bridge;
mod clock;
mod collector;
mod context;
mod escape;
mod export;
mod foreign;
mod gate;
mod holders;
mod inspect;
mod limit;
mod lines;
mod live;
mod otlp;
mod panics;
mod propagation;
mod queue;
mod request;
mod sampling;
mod span;
mod start;
mod sync;
mod template;
mod writer;

pub use arena::{Attribute, Seen, Subject, Value};
pub use context::{Context, Entered, Node, Within};
pub use inspect::requests;
pub use live::{filter, rate, set_filter, set_rate};
pub use propagation::{Carrier, Propagators, TraceParent, parse};
pub use request::Arrival;
pub use start::{Config, Dropped, Guard, Lines, StartError, dropped, start};
pub use tracing;
