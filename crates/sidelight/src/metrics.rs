//! Counters, gauges and the cells of operations. Off: zero-sized, and nothing is kept.
//!
//! The face of the twins `metrics/on.rs` and `metrics/off.rs`, which export the same names.

#[cfg_attr(feature = "metrics", path = "metrics/on.rs")]
#[cfg_attr(not(feature = "metrics"), path = "metrics/off.rs")]
mod imp;

pub(crate) use imp::start;
pub use imp::{COMPILED, Counter, Families, Gauge, OperationCell, PAGES};

/// How many cells of what type an instrument needs; `catalog!` allocates them statically.
pub trait Storage {
    /// One cell.
    type Cell: 'static;
    /// How many.
    const CELLS: usize;
}
