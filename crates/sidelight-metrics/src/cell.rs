//! What is counted in: one cell a series. Knows no name and no label.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// Upper bounds, in seconds, of every duration histogram: the conventions' own bounds for MCP, HTTP and database
/// durations between them, with finer steps below ten milliseconds, where an embedded store answers.
pub const DURATION_BOUNDS: &[f64] =
    &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// A number that only grows; wraps at 2^64.
#[derive(Debug, Default)]
pub struct CounterCell(AtomicU64);

impl CounterCell {
    /// A counter at 0.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }
    /// Adds.
    #[inline]
    pub fn add(&self, number: u64) {
        self.0.fetch_add(number, Relaxed);
    }
    /// Raises to at least this total: for a count that somebody else keeps.
    pub fn raise(&self, total: u64) {
        self.0.fetch_max(total, Relaxed);
    }
    /// The total.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
    /// Whether nothing was counted yet.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.get() == 0
    }
}

/// A whole number that goes up and down.
#[derive(Debug, Default)]
pub struct GaugeCell(AtomicI64);

impl GaugeCell {
    /// A gauge at 0.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicI64::new(0))
    }
    /// Adds; the number may be negative.
    #[inline]
    pub fn add(&self, number: i64) {
        self.0.fetch_add(number, Relaxed);
    }
    /// Sets.
    #[inline]
    pub fn set(&self, number: i64) {
        self.0.store(number, Relaxed);
    }
    /// The number.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.0.load(Relaxed)
    }
    /// Whether it stands at 0.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.get() == 0
    }
}

/// A histogram with fixed buckets. Its count is the sum of its buckets, so a reading is never torn between the two;
/// only the sum of the values can be ahead or behind by what is being recorded at that moment.
#[derive(Debug)]
pub struct HistogramCell {
    bounds: &'static [f64],
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl HistogramCell {
    /// An empty histogram; `bounds` are upper bounds in rising order, a last bucket for the rest is added.
    #[must_use]
    pub fn new(bounds: &'static [f64]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, buckets, sum: AtomicU64::new(0f64.to_bits()) }
    }

    /// Records a value. A NaN has no place in any bucket and is not recorded.
    #[inline]
    pub fn observe(&self, value: f64) {
        self.observe_many(value, 1);
    }

    /// Records a value `times` times.
    pub fn observe_many(&self, value: f64, times: u64) {
        if value.is_nan() || times == 0 {
            return;
        }
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.buckets[bucket].fetch_add(times, Relaxed);
        #[allow(clippy::cast_precision_loss)] // a count beyond 2^53 at once is no measurement
        let added = value * times as f64;
        let grown = |bits| Some((f64::from_bits(bits) + added).to_bits());
        let _ = self.sum.fetch_update(Relaxed, Relaxed, grown); // always Ok: `grown` never refuses
    }

    /// The upper bounds.
    #[must_use]
    pub fn bounds(&self) -> &'static [f64] {
        self.bounds
    }
    /// How many values fell into each bucket, not cumulated; one more than there are bounds.
    #[must_use]
    pub fn counts(&self) -> Vec<u64> {
        self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect()
    }
    /// The sum of all values.
    #[must_use]
    pub fn sum(&self) -> f64 {
        f64::from_bits(self.sum.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_falls_into_the_bucket_of_that_bound() {
        let cell = HistogramCell::new(&[1.0, 2.0]);
        for value in [0.5, 1.0, 1.5, 2.0, 2.5] {
            cell.observe(value);
        }
        assert_eq!(cell.counts(), [2, 2, 1]);
    }

    #[test]
    fn values_without_a_place_are_not_counted() {
        let cell = HistogramCell::new(&[1.0]);
        cell.observe(f64::NAN);
        cell.observe_many(0.5, 0);
        assert_eq!((cell.counts(), cell.sum()), (vec![0, 0], 0.0));
    }

    #[test]
    fn a_count_kept_elsewhere_never_goes_back() {
        let cell = CounterCell::new();
        cell.raise(5);
        cell.raise(3);
        assert_eq!(cell.get(), 5);
    }

    #[test]
    fn two_threads_lose_nothing() {
        let cell = HistogramCell::new(DURATION_BOUNDS);
        let record = || (0..10_000).for_each(|_| cell.observe(0.25));
        std::thread::scope(|scope| {
            scope.spawn(record);
            scope.spawn(record);
        });
        assert_eq!(cell.counts().iter().sum::<u64>(), 20_000);
        assert!((cell.sum() - 5_000.0).abs() < 1e-9);
    }

    #[test]
    fn the_asked_for_bounds_are_among_the_bounds() {
        for asked in [0.1, 0.5, 1.0, 2.0, 5.0] {
            assert!(DURATION_BOUNDS.contains(&asked));
        }
    }
}
