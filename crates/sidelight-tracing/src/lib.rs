//! The machinery of Sidelight's feature `tracing`: the context of a request, its bounded arena of records, W3C
//! propagation, JSON lines, the bridge for foreign spans, and OTLP export. Knows no listener, no catalogue and no
//! feature.
//!
//! Nothing heavy happens on a request's path: whether it is sampled is decided before any span exists, an operation
//! is one record in the request's arena, and OTLP spans are built from kept arenas on the exporter's thread.

mod export;
mod foreign;
mod live;
mod log;
mod request;
mod secret;
mod start;

pub use live::{filter, rate, set_filter, set_rate};
pub use request::{
    Arrival, Attribute, Carrier, Context, Entered, Node, Propagators, Seen, Subject, TraceParent, Value, Within, parse,
    requests,
};
pub use start::{Config, Dropped, Guard, Lines, StartError, dropped, start};
pub use tracing;
