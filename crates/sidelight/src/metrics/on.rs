//! Real counters, gauges and histograms, kept by `sidelight-metrics` and shown at `/metrics`. A label set enters the page
//! when it is first used, or at the start where all of them are known and few.

use super::{
    Storage, Unit,
    itself::{DROPPED, Loss, SCRAPE, SERIES},
};
use crate::{
    FEATURES, Page, Settings,
    definition::{Catalog, Definition, Described, Instrument, Kind, Moment},
    label::Labels,
    outcome::{PANICKED, error_type},
    page::{Ask, PageError, Parameter, Permission, Reply, Values},
};
use quanta::{Clock, Instant};
pub use sidelight_metrics::Probe;
use sidelight_metrics::{
    CounterCell, Exemplar, FlowCell, Form, GaugeCell, HistogramCell, Kind as Shown, Name, Scale, Wanted,
};
use std::{marker::PhantomData, sync::OnceLock, time::Duration};

/// This build has metrics.
pub const COMPILED: bool = true;

/// What the feature brings to the admin port.
pub const PAGES: &[Page] = &[Page {
    path: "/metrics",
    permission: Permission::Scrape,
    says: "Prometheus metrics: text, OpenMetrics or protobuf, as the scraper asks.",
    parameters: Some(&[Parameter {
        name: "name[]",
        says: "Only this family, or this sample's; may be given again.",
        values: Values::Names,
    }]),
    show,
    change: None,
}];

pub(crate) fn start(settings: &Settings, catalogs: &[Catalog]) {
    // a second recorder cannot be set: the first one goes on, and its series stay on the page
    let _ = sidelight_metrics::recorder::install();
    sidelight_metrics::say_created(settings.created);
    for instrument in catalogs.iter().copied().flatten() {
        instrument.show();
    }
    sidelight_metrics::process::watch();
    let features: Vec<&str> = FEATURES.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    let labels =
        [("version", settings.version.as_str()), ("commit", &settings.commit), ("features", &features.join(","))];
    sidelight_metrics::enter_fact(Name::new("sidelight_build_info", BUILD_INFO, Shown::Gauge, labels));
}

/// Shows what the tokio runtime does that it is called on, as long as the probe lives.
#[must_use]
pub fn watch_runtime() -> Probe {
    sidelight_metrics::runtime::watch()
}

const BUILD_INFO: &str = "What was built: always 1.";

/// What the collectors of dependencies say of their series.
pub(crate) fn descriptions() -> Vec<Described> {
    let mut all: Vec<Described> = sidelight_metrics::descriptions()
        .into_iter()
        .map(|(series, it)| Described { series, kind: it.kind.word(), labels: Vec::new(), help: it.help })
        .collect();
    let labels = ["version", "commit", "features"].map(str::to_owned).to_vec();
    all.push(Described { series: "sidelight_build_info".into(), kind: "gauge", labels, help: BUILD_INFO.into() });
    all
}

#[allow(clippy::unnecessary_wraps)] // a page may fail; this one does not
fn show(ask: &Ask) -> Result<Reply, PageError> {
    let started = now();
    SERIES.set((), sidelight_metrics::series());
    DROPPED.raise(Loss::Overflow, sidelight_metrics::recorder::overflowed());
    DROPPED.raise(Loss::Conflict, sidelight_metrics::conflicts());
    let form = Form::asked_for(&ask.accepts.accept);
    let gzip = sidelight_metrics::takes_gzip(&ask.accepts.accept_encoding);
    let body = sidelight_metrics::render(&Wanted { form, names: ask.names("name[]"), gzip });
    SCRAPE.record((), now() - started);
    let encoding = gzip.then_some("gzip");
    Ok(Reply { content_type: form.content_type(), encoding, file_name: None, body })
}

/// Label sets of a closed catalogue up to this many exist at 0 from the start, so that a rate over
/// them has a first value to grow from.
const SHOWN_AT_ZERO_MAX: usize = 128;

/// What the series of a label set is called.
fn name(definition: &Definition, ending: &str, kind: Shown, index: usize) -> Name {
    named(definition, ending, definition.help, kind, index, None)
}

fn named(
    definition: &Definition,
    ending: &str,
    help: &str,
    kind: Shown,
    index: usize,
    error: Option<&'static str>,
) -> Name {
    let values = (definition.values)(index).unwrap_or_default();
    let labels = definition.keys.iter().copied().zip(values).chain(error.map(|error| ("error.type", error)));
    Name::new(&format!("{}{ending}", definition.name), help, kind, labels)
}

macro_rules! instrument { ($($(#[$doc:meta])* $name:ident<L $(, $unit:ident)?>($cell:ident) = $kind:ident, $ending:expr; $scale:expr;)+) => {$(
    $(#[$doc])*
    #[derive(Debug)]
    pub struct $name<L $(, $unit)?> {
        definition: &'static Definition,
        cells: &'static [$cell],
        types: PhantomData<fn(L $(, $unit)?)>,
    }

    impl<L: Labels $(, $unit: Unit)?> $name<L $(, $unit)?> {
        #[doc(hidden)]
        pub const KIND: Kind = Kind::$kind;
        #[doc(hidden)]
        pub const KEYS: &'static [&'static str] = L::KEYS;
        #[doc(hidden)]
        pub const VALUES: fn(usize) -> Option<Vec<&'static str>> = L::values;
        #[doc(hidden)]
        pub const FAILURES: &'static [&'static str] = &[];
        #[doc(hidden)]
        pub const ENDING: &'static str = $ending;
        #[doc(hidden)]
        #[must_use]
        pub const fn cell() -> $cell {
            $cell::new()
        }
        #[doc(hidden)]
        #[must_use]
        pub const fn new(definition: &'static Definition, cells: &'static [$cell]) -> Self {
            Self { definition, cells, types: PhantomData }
        }
        #[doc(hidden)]
        pub fn remember(_: &'static [$cell], _: usize, _: usize, _: &Moment) {}
    }
    impl<L: Labels $(, $unit: Unit)?> Storage for $name<L $(, $unit)?> {
        type Cell = $cell;
        const CELLS: usize = L::CARDINALITY;
    }
    impl<L: Labels $(, $unit: Unit)?> Instrument for $name<L $(, $unit)?> {
        fn definition(&self) -> Option<&'static Definition> {
            Some(self.definition)
        }
        fn show(&'static self) {
            if !L::IS_CLOSED || self.cells.len() > SHOWN_AT_ZERO_MAX {
                return;
            }
            for (index, cell) in self.cells.iter().enumerate().filter(|(index, _)| L::values(*index).is_some()) {
                #[allow(clippy::redundant_closure_call)] // the macro's own
                ($scale)(cell, || name(self.definition, $ending, Shown::$kind, index));
            }
        }
    }
)+}}

instrument! {
    /// A number that only grows.
    Counter<L>(CounterCell) = Counter, "_total"; |cell: &'static CounterCell, name| cell.show(name);
    /// A number that goes up and down.
    Gauge<L>(GaugeCell) = Gauge, ""; |cell: &'static GaugeCell, name| cell.show(name);
    /// Values, by how large they are.
    Histogram<L, U>(HistogramCell) = Histogram, U::ENDING; |cell: &'static HistogramCell, name| cell.show(name, scale::<U>());
}

impl<L: Labels> Counter<L> {
    /// Adds to the series of these labels.
    #[inline]
    pub fn add(&self, labels: L, number: u64) {
        let index = labels.index();
        self.cells[index].add(number, || name(self.definition, "_total", Shown::Counter, index));
    }
    /// Raises the series of these labels to a total that is kept elsewhere.
    pub fn raise(&self, labels: L, total: u64) {
        let index = labels.index();
        self.cells[index].raise(total, || name(self.definition, "_total", Shown::Counter, index));
    }
}

impl<L: Labels> Gauge<L> {
    /// Adds to the series of these labels; the number may be negative.
    #[inline]
    pub fn add(&self, labels: L, number: i64) {
        let index = labels.index();
        self.cells[index].add(number, || name(self.definition, "", Shown::Gauge, index));
    }
    /// Sets the series of these labels.
    #[inline]
    pub fn set(&self, labels: L, number: i64) {
        let index = labels.index();
        self.cells[index].set(number, || name(self.definition, "", Shown::Gauge, index));
    }
}

impl<L: Labels, U: Unit> Histogram<L, U> {
    /// Records a value in the series of these labels.
    #[inline]
    pub fn record(&self, labels: L, value: U::Value) {
        let index = labels.index();
        let name = || name(self.definition, U::ENDING, Shown::Histogram, index);
        self.cells[index].observe(U::number(value), name, scale::<U>());
    }
}

/// Measures how long something takes, for a histogram.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    #[allow(clippy::new_without_default)] // a stopwatch by default would start unseen
    pub fn start() -> Self {
        Self(now())
    }
    /// Since it was started.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        now() - self.0
    }
}

/// As the clock's own `Instant::now`, but on a thread that ends as well: nothing of the thread is looked at.
fn now() -> Instant {
    static CLOCK: OnceLock<Clock> = OnceLock::new();
    CLOCK.get_or_init(Clock::new).now()
}

fn scale<U: Unit>() -> Scale {
    Scale::of(U::ENDING)
}

/// One label set of an operation; allocates when it is first used.
#[derive(Debug)]
pub struct OperationCell(OnceLock<Box<Cells>>);

#[derive(Debug)]
struct Cells {
    in_flight: FlowCell,
    outcomes: [HistogramCell; OUTCOMES_MAX],
}

/// Success, cancellation, failures, and a panic; a catalogue with more does not compile.
const OUTCOMES_MAX: usize = PANICKED + 1;
const DURATION: &str = "_duration_seconds";
const IN_FLIGHT: &str = "_in_flight";

#[doc(hidden)] // a seam between twins
impl OperationCell {
    /// An unused cell.
    #[must_use]
    #[allow(clippy::new_without_default)] // only ever a static's initialiser
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    #[inline]
    fn cells(&self) -> &Cells {
        self.0.get_or_init(|| {
            Box::new(Cells { in_flight: FlowCell::new(), outcomes: [const { HistogramCell::new() }; OUTCOMES_MAX] })
        })
    }

    #[inline]
    pub fn begin(&self, definition: &'static Definition, labels: usize) {
        self.cells().in_flight.enter(|| in_flight(definition, labels));
    }

    #[inline]
    pub fn end(&self, definition: &'static Definition, labels: usize, outcome: usize, duration: Duration) {
        let cells = self.cells();
        cells.in_flight.leave(|| in_flight(definition, labels));
        let name = || {
            let error = error_type(definition, outcome);
            named(definition, DURATION, definition.help, Shown::Histogram, labels, error)
        };
        cells.outcomes[outcome.min(OUTCOMES_MAX - 1)].observe(duration.as_secs_f64(), name, Scale::Seconds);
    }

    pub fn remember(&self, outcome: usize, moment: &Moment) {
        let Moment { trace, span, duration, at } = *moment;
        let exemplar = Exemplar { trace, span, value: duration.as_secs_f64(), at };
        self.cells().outcomes[outcome.min(OUTCOMES_MAX - 1)].remember(exemplar);
    }
}

fn in_flight(definition: &Definition, labels: usize) -> Name {
    let help = format!("{} In flight now.", definition.help.trim());
    named(definition, IN_FLIGHT, &help, Shown::Gauge, labels, None)
}
