//! What recording costs where two threads record into one series at the same time. Rounds in which they were not at it
//! together say nothing and are dropped.

use crate::{
    one_thread::records_in,
    quantile::{MEDIAN, quantile},
    variant::Variant,
};
use std::{
    hint, iter,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

/// What one variant costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared {
    /// Nanoseconds a record and thread; `None` where too few rounds are left.
    pub(crate) nanoseconds: Option<f64>,
    /// How many rounds were left.
    pub(crate) rounds: usize,
}

/// Each variant, whose cost on one thread is known.
pub(crate) fn measure(variants: &[&Variant], alone: &[f64]) -> Vec<Shared> {
    let batches: Vec<u64> = alone.iter().map(|nanoseconds| records_in(BATCH, *nanoseconds)).collect();
    let (gate, clock) = (Gate::default(), Instant::now());
    let run = |is_first: bool| {
        let mut spans = Vec::with_capacity(ROUNDS * variants.len());
        for (variant, times) in iter::repeat_n(variants.iter().zip(&batches), ROUNDS).flatten() {
            gate.pass();
            let started = clock.elapsed();
            variant.repeat(*times);
            spans.push(Span { started, ended: clock.elapsed() });
            gate.pass();
            if is_first {
                variant.tidy();
            }
        }
        spans
    };
    let (one, other) = thread::scope(|scope| {
        let other = scope.spawn(|| run(false));
        (run(true), other.join().expect("recording does not panic"))
    });
    let both: Vec<(Span, Span)> = one.into_iter().zip(other).collect();
    let of = |at: usize| both.iter().skip(at).step_by(variants.len()).filter(|(one, other)| one.is_with(*other));
    let shared = |(at, times): (usize, &u64)| {
        #[allow(clippy::cast_precision_loss)] // thousands
        let each = |(one, other): &(Span, Span)| (one.length() + other.length()) * 1e9 / (2 * times) as f64;
        let mut measured: Vec<f64> = of(at).map(each).collect();
        let nanoseconds = quantile(&mut measured, MEDIAN).filter(|_| measured.len() >= ROUNDS_MIN);
        Shared { nanoseconds, rounds: measured.len() }
    };
    batches.iter().enumerate().map(shared).collect()
}

/// Lets both threads through at once.
#[derive(Default)]
struct Gate(AtomicUsize);

impl Gate {
    fn pass(&self) {
        let both = (self.0.fetch_add(1, SeqCst) / 2 + 1) * 2;
        let mut spins = 0;
        while self.0.load(SeqCst) < both {
            spins += 1;
            // the other one may wait for this core
            if spins % SPINS == 0 { thread::yield_now() } else { hint::spin_loop() }
        }
    }
}

/// When a thread recorded.
#[derive(Clone, Copy)]
struct Span {
    started: Duration,
    ended: Duration,
}

impl Span {
    fn length(self) -> f64 {
        self.ended.saturating_sub(self.started).as_secs_f64()
    }

    /// Whether the two recorded at the same time, nearly all of it.
    fn is_with(self, other: Self) -> bool {
        let together = self.ended.min(other.ended).saturating_sub(self.started.max(other.started));
        together.as_secs_f64() >= TOGETHER * self.length().max(other.length())
    }
}

/// By what a variant costs alone; it is longer where they fight.
const BATCH: Duration = Duration::from_micros(60);
const ROUNDS: usize = 1_200;
/// Fewer are chance.
const ROUNDS_MIN: usize = 20;
const TOGETHER: f64 = 0.9;
const SPINS: u32 = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: u64, to: u64) -> Span {
        Span { started: Duration::from_micros(from), ended: Duration::from_micros(to) }
    }

    #[test]
    fn spans_that_hardly_overlap_are_dropped() {
        assert!(span(0, 100).is_with(span(5, 102)));
        assert!(!span(0, 100).is_with(span(20, 110)));
        assert!(!span(0, 100).is_with(span(0, 200)));
        assert!(!span(0, 100).is_with(span(200, 300)));
    }
}
