//! The machinery of Sidelight's feature `metrics`: cells that are counted in, the recorder behind the `metrics`
//! facade, and the text form. Knows no listener, no catalogue and no feature.
//!
//! Cells are atomics; a histogram has fixed buckets, so memory is bounded whether or not anybody scrapes.

mod cell;
mod family;
pub mod recorder;
pub mod text;

pub use cell::{CounterCell, DURATION_BOUNDS, GaugeCell, HistogramCell};
pub use family::{Family, Kind, Series, Snapshot, Value, label};
