//! A request, from its arrival until the last who works for it lets go. What its caller sent comes in, and each operation that
//! begins and ends in it; it goes out whole, if it is kept, to the sink that was named at the start, and piece by piece to
//! whoever looks at the requests in flight. Knows neither export nor logs.
//!
//! `context` is what the current code is part of; `lifecycle` begins and seals; `arena` is what is known of one request, taken
//! from the `pool` and held by `shared`; `sampling` and `propagation` decide and carry its trace; `inspect` shows.

mod arena;
mod clock;
mod context;
mod inspect;
mod lifecycle;
mod name;
mod pool;
mod propagation;
mod sampling;
mod shared;
mod sink;
mod sync;

pub use arena::{Attribute, Seen, Subject, Value};
pub use context::{Context, Entered, Node, Within};
pub use inspect::requests;
pub use lifecycle::Arrival;
pub use propagation::{Carrier, Propagators, TraceParent, parse};

pub(crate) use arena::{Arena, Record};
pub(crate) use clock::{Clock, text as time_text};
pub(crate) use name::of_operation as span_name;
pub(crate) use pool::put_away;
pub(crate) use propagation::set as set_propagators;
pub(crate) use sampling::{not_followed, random, set_rate};
#[cfg(test)]
pub(crate) use shared::Unique;
pub(crate) use sink::{Kept, left_out, set as set_sink};
