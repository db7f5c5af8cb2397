//! Real counters, gauges and duration histograms, kept by `sidelight-metrics` and shown at `/metrics`.

use super::Storage;
use crate::{
    Catalog, Definition, Instrument, Kind, Page,
    label::Labels,
    page::{Ask, PageError, Permission, Reply},
};
use sidelight_metrics::{CounterCell, DURATION_BOUNDS, Family, GaugeCell, HistogramCell, Series, Value, text};
use std::{
    marker::PhantomData,
    sync::{OnceLock, RwLock},
    time::Duration,
};

/// This build has metrics.
pub const COMPILED: bool = true;

/// What the feature brings to the admin port.
pub const PAGES: &[Page] = &[Page {
    path: "/metrics",
    permission: Permission::Scrape,
    says: "Prometheus metrics, text format 0.0.4.",
    parameters: Some(&[]),
    show,
}];

/// The catalogues that were handed over at the start.
static CATALOGS: RwLock<Vec<Catalog>> = RwLock::new(Vec::new());

pub(crate) fn start(catalogs: Vec<Catalog>) {
    // a second recorder cannot be set: the first one goes on, and its series stay on the page
    let _ = sidelight_metrics::recorder::install();
    *CATALOGS.write().unwrap_or_else(std::sync::PoisonError::into_inner) = catalogs;
}

#[allow(clippy::unnecessary_wraps)] // a page may fail; this one does not
fn show(_: &Ask) -> Result<Reply, PageError> {
    let mut families = Families(sidelight_metrics::recorder::families());
    let catalogs = CATALOGS.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    for instrument in catalogs.iter().flat_map(|catalog| catalog.iter()) {
        instrument.collect(&mut families);
    }
    Ok(Reply { content_type: text::CONTENT_TYPE, file_name: None, body: text::render(families.0).into_bytes() })
}

/// What was collected: see [`Instrument::collect`].
#[derive(Debug, Default)]
pub struct Families(Vec<Family>);

impl Families {
    fn push(&mut self, definition: &'static Definition, ending: &str, help: &str, series: Vec<Series>) {
        let kind = match series.first() {
            Some(series) => series.value.kind(),
            None => return,
        };
        let name = format!("{}{ending}", definition.name);
        self.0.push(Family::new(&name, help, kind, series));
    }
}

/// Label sets of a closed catalogue up to this many exist at 0 from the start, so that a rate over
/// them has a first value to grow from.
const SHOWN_AT_ZERO_MAX: usize = 128;

fn labels(definition: &Definition, index: usize) -> Option<Vec<(String, String)>> {
    let values = (definition.values)(index)?;
    let pairs = definition.keys.iter().zip(values);
    Some(
        pairs.filter(|(_, value)| !value.is_empty()).map(|(key, value)| sidelight_metrics::label(key, value)).collect(),
    )
}

macro_rules! instrument { ($($(#[$doc:meta])* $name:ident($cell:ident, $number:ty) = $kind:ident, $ending:literal: $($(#[$method_doc:meta])* $method:ident),+;)+) => {$(
    $(#[$doc])*
    #[derive(Debug)]
    pub struct $name<L> {
        definition: &'static Definition,
        cells: &'static [$cell],
        labels: PhantomData<fn(L)>,
    }

    impl<L: Labels> $name<L> {
        #[doc(hidden)]
        pub const KIND: Kind = Kind::$kind;
        #[doc(hidden)]
        pub const KEYS: &'static [&'static str] = L::KEYS;
        #[doc(hidden)]
        pub const VALUES: fn(usize) -> Option<Vec<&'static str>> = L::values;
        #[doc(hidden)]
        pub const FAILURES: &'static [&'static str] = &[];
        #[doc(hidden)]
        #[must_use]
        pub const fn cell() -> $cell {
            $cell::new()
        }
        #[doc(hidden)]
        #[must_use]
        pub const fn new(definition: &'static Definition, cells: &'static [$cell]) -> Self {
            Self { definition, cells, labels: PhantomData }
        }
        $(
            $(#[$method_doc])*
            #[inline]
            pub fn $method(&self, labels: L, number: $number) {
                self.cells[labels.index()].$method(number);
            }
        )+
    }
    impl<L: Labels> Storage for $name<L> {
        type Cell = $cell;
        const CELLS: usize = L::CARDINALITY;
    }
    impl<L: Labels> Instrument for $name<L> {
        fn definition(&self) -> Option<&'static Definition> {
            Some(self.definition)
        }
        fn collect(&self, families: &mut Families) {
            let all = L::IS_CLOSED && self.cells.len() <= SHOWN_AT_ZERO_MAX;
            let series = self.cells.iter().enumerate().filter(|(_, cell)| all || !cell.is_zero());
            let series = series.filter_map(|(index, cell)| Some(Series {
                labels: labels(self.definition, index)?,
                value: Value::from(cell),
            }));
            families.push(self.definition, $ending, self.definition.help, series.collect());
        }
    }
)+}}

instrument! {
    /// A number that only grows.
    Counter(CounterCell, u64) = Counter, "_total":
        /// Adds to the series of these labels.
        add;
    /// A number that goes up and down.
    Gauge(GaugeCell, i64) = Gauge, "":
        /// Adds to the series of these labels; the number may be negative.
        add,
        /// Sets the series of these labels.
        set;
}

/// One label set of an operation; allocates when it is first used.
#[derive(Debug)]
pub struct OperationCell(OnceLock<Box<Cells>>);

#[derive(Debug)]
struct Cells {
    active: GaugeCell,
    outcomes: [OnceLock<Box<HistogramCell>>; OUTCOMES_MAX],
}

/// Success, cancellation and this many less two failures; a catalogue with more does not compile.
const OUTCOMES_MAX: usize = 16;

impl OperationCell {
    /// An unused cell.
    #[must_use]
    #[allow(clippy::new_without_default)] // only ever a static's initialiser
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    fn cells(&self) -> &Cells {
        self.0.get_or_init(|| {
            Box::new(Cells { active: GaugeCell::new(), outcomes: [const { OnceLock::new() }; OUTCOMES_MAX] })
        })
    }

    #[inline]
    #[doc(hidden)] // a seam between twins
    pub fn begin(&self) {
        self.cells().active.add(1);
    }

    #[inline]
    #[doc(hidden)]
    pub fn end(&self, outcome: usize, duration: Duration) {
        let cells = self.cells();
        cells.active.add(-1);
        let histogram =
            cells.outcomes[outcome.min(OUTCOMES_MAX - 1)].get_or_init(|| Box::new(HistogramCell::new(DURATION_BOUNDS)));
        histogram.observe(duration.as_secs_f64());
    }

    #[doc(hidden)]
    pub fn collect(cells: &'static [Self], definition: &'static Definition, families: &mut Families) {
        let (mut durations, mut active) = (Vec::new(), Vec::new());
        for (index, cells) in cells.iter().enumerate() {
            let Some(cells) = cells.0.get() else { continue };
            let Some(labels) = labels(definition, index) else { continue };
            for (outcome, histogram) in cells.outcomes.iter().enumerate() {
                let Some(histogram) = histogram.get() else { continue };
                let mut labels = labels.clone();
                let error = crate::operation::error_type(definition, outcome);
                labels.extend(error.map(|error| sidelight_metrics::label("error.type", error)));
                durations.push(Series { labels, value: Value::from(&**histogram) });
            }
            active.push(Series { labels, value: Value::from(&cells.active) });
        }
        families.push(definition, "_duration_seconds", definition.help, durations);
        let help = format!("{} In flight now.", definition.help);
        families.push(definition, "_in_flight", &help, active);
    }
}
