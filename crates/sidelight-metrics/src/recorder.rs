//! The recorder behind the `metrics` facade: what a dependency emits through `counter!` and its like is kept in the same
//! slabs as our own, and stands on the same page. Keeps no samples, needs no upkeep, forgets nothing that is held.
//!
//! Bounded: a metric has at most [`SERIES_MAX`] series; label sets beyond become one more, marked as OpenTelemetry marks
//! it, so sums stay right.

use crate::{
    CounterCell, Distribution, Kind, Name, Scale,
    registry::{self, Description, Source},
};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Label, Metadata, SetRecorderError,
    SharedString, Unit,
};
use metrics_exporter_prometheus::formatting::sanitize_metric_name;
use metrics_util::registry::{Registry, Storage};
use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// Series of one metric, as in OpenTelemetry's SDKs.
pub const SERIES_MAX: usize = 2_000;
/// Names of metrics; what comes later is not kept.
const NAMES_MAX: usize = 2_000;

static REGISTRY: LazyLock<Registry<Key, Cells>> = LazyLock::new(|| Registry::new(Cells));
static ADMITTED: LazyLock<Mutex<HashMap<String, usize>>> = LazyLock::new(Mutex::default);
static OVERFLOWED: AtomicU64 = AtomicU64::new(0);

/// Makes this the process's recorder.
///
/// # Errors
/// When the process has another one.
pub fn install() -> Result<(), SetRecorderError<Facade>> {
    metrics::set_global_recorder(Facade)
}

/// How often a label set was asked for that had no series of its own.
#[must_use]
pub fn overflowed() -> u64 {
    OVERFLOWED.load(Relaxed)
}

/// The door for the `metrics` facade; what comes through it is kept once for the process.
#[derive(Debug)]
pub struct Facade;

impl metrics::Recorder for Facade {
    fn describe_counter(&self, name: KeyName, _: Option<Unit>, text: SharedString) {
        describe(&name, &text, Kind::Counter);
    }
    fn describe_gauge(&self, name: KeyName, _: Option<Unit>, text: SharedString) {
        describe(&name, &text, Kind::Gauge);
    }
    fn describe_histogram(&self, name: KeyName, _: Option<Unit>, text: SharedString) {
        describe(&name, &text, Kind::Histogram);
    }
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let known = REGISTRY.get_counter(key).map(Counter::from_arc);
        let new = || match admit(key) {
            Ok(key) => REGISTRY.get_or_create_counter(&key, |cell| Counter::from_arc(cell.clone())),
            Err(NoPlace) => Counter::noop(),
        };
        known.unwrap_or_else(new)
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let known = REGISTRY.get_gauge(key).map(Gauge::from_arc);
        let new = || match admit(key) {
            Ok(key) => REGISTRY.get_or_create_gauge(&key, |cell| Gauge::from_arc(cell.clone())),
            Err(NoPlace) => Gauge::noop(),
        };
        known.unwrap_or_else(new)
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let known = REGISTRY.get_histogram(key).map(Histogram::from_arc);
        let new = || match admit(key) {
            Ok(key) => REGISTRY.get_or_create_histogram(&key, |cell| Histogram::from_arc(cell.clone())),
            Err(NoPlace) => Histogram::noop(),
        };
        known.unwrap_or_else(new)
    }
}

fn describe(name: &KeyName, text: &str, kind: Kind) {
    registry::describe(sanitize_metric_name(name.as_str()), Description { help: text.to_owned(), kind });
}

/// There are too many names.
struct NoPlace;

/// The key under which a new series is kept: its own, or that of its metric's overflow.
fn admit(key: &Key) -> Result<Key, NoPlace> {
    let mut admitted = ADMITTED.lock().unwrap_or_else(PoisonError::into_inner);
    if !admitted.contains_key(key.name()) && admitted.len() >= NAMES_MAX {
        OVERFLOWED.fetch_add(1, Relaxed);
        return Err(NoPlace);
    }
    let series = admitted.entry(key.name().to_owned()).or_default();
    if *series < SERIES_MAX {
        *series += 1;
        return Ok(key.clone());
    }
    OVERFLOWED.fetch_add(1, Relaxed);
    Ok(Key::from_parts(key.name().to_owned(), vec![Label::new("otel_metric_overflow", "true")]))
}

fn name_of(key: &Key, kind: Kind) -> Name {
    Name::new(key.name(), "", kind, key.labels().map(|label| (label.key(), label.value())))
}

/// Our cells, as the registry's storage.
#[derive(Debug)]
struct Cells;

impl Storage<Key> for Cells {
    type Counter = Arc<Total>;
    type Gauge = Arc<Level>;
    type Histogram = Arc<Values>;

    fn counter(&self, key: &Key) -> Self::Counter {
        let total = Total { cell: CounterCell::new(), key: key.clone() };
        total.cell.show(|| name_of(key, Kind::Counter));
        Arc::new(total)
    }
    fn gauge(&self, key: &Key) -> Self::Gauge {
        let level = Arc::new(Level::new());
        registry::enter(name_of(key, Kind::Gauge), Source::Level(Arc::clone(&level)));
        level
    }
    fn histogram(&self, key: &Key) -> Self::Histogram {
        let scale = Scale::of(key.name());
        Arc::new(Values(Distribution::open(name_of(key, Kind::Histogram), scale)))
    }
}

#[derive(Debug)]
struct Total {
    cell: CounterCell,
    key: Key,
}

impl CounterFn for Total {
    fn increment(&self, value: u64) {
        self.cell.add(value, || name_of(&self.key, Kind::Counter));
    }
    fn absolute(&self, value: u64) {
        self.cell.raise(value, || name_of(&self.key, Kind::Counter));
    }
}

/// The facade's gauges are not whole numbers, so they have a cell of their own.
#[derive(Debug)]
pub(crate) struct Level(AtomicU64);

impl Level {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0f64.to_bits()))
    }
    pub(crate) fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }
    fn change(&self, by: f64) {
        let changed = |bits| Some((f64::from_bits(bits) + by).to_bits());
        let _ = self.0.fetch_update(Relaxed, Relaxed, changed); // always Ok: `changed` never refuses
    }
}

impl GaugeFn for Level {
    fn increment(&self, value: f64) {
        self.change(value);
    }
    fn decrement(&self, value: f64) {
        self.change(-value);
    }
    fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Relaxed);
    }
}

#[derive(Debug)]
struct Values(&'static Distribution);

impl HistogramFn for Values {
    fn record(&self, value: f64) {
        self.0.observe(value);
    }
    fn record_many(&self, value: f64, count: usize) {
        self.0.observe_many(value, u64::try_from(count).unwrap_or(u64::MAX));
    }
}
