//! The machinery of Sidelight's feature `metrics`: cells that are counted in, the recorder behind the `metrics`
//! facade, and the forms of a page. Knows no listener, no catalogue and no feature.
//!
//! Numbers live in slabs, one a thread (`slab.rs`); a histogram has fixed slots (`layout.rs`), so memory is bounded whether
//! or not anybody scrapes. There is no `unsafe` in here.

mod accept;
mod cell;
mod cgroup;
mod exemplar;
mod kind;
mod layout;
mod name;
mod page;
pub mod process;
mod protobuf;
pub mod recorder;
mod registry;
pub mod runtime;
mod scale;
mod slab;
mod text;

pub use accept::{Form, takes_gzip};
pub use cell::{CounterCell, Distribution, FlowCell, GaugeCell, HistogramCell};
pub use exemplar::Exemplar;
pub use kind::Kind;
pub use name::Name;
pub use page::{Wanted, render};
pub use registry::{Description, Probe, conflicts, descriptions, enter_fact, series};
pub use scale::{DURATION_BOUNDS, SIZE_BOUNDS, Scale};
pub use text::say_created;
