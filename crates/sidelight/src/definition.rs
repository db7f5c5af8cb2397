//! What one line of a catalogue says, without the numbers.

use std::time::{Duration, SystemTime};

/// What kind of thing an instrument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A duration, an outcome, a number in flight, a span.
    Operation,
    /// A number that only grows.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// Values, by how large they are.
    Histogram,
}

/// What one line of a catalogue says.
#[derive(Debug)]
pub struct Definition {
    /// The OpenTelemetry name, for example `db.client.operation`.
    pub name: &'static str,
    /// The doc comment.
    pub help: &'static str,
    /// The kind.
    pub kind: Kind,
    /// What the names of its series end with.
    pub ending: &'static str,
    /// Attribute names, in order.
    pub keys: &'static [&'static str],
    /// The label values at a position, in the order of `keys`; `None` where no such label set exists.
    pub values: fn(usize) -> Option<Vec<&'static str>>,
    /// The ways it can fail: values of `error.type`.
    pub failures: &'static [&'static str],
    #[doc(hidden)] // from the record of a kept request to the cell: labels, outcome, moment
    pub remember: fn(usize, usize, &Moment),
}

/// Anything that a catalogue lists.
pub trait Instrument: Sync {
    /// The declaration; `None` in a build in which this instrument is off.
    fn definition(&self) -> Option<&'static Definition>;
    /// Enters the page at 0 for every label set, where all are known and few.
    fn show(&'static self);
}

/// The list that `catalog!` makes.
pub type Catalog = &'static [&'static dyn Instrument];

/// A family of series, as `mcp catalog` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The name on the page.
    pub series: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Names of labels, as they are on the page.
    pub labels: Vec<String>,
    /// The help text.
    pub help: String,
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
