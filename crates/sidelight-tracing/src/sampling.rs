//! Ids, and the decision which requests are traced. It falls once, before any span exists.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// The rate as a threshold for the low 63 bits of a trace id.
static THRESHOLD: AtomicU64 = AtomicU64::new(0);

/// Sets the share of requests, 0 to 1, that are sampled though no caller decided.
pub(crate) fn set_rate(rate: f64) {
    THRESHOLD.store(threshold(rate), Relaxed);
}

/// Whether a new trace is sampled: the same trace is judged the same by every service that uses the SDK's
/// `TraceIdRatioBased` with the same rate.
pub(crate) fn decide(trace: u128) -> bool {
    under(trace, THRESHOLD.load(Relaxed))
}

fn under(trace: u128, threshold: u64) -> bool {
    #[allow(clippy::cast_possible_truncation)] // the low half is what the convention looks at
    let low = trace as u64;
    (low >> 1) < threshold
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates, as it should
fn threshold(rate: f64) -> u64 {
    (rate.clamp(0.0, 1.0) * 2f64.powi(63)) as u64
}

/// A new trace id, never 0.
pub(crate) fn trace_id() -> u128 {
    (u128::from(random()) << 64) | u128::from(random())
}

/// A new span id, never 0.
pub(crate) fn random() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let seed = *SEED.get_or_init(|| RandomState::new().hash_one(std::process::id()));
    // SplitMix64 (Steele, Lea, Flood 2014): a counter, well mixed, so no two in a process are equal
    let step = NEXT.fetch_add(0x9E37_79B9_7F4A_7C15, Relaxed).wrapping_add(seed);
    let mixed = (step ^ (step >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    match mixed ^ (mixed >> 31) {
        0 => 1,
        id => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_one_takes_every_trace_and_rate_zero_none() {
        for trace in [1, u128::from(u64::MAX), u128::MAX] {
            assert!(under(trace, threshold(1.0)));
            assert!(!under(trace, threshold(0.0)));
        }
    }

    #[test]
    fn one_in_a_hundred_is_about_one_in_a_hundred() {
        let taken = (0..100_000).filter(|_| under(trace_id(), threshold(0.01))).count();
        assert!((800..1_200).contains(&taken), "{taken}");
    }

    #[test]
    fn ids_differ() {
        let ids: std::collections::HashSet<u64> = (0..10_000).map(|_| random()).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
