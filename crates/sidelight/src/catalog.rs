//! `catalog!`: one table a crate, from which everything observable about it follows.
//! Keeps no values: cells belong to the `metrics` twin, records to the `tracing` twin.

use crate::{metrics, operation::Moment, settings::with_own};

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

/// Every family that this build can show, by name: what the catalogues declare, and what collectors describe. Empty in a
/// build without metrics.
#[must_use]
pub fn described(catalogs: &[Catalog]) -> Vec<Described> {
    let declared = with_own(catalogs).into_iter().flatten().filter_map(|it| it.definition());
    let mut all: Vec<Described> = if metrics::COMPILED { declared.flat_map(families).collect() } else { Vec::new() };
    all.extend(metrics::descriptions());
    all.sort_by(|one, other| one.series.cmp(&other.series));
    all
}

fn families(definition: &Definition) -> Vec<Described> {
    let Definition { name, help, ending, .. } = *definition;
    let labels: Vec<String> = definition.keys.iter().map(|key| underscored(key)).collect();
    let family = |ending: &str, kind, labels, help: &str| Described {
        series: format!("{}{ending}", underscored(name)),
        kind,
        labels,
        help: help.trim().to_owned(),
    };
    match definition.kind {
        Kind::Operation => {
            let timed = labels.iter().cloned().chain(["error_type".to_owned()]).collect();
            let in_flight = format!("{} In flight now.", help.trim());
            vec![
                family("_duration_seconds", "histogram", timed, help),
                family("_in_flight", "gauge", labels, &in_flight),
            ]
        }
        Kind::Counter => vec![family(ending, "counter", labels, help)],
        Kind::Gauge => vec![family(ending, "gauge", labels, help)],
        Kind::Histogram => vec![family(ending, "histogram", labels, help)],
    }
}

/// A name of OpenTelemetry as Prometheus has it.
fn underscored(name: &str) -> String {
    name.replace('.', "_")
}

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
                    ending: <$kind>::ENDING,
                    keys: <$kind>::KEYS,
                    values: <$kind>::VALUES,
                    failures: <$kind>::FAILURES,
                    remember: |labels, outcome, moment| <$kind>::remember(&CELLS, labels, outcome, moment),
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
