//! How one run of an operation ended.

use crate::definition::Definition;

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
