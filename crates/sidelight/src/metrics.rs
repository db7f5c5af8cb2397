//! Counters, gauges, histograms and the cells of operations. Off: zero-sized, and nothing is kept.
//!
//! The face of the twins `metrics/on.rs` and `metrics/off.rs`, which export the same names.

#[cfg_attr(feature = "metrics", path = "metrics/on.rs")]
#[cfg_attr(not(feature = "metrics"), path = "metrics/off.rs")]
mod imp;
pub mod itself;

use crate::page::{Accepts, Gone};
pub use imp::{COMPILED, Counter, Gauge, Histogram, OperationCell, PAGES, Probe, Stopwatch, watch_runtime};
pub(crate) use imp::{descriptions, start};
use std::{iter, time::Duration};

/// The number of a sample as it stands on the page, for tests of what is counted: its name with its labels, as
/// `cache_requests_total{cache="results",result="hit"}`. `None` where there is no such sample, or no page in this build.
#[must_use]
pub fn sample(name: &str) -> Option<f64> {
    let page = PAGES.first()?.answer(iter::empty(), Accepts::default(), Gone::default()).ok()?;
    let page = String::from_utf8(page.body).ok()?;
    page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// How many cells of what type an instrument needs; `catalog!` allocates them statically.
pub trait Storage {
    /// One cell.
    type Cell: 'static;
    /// How many.
    const CELLS: usize;
}

/// What a histogram measures in.
pub trait Unit: 'static {
    /// What is recorded.
    type Value;
    /// What the name of the series ends with.
    const ENDING: &'static str;
    /// The value as a number of this unit.
    fn number(value: Self::Value) -> f64;
}

/// Durations. Buckets from half a millisecond to five minutes.
#[derive(Debug)]
pub enum Seconds {}

impl Unit for Seconds {
    type Value = Duration;
    const ENDING: &'static str = "_seconds";
    #[inline]
    fn number(value: Duration) -> f64 {
        value.as_secs_f64() // divides, which takes time, but hits each bound exactly
    }
}

/// Whatever is counted: tokens, texts. Buckets are powers of four up to 4^13.
#[derive(Debug)]
pub enum Items {}

impl Unit for Items {
    type Value = u64;
    const ENDING: &'static str = "";
    #[inline]
    #[allow(clippy::cast_precision_loss)] // nobody counts beyond 2^53 at once
    fn number(value: u64) -> f64 {
        value as f64
    }
}
