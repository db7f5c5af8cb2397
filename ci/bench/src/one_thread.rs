//! What recording costs one thread: variants take turns in short batches, so whoever else uses the machine disturbs all of
//! them alike. Looks at no second thread.

use crate::{
    quantile::{UNDISTURBED, quantile},
    variant::Variant,
};
use std::time::{Duration, Instant};

/// Nanoseconds a record, of each variant.
pub(crate) fn measure(variants: &[&Variant]) -> Vec<f64> {
    let batches: Vec<u64> = variants.iter().map(|it| records_in(BATCH, calibrate(it))).collect();
    let mut measured = vec![Vec::with_capacity(ROUNDS); variants.len()];
    for _ in 0..ROUNDS {
        for ((variant, times), measured) in variants.iter().zip(&batches).zip(&mut measured) {
            measured.push(time(variant, *times));
            variant.tidy();
        }
    }
    measured.iter_mut().filter_map(|it| quantile(it, UNDISTURBED)).collect()
}

/// How many records fill this time.
pub(crate) fn records_in(time: Duration, nanoseconds: f64) -> u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // thousands
    let records = (time.as_secs_f64() * 1e9 / nanoseconds) as u64;
    records.clamp(200, 1_000_000)
}

/// Roughly what a record costs.
fn calibrate(variant: &Variant) -> f64 {
    let mut measured: Vec<f64> = (0..10).map(|_| time(variant, 2000)).collect();
    variant.tidy();
    quantile(&mut measured, 0.0).expect("ten were measured")
}

fn time(variant: &Variant, times: u64) -> f64 {
    let started = Instant::now();
    variant.repeat(times);
    #[allow(clippy::cast_precision_loss)] // at most a million
    let times = times as f64;
    started.elapsed().as_secs_f64() * 1e9 / times
}

/// Long beside reading the clock, short beside what a scheduler gives.
const BATCH: Duration = Duration::from_micros(150);
const ROUNDS: usize = 300;
