//! The machinery of Sidelight's feature `metrics`: cells that are counted in, the recorder behind the `metrics`
//! facade, and the forms of a page. Knows no listener, no catalogue and no feature.
//!
//! Numbers live in slabs, one a thread (`record/slab.rs`); a histogram has fixed slots (`model/layout.rs`), so memory is bounded whether
//! or not anybody scrapes. There is no `unsafe` in here.

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
