//! An operation: one thing the program does that has a name, labels, a duration and an outcome.
//!
//! The face of the twins `operation/on.rs` (metrics or tracing is on) and `operation/off.rs`.

#[cfg_attr(any(feature = "metrics", feature = "tracing"), path = "operation/on.rs")]
#[cfg_attr(not(any(feature = "metrics", feature = "tracing")), path = "operation/off.rs")]
pub(crate) mod imp;

use crate::Definition;
pub(crate) use imp::start;
pub use imp::{Begun, Interned, Names, Observed, Operation, Unended};
use std::time::{Duration, SystemTime};

/// The ways an operation can fail, as a closed set.
pub trait Failure {
    /// Values of `error.type`; at most 13.
    const NAMES: &'static [&'static str];
    /// Which one this is, as a position in `NAMES`.
    fn index(&self) -> usize;
}

impl Failure for std::convert::Infallible {
    const NAMES: &'static [&'static str] = &[];
    fn index(&self) -> usize {
        match *self {}
    }
}

/// What an operation's future yields.
pub trait Outcome {
    /// The failure type.
    type Failure: Failure;
    /// Which failure it is, if it is one.
    fn failure(&self) -> Option<usize>;
}

impl<T, E: Failure> Outcome for Result<T, E> {
    type Failure = E;
    #[inline]
    fn failure(&self) -> Option<usize> {
        self.as_ref().err().map(Failure::index)
    }
}

/// One run of an operation that can be looked at in a trace.
#[doc(hidden)] // a seam between twins
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub trace: u128,
    pub span: u64,
    pub duration: Duration,
    pub at: SystemTime,
}

/// Positions of the outcomes that every operation has: success, then cancellation, then its failures.
#[doc(hidden)] // a seam between twins, like the next three
pub const OK: usize = 0;
/// The future was dropped half-way.
#[doc(hidden)]
pub const CANCELLED: usize = 1;
/// How many come before an operation's own failures.
#[doc(hidden)]
pub const COMMON: usize = 2;

/// The code panicked: the last position, which no failure has.
#[doc(hidden)]
pub const PANICKED: usize = 15;

/// The value of `error.type` for an outcome; `None` for success.
#[doc(hidden)]
#[must_use]
pub fn error_type(definition: &Definition, outcome: usize) -> Option<&'static str> {
    match outcome {
        OK => None,
        CANCELLED => Some("cancelled"),
        // `_OTHER` is the conventions' own word for what has no name
        failure => Some(definition.failures.get(failure - COMMON).copied().unwrap_or("_OTHER")),
    }
}
