//! The request's context, its records, and log lines.
//!
//! The face of the twins `tracing/on.rs` and `tracing/off.rs`, which export the same names and the same
//! `event!` macro. Write `info!("text", key = value)`: values are strings, numbers and booleans; both builds
//! check that they compile, and neither evaluates them when the line is not wanted.

#[cfg_attr(feature = "tracing", path = "tracing/on.rs")]
#[cfg_attr(not(feature = "tracing"), path = "tracing/off.rs")]
mod imp;

pub use imp::{COMPILED, Context, PAGES, Within, note};
pub(crate) use imp::{Flush, start};
#[doc(hidden)] // a seam between twins, and what `event!` expands to
pub use imp::{Node, lines};

/// What a request brought with it.
#[derive(Clone, Debug, Default)]
pub struct Incoming<'a> {
    /// Where its caller's context may stand, in the order in which they are believed: the first that holds one gives the
    /// parent, the other one is linked.
    pub carriers: [Carrier<'a>; 2],
    /// The id that log lines and spans of this request carry.
    pub correlation_id: Option<&'a crate::CorrelationId>,
    /// It lasts as long as its client likes, so that it is never kept for being slow.
    pub lasting: bool,
}

/// One place where a caller's context may stand: headers, or a message's own fields. What is none is ignored.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carrier<'a> {
    /// W3C `traceparent`.
    pub traceparent: Option<&'a str>,
    /// W3C `tracestate`, which is handed on.
    pub tracestate: Option<&'a str>,
    /// Jaeger's `uber-trace-id`, where [`Propagators`](crate::Propagators) has it.
    pub uber_trace_id: Option<&'a str>,
}

/// The value of a [`note`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A whole number.
    Whole(i64),
    /// A word; one of more than 256 bytes is cut.
    Word(&'a str),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(word: &'a str) -> Self {
        Self::Word(word)
    }
}

macro_rules! whole { ($($number:ty),+) => {$(
    impl From<$number> for Value<'_> {
        fn from(number: $number) -> Self {
            Self::Whole(i64::try_from(number).unwrap_or(i64::MAX))
        }
    }
)+}}
whole!(u32, u64, usize);

/// An attribute's name and its value.
pub type Note<'a> = (&'static str, Value<'a>);

/// Carries the current context into a task.
///
/// `tokio::spawn(work().in_current_context())` stays part of the request; a bare `tokio::spawn(work())` does not.
pub trait InContext: Future + Sized {
    /// Runs this future in the context that is current now, wherever it is polled.
    #[must_use = "a future does nothing unless it is polled"]
    fn in_current_context(self) -> Within<Self> {
        Context::current().scope(self)
    }
}

impl<F: Future> InContext for F {}

/// Something went wrong, and somebody should look.
#[macro_export]
macro_rules! error { ($($line:tt)+) => { $crate::event!(ERROR, $($line)+) } }
/// Something is not as it should be, and the program goes on.
#[macro_export]
macro_rules! warn { ($($line:tt)+) => { $crate::event!(WARN, $($line)+) } }
/// Something happened that an operator wants to know.
#[macro_export]
macro_rules! info { ($($line:tt)+) => { $crate::event!(INFO, $($line)+) } }
/// Somebody did what must be known later: no filter and no limit keeps this line back.
#[macro_export]
macro_rules! audit { ($($line:tt)+) => { $crate::event!(AUDIT, $($line)+) } }
/// Something happened that helps whoever looks for a fault.
#[macro_export]
macro_rules! debug { ($($line:tt)+) => { $crate::event!(DEBUG, $($line)+) } }
