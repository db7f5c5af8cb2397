//! An operation: one thing the program does that has a name, labels, a duration and an outcome.
//!
//! The face of the twins `operation/on.rs` (metrics or tracing is on) and `operation/off.rs`.

#[cfg_attr(any(feature = "metrics", feature = "tracing"), path = "operation/on.rs")]
#[cfg_attr(not(any(feature = "metrics", feature = "tracing")), path = "operation/off.rs")]
mod imp;

pub use crate::outcome::{Failure, Outcome};
pub(crate) use imp::start;
pub use imp::{Begun, Interned, Names, Observed, Operation, Unended};
