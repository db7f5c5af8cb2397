//! A reading: families of series as they stood at one moment. Knows no format beyond names and escapes.

use crate::{CounterCell, GaugeCell, HistogramCell};
use metrics_exporter_prometheus::formatting;

/// What a family measures, in Prometheus' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Buckets and a sum.
    Histogram,
}

impl Kind {
    /// The word of the `# TYPE` line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// All series of one name.
#[derive(Clone, Debug)]
pub struct Family {
    /// A valid Prometheus name.
    pub name: String,
    /// The help text, escaped.
    pub help: String,
    /// What it measures.
    pub kind: Kind,
    /// The series.
    pub series: Vec<Series>,
}

impl Family {
    /// Takes any name and help text, and makes them valid.
    #[must_use]
    pub fn new(name: &str, help: &str, kind: Kind, series: Vec<Series>) -> Self {
        Self {
            name: formatting::sanitize_metric_name(name),
            help: formatting::sanitize_description(help.trim()),
            kind,
            series,
        }
    }
}

/// One series.
#[derive(Clone, Debug)]
pub struct Series {
    /// Names and values, both as [`label`] makes them.
    pub labels: Vec<(String, String)>,
    /// What it stood at.
    pub value: Value,
}

/// A valid label from any name and value: the name sanitised, the value escaped.
#[must_use]
pub fn label(key: &str, value: &str) -> (String, String) {
    (formatting::sanitize_label_key(key), formatting::sanitize_label_value(value))
}

/// What a series stood at.
#[derive(Clone, Debug)]
pub enum Value {
    /// A total.
    Counter(u64),
    /// A number.
    Gauge(f64),
    /// A distribution.
    Histogram(Snapshot),
}

impl Value {
    /// What it measures.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Counter(_) => Kind::Counter,
            Self::Gauge(_) => Kind::Gauge,
            Self::Histogram(_) => Kind::Histogram,
        }
    }
}

/// A histogram as it stood.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Upper bounds, rising.
    pub bounds: &'static [f64],
    /// Counts of each bucket, not cumulated; one more than there are bounds.
    pub counts: Vec<u64>,
    /// The sum of all values.
    pub sum: f64,
}

impl From<&CounterCell> for Value {
    fn from(cell: &CounterCell) -> Self {
        Self::Counter(cell.get())
    }
}

impl From<&GaugeCell> for Value {
    #[allow(clippy::cast_precision_loss)] // the text form has no whole numbers beyond 2^53 either
    fn from(cell: &GaugeCell) -> Self {
        Self::Gauge(cell.get() as f64)
    }
}

impl From<&HistogramCell> for Value {
    fn from(cell: &HistogramCell) -> Self {
        Self::Histogram(Snapshot { bounds: cell.bounds(), counts: cell.counts(), sum: cell.sum() })
    }
}
