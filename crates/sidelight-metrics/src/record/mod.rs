//! Where is counted. Numbers come in from any thread, through cells of our own or through the `metrics` facade; they lie in
//! slabs, one a thread, and the registry knows which series there are. A scrape gets each family with its numbers, read at one
//! moment. Knows no form of a page.

mod cell;
mod distribution;
mod exemplars;
mod level;
mod probe;
pub mod recorder;
mod registry;
mod slab;
mod snapshot;

pub use cell::{CounterCell, FlowCell, GaugeCell, HistogramCell};
pub use distribution::Distribution;
pub use probe::Probe;
pub(crate) use probe::ask_all;
pub use registry::{Description, conflicts, descriptions, enter_fact, series};
pub(crate) use registry::{Family, describe, enter_level, read};
pub(crate) use snapshot::{Histogram, Number, Reader, Series};
