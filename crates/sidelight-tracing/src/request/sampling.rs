//! Ids, and the decision which requests are traced. It falls once, before any span exists; what failed or was slow is kept
//! after all, at most so many a second.

use super::propagation::TraceParent;
use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

/// Requests a second that are sampled because their callers say so: beyond, the rate decides, so that no caller can force
/// all of them.
const FOLLOWED_MAX: u32 = 100;
/// Requests a second that are kept though they were not sampled: an outage must not become a flood.
const UNSAMPLED_MAX: u32 = 100;

/// The rate as a threshold for the low 63 bits of a trace id. `Relaxed`, as the counts below: each number stands for itself.
static THRESHOLD: AtomicU64 = AtomicU64::new(0);
/// Requests whose callers were not followed.
static NOT_FOLLOWED: AtomicU64 = AtomicU64::new(0);
static FOLLOWED: ASecond = ASecond::new(FOLLOWED_MAX);
static UNSAMPLED: ASecond = ASecond::new(UNSAMPLED_MAX);

/// Sets the share of requests, 0 to 1, that are sampled though no caller decided.
pub(crate) fn set_rate(rate: f64) {
    THRESHOLD.store(threshold(rate), Relaxed);
}

/// Requests so far whose callers asked to be sampled and were too many.
pub(crate) fn not_followed() -> u64 {
    NOT_FOLLOWED.load(Relaxed)
}

/// Whether a new trace is sampled: the same trace is judged the same by every service that uses the SDK's
/// `TraceIdRatioBased` with the same rate.
pub(crate) fn decide(trace: u128) -> bool {
    under(trace, THRESHOLD.load(Relaxed))
}

/// Whether a caller's trace is sampled: as the caller decided, unless callers decide so too often.
pub(crate) fn follow(parent: &TraceParent) -> bool {
    let sampled = follow_at(parent, &FOLLOWED, second());
    if parent.sampled && !sampled {
        NOT_FOLLOWED.fetch_add(1, Relaxed);
    }
    sampled
}

/// Beyond the limit by a number of our own: the caller chose that of the trace.
fn follow_at(parent: &TraceParent, limit: &ASecond, second: u32) -> bool {
    parent.sampled && (limit.admit(second) || decide(trace_id()))
}

/// Whether one more request may be kept that was not sampled.
pub(crate) fn admit_unsampled() -> bool {
    UNSAMPLED.admit(second())
}

/// Seconds since the first question.
fn second() -> u32 {
    static START: OnceLock<Instant> = OnceLock::new();
    u32::try_from(START.get_or_init(Instant::now).elapsed().as_secs()).unwrap_or(u32::MAX)
}

/// At most so many in each second of the clock; the high half holds the second, the low half how many were in it: one number, so
/// that `Relaxed` is enough for both.
struct ASecond {
    seen: AtomicU64,
    most: u32,
}

impl ASecond {
    const fn new(most: u32) -> Self {
        Self { seen: AtomicU64::new(0), most }
    }

    fn admit(&self, second: u32) -> bool {
        let next = |seen: u64| {
            // whoever is late counts in the second that has begun
            let (stored, second) = (seen >> 32, u64::from(second).max(seen >> 32));
            let count = if stored == second { seen & u64::from(u32::MAX) } else { 0 };
            (count < u64::from(self.most)).then_some((second << 32) | (count + 1))
        };
        self.seen.fetch_update(Relaxed, Relaxed, next).is_ok()
    }
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
    // numbers that differ, in whatever order: `Relaxed`
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
    fn so_many_are_admitted_in_a_second_and_as_many_in_the_next() {
        let limit = ASecond::new(3);
        let admitted = |second| (0..9).filter(|_| limit.admit(second)).count();
        assert_eq!([admitted(0), admitted(0), admitted(7)], [3, 0, 3]);
        assert_eq!([admitted(6), admitted(7)], [0, 0], "whoever is late opens no second anew");
    }

    #[test]
    fn a_caller_that_did_not_sample_is_followed_and_one_that_did_only_so_often() {
        let followed = |trace, sampled| {
            let (parent, limit) = (TraceParent { trace, span: 1, sampled }, ASecond::new(FOLLOWED_MAX));
            (0..5 * FOLLOWED_MAX).filter(|_| follow_at(&parent, &limit, 0)).count()
        };
        assert_eq!(followed(u128::MAX, false), 0);
        assert_eq!(followed(u128::MAX, true), FOLLOWED_MAX as usize);
        let lowest = 1 << 64; // under every rate but 0
        assert!(under(lowest, threshold(0.000_001)));
        assert_eq!(followed(lowest, true), FOLLOWED_MAX as usize, "the choice of an id forces nothing");
    }

    #[test]
    fn ids_differ() {
        let ids: std::collections::HashSet<u64> = (0..10_000).map(|_| random()).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
