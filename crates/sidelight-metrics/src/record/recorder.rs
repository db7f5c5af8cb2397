//! The recorder behind the `metrics` facade: what a dependency emits through `counter!` and its like is kept in the same
//! slabs as our own, and stands on the same page. Keeps no samples, needs no upkeep, forgets nothing that is held.
//!
//! Bounded: a metric has at most [`SERIES_MAX`] series, and all together have half the slots there are. Label sets beyond
//! become one series more of their metric, marked as OpenTelemetry marks it, so sums stay right. Label sets that are equal
//! once they are valid are one series from the start.

use super::{
    cell::CounterCell,
    distribution::Distribution,
    level::Level,
    registry::{self, Description},
    slab,
};
use crate::model::{Kind, Name, Scale};
use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Label, Metadata, SetRecorderError, SharedString,
    Unit,
};
use metrics_exporter_prometheus::formatting::sanitize_metric_name;
use metrics_util::registry::{Registry, Storage};
use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// Series of one metric, as in OpenTelemetry's SDKs.
pub const SERIES_MAX: usize = 2_000;
/// Names of metrics; what comes later is not kept.
const NAMES_MAX: usize = 2_000;

/// Slots of all of them: the rest is for the program's own.
const SLOTS_MAX: usize = slab::SLOTS / 2;

static REGISTRY: LazyLock<Registry<Key, Cells>> = LazyLock::new(|| Registry::new(Cells::default()));
static ADMITTED: LazyLock<Mutex<Admitted>> = LazyLock::new(Mutex::default);
// a count that says nothing of other memory: `Relaxed`
static OVERFLOWED: AtomicU64 = AtomicU64::new(0);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

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
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        describe(&name, &text, Kind::Counter, unit);
    }
    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        describe(&name, &text, of_gauge(name.as_str()), unit);
    }
    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        describe(&name, &text, Kind::Histogram, unit);
    }
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let known = REGISTRY.get_counter(key).map(Counter::from_arc);
        let new = || match admit(key, 1) {
            Ok(key) => REGISTRY.get_or_create_counter(&key, |cell| Counter::from_arc(cell.clone())),
            Err(NoPlace) => Counter::noop(),
        };
        known.unwrap_or_else(new)
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let known = REGISTRY.get_gauge(key).map(Gauge::from_arc);
        let new = || match admit(key, 0) {
            Ok(key) => REGISTRY.get_or_create_gauge(&key, |cell| Gauge::from_arc(cell.clone())),
            Err(NoPlace) => Gauge::noop(),
        };
        known.unwrap_or_else(new)
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let known = REGISTRY.get_histogram(key).map(Histogram::from_arc);
        let new = || match admit(key, scale(key).layout().slots()) {
            Ok(key) => REGISTRY.get_or_create_histogram(&key, |cell| Histogram::from_arc(cell.clone())),
            Err(NoPlace) => Histogram::noop(),
        };
        known.unwrap_or_else(new)
    }
}

fn describe(name: &KeyName, text: &str, kind: Kind, unit: Option<Unit>) {
    let description = Description { help: text.to_owned(), kind, is_seconds: unit == Some(Unit::Seconds) };
    registry::describe(sanitize_metric_name(name.as_str()), description);
}

/// A gauge that is called a total is a counter that is not of whole numbers, which the facade has no other word for.
fn of_gauge(name: &str) -> Kind {
    if name.ends_with("_total") { Kind::Counter } else { Kind::Gauge }
}

/// By its name, or by the unit it was described with.
fn scale(key: &Key) -> Scale {
    let is_seconds = registry::is_seconds(&sanitize_metric_name(key.name()));
    if is_seconds { Scale::Seconds } else { Scale::of(key.name()) }
}

/// There are too many names.
struct NoPlace;

/// What has a series, or has been refused one.
#[derive(Debug, Default)]
struct Admitted {
    series: HashMap<String, usize>,
    slots: usize,
}

/// The key under which a new series is kept: its own, or that of its metric's overflow.
fn admit(key: &Key, slots: usize) -> Result<Key, NoPlace> {
    let mut admitted = lock(&ADMITTED);
    let has_room = admitted.slots + slots <= SLOTS_MAX;
    let names = admitted.series.len();
    let series = match admitted.series.get_mut(key.name()) {
        Some(series) => series,
        None if names < NAMES_MAX => admitted.series.entry(key.name().to_owned()).or_default(),
        None => {
            OVERFLOWED.fetch_add(1, Relaxed);
            return Err(NoPlace);
        }
    };
    if *series < SERIES_MAX && has_room {
        *series += 1;
        admitted.slots += slots;
        return Ok(key.clone());
    }
    OVERFLOWED.fetch_add(1, Relaxed);
    Ok(Key::from_parts(key.name().to_owned(), vec![Label::new("otel_metric_overflow", "true")]))
}

fn name_of(key: &Key, kind: Kind) -> Name {
    Name::new(key.name(), "", kind, key.labels().map(|label| (label.key(), label.value())))
}

/// Our cells, as the registry's storage: by what a series is called once it is valid.
#[derive(Debug, Default)]
struct Cells {
    counters: Mutex<HashMap<String, Arc<Total>>>,
    gauges: Mutex<HashMap<String, Arc<Level>>>,
    histograms: Mutex<HashMap<String, Arc<Values>>>,
}

/// The cell of a name, which is made where there is none.
fn of_name<T>(cells: &Mutex<HashMap<String, Arc<T>>>, name: Name, make: impl FnOnce(Name) -> Arc<T>) -> Arc<T> {
    let mut cells = lock(cells);
    Arc::clone(cells.entry(name.line()).or_insert_with(|| make(name)))
}

impl Storage<Key> for Cells {
    type Counter = Arc<Total>;
    type Gauge = Arc<Level>;
    type Histogram = Arc<Values>;

    fn counter(&self, key: &Key) -> Self::Counter {
        of_name(&self.counters, name_of(key, Kind::Counter), |name| {
            let total = Total { cell: CounterCell::new(), name };
            total.cell.show(|| total.name.clone());
            Arc::new(total)
        })
    }
    fn gauge(&self, key: &Key) -> Self::Gauge {
        of_name(&self.gauges, name_of(key, of_gauge(key.name())), registry::enter_level)
    }
    fn histogram(&self, key: &Key) -> Self::Histogram {
        let scale = scale(key);
        of_name(&self.histograms, name_of(key, Kind::Histogram), |name| {
            Arc::new(Values(Distribution::open(name, scale)))
        })
    }
}

#[derive(Debug)]
struct Total {
    cell: CounterCell,
    name: Name,
}

impl CounterFn for Total {
    fn increment(&self, value: u64) {
        self.cell.add(value, || self.name.clone());
    }
    fn absolute(&self, value: u64) {
        self.cell.raise(value, || self.name.clone());
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
