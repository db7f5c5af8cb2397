#![doc = include_str!("../README.md")]

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
