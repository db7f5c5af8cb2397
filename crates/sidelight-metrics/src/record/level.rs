//! A gauge that is no whole number.

use metrics::GaugeFn;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The facade's gauges are not whole numbers, so they have a cell of their own. `Relaxed`: the bits are the whole of it.
#[derive(Debug)]
pub(crate) struct Level(AtomicU64);

impl Level {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0f64.to_bits()))
    }
    pub(crate) fn get(&self) -> f64 {
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
