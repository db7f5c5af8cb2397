//! `catalog!`: one table a crate, from which everything observable about it follows.
//! Keeps no values: cells belong to the `metrics` twin, records to the `tracing` twin.

use crate::metrics::Families;

/// What kind of thing an instrument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A duration, an outcome, a number in flight, a span.
    Operation,
    /// A number that only grows.
    Counter,
    /// A number that goes up and down.
    Gauge,
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
    /// Attribute names, in order.
    pub keys: &'static [&'static str],
    /// The label values at a position, in the order of `keys`; `None` where no such label set exists.
    pub values: fn(usize) -> Option<Vec<&'static str>>,
    /// The ways it can fail: values of `error.type`.
    pub failures: &'static [&'static str],
}

/// Anything that a catalogue lists.
pub trait Instrument: Sync {
    /// The declaration; `None` in a build in which this instrument is off.
    fn definition(&self) -> Option<&'static Definition>;
    /// Adds what was counted so far.
    fn collect(&self, families: &mut Families);
}

/// The list that `catalog!` makes.
pub type Catalog = &'static [&'static dyn Instrument];

/// Declares instruments as statics, and `CATALOG`, the list of them. The doc comment is the help text, the
/// type is the kind with its labels and failures, the string is the OpenTelemetry name.
#[macro_export]
macro_rules! catalog {
    ($($(#[doc = $help:literal])+ $vis:vis $name:ident: $kind:ty = $otel:literal;)+) => {
        $(
            $(#[doc = $help])+
            #[doc = concat!("\n\n`", $otel, "`")]
            $vis static $name: $kind = {
                static DEFINITION: $crate::Definition = $crate::Definition {
                    name: $otel,
                    help: concat!($($help),+),
                    kind: <$kind>::KIND,
                    keys: <$kind>::KEYS,
                    values: <$kind>::VALUES,
                    failures: <$kind>::FAILURES,
                };
                static CELLS: [<$kind as $crate::metrics::Storage>::Cell; <$kind as $crate::metrics::Storage>::CELLS] =
                    [const { <$kind>::cell() }; <$kind as $crate::metrics::Storage>::CELLS];
                <$kind>::new(&DEFINITION, &CELLS)
            };
        )+
        /// Everything that this crate declares.
        pub static CATALOG: &[&dyn $crate::Instrument] = &[$(&$name),+];
    };
}
