//! The recorder behind the `metrics` facade: what a dependency emits through `counter!` and its like is kept in cells
//! of ours, and stands on the same page. Keeps no samples, needs no upkeep, forgets nothing that is held.

use crate::{CounterCell, DURATION_BOUNDS, Family, HistogramCell, Kind, Series, Value, label};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, SetRecorderError, SharedString,
    Unit,
};
use metrics_util::registry::{Registry, Storage};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

static KEPT: LazyLock<Kept> = LazyLock::new(|| Kept { registry: Registry::new(Cells), help: Mutex::default() });

struct Kept {
    registry: Registry<Key, Cells>,
    help: Mutex<HashMap<String, String>>,
}

/// Makes this the process's recorder.
///
/// # Errors
/// When the process has another one.
pub fn install() -> Result<(), SetRecorderError<Facade>> {
    metrics::set_global_recorder(Facade)
}

/// What was emitted so far, family by family.
#[must_use]
pub fn families() -> Vec<Family> {
    let mut series: BTreeMap<(String, &'static str), (Kind, Vec<Series>)> = BTreeMap::new();
    let mut add = |key: &Key, value: Value| {
        let labels = key.labels().map(|it| label(it.key(), it.value())).collect();
        let kind = value.kind();
        let place = series.entry((key.name().to_owned(), kind.word()));
        place.or_insert((kind, Vec::new())).1.push(Series { labels, value });
    };
    KEPT.registry.visit_counters(|key, cell| add(key, Value::from(&cell.0)));
    KEPT.registry.visit_gauges(|key, cell| add(key, Value::Gauge(cell.get())));
    KEPT.registry.visit_histograms(|key, cell| add(key, Value::from(&cell.0)));
    let help = KEPT.help.lock().unwrap_or_else(PoisonError::into_inner);
    let family = |((name, _), (kind, series)): ((String, _), _)| {
        let text = help.get(&name).map_or("", String::as_str);
        Family::new(&name, text, kind, series)
    };
    series.into_iter().map(family).collect()
}

/// The door for the `metrics` facade; what comes through it is kept once for the process.
#[derive(Debug)]
pub struct Facade;

impl metrics::Recorder for Facade {
    fn describe_counter(&self, name: KeyName, _: Option<Unit>, text: SharedString) {
        describe(&name, &text);
    }
    fn describe_gauge(&self, name: KeyName, _: Option<Unit>, text: SharedString) {
        describe(&name, &text);
    }
    fn describe_histogram(&self, name: KeyName, _: Option<Unit>, text: SharedString) {
        describe(&name, &text);
    }
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        KEPT.registry.get_or_create_counter(key, |cell| Counter::from_arc(cell.clone()))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        KEPT.registry.get_or_create_gauge(key, |cell| Gauge::from_arc(cell.clone()))
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        KEPT.registry.get_or_create_histogram(key, |cell| Histogram::from_arc(cell.clone()))
    }
}

/// The first description of a name stays.
fn describe(name: &KeyName, text: &str) {
    let mut help = KEPT.help.lock().unwrap_or_else(PoisonError::into_inner);
    help.entry(name.as_str().to_owned()).or_insert_with(|| text.to_owned());
}

/// Our cells, as the registry's storage.
#[derive(Debug)]
struct Cells;

impl Storage<Key> for Cells {
    type Counter = Arc<Total>;
    type Gauge = Arc<Level>;
    type Histogram = Arc<Distribution>;

    fn counter(&self, _: &Key) -> Self::Counter {
        Arc::new(Total(CounterCell::new()))
    }
    fn gauge(&self, _: &Key) -> Self::Gauge {
        Arc::new(Level(AtomicU64::new(0f64.to_bits())))
    }
    fn histogram(&self, _: &Key) -> Self::Histogram {
        Arc::new(Distribution(HistogramCell::new(DURATION_BOUNDS)))
    }
}

struct Total(CounterCell);

impl CounterFn for Total {
    fn increment(&self, value: u64) {
        self.0.add(value);
    }
    fn absolute(&self, value: u64) {
        self.0.raise(value);
    }
}

/// The facade's gauges are not whole numbers, so they have a cell of their own.
struct Level(AtomicU64);

impl Level {
    fn get(&self) -> f64 {
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

struct Distribution(HistogramCell);

impl HistogramFn for Distribution {
    fn record(&self, value: f64) {
        self.0.observe(value);
    }
    fn record_many(&self, value: f64, count: usize) {
        self.0.observe_many(value, u64::try_from(count).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use metrics::{counter, describe_counter, gauge, histogram, with_local_recorder};

    #[test]
    fn what_a_dependency_emits_stands_on_the_page() {
        with_local_recorder(&Facade, || {
            describe_counter!("dep_things_total", "Things of a dependency.");
            counter!("dep_things_total", "kind" => "a").increment(2);
            gauge!("dep_level").set(1.5);
            gauge!("dep_level").decrement(0.5);
            histogram!("dep_seconds").record(0.3);
        });
        let page = crate::text::render(families());
        for line in [
            "# HELP dep_things_total Things of a dependency.",
            "dep_things_total{kind=\"a\"} 2",
            "dep_level 1",
            "dep_seconds_bucket{le=\"0.2\"} 0",
            "dep_seconds_bucket{le=\"0.5\"} 1",
            "dep_seconds_count 1",
        ] {
            assert!(page.lines().any(|it| it == line), "{line} is missing in\n{page}");
        }
    }

    #[test]
    fn a_handle_that_is_held_is_never_forgotten() {
        let held = with_local_recorder(&Facade, || counter!("dep_held_total"));
        held.increment(1);
        let _ = families();
        held.increment(1);
        assert!(crate::text::render(families()).contains("dep_held_total 2\n"));
    }
}
