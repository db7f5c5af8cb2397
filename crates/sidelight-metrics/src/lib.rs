#![doc = include_str!("../README.md")]

mod collect;
mod model;
mod record;
mod render;

pub use collect::{process, runtime};
pub use model::{DURATION_BOUNDS, Exemplar, Kind, Name, SIZE_BOUNDS, Scale};
pub use record::{
    CounterCell, Description, Distribution, FlowCell, GaugeCell, HistogramCell, Probe, conflicts, descriptions,
    enter_fact, recorder, series,
};
pub use render::{Form, Wanted, render, say_created, takes_gzip};
