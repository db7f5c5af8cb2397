//! What everybody records: the same labels, bounds and values, in the type that each library takes. Knows no library.

use std::{array, sync::LazyLock, time::Duration};

/// Bounds of every histogram, in seconds.
pub(crate) const BOUNDS: [f64; 18] = {
    let ours = sidelight_metrics::DURATION_BOUNDS;
    let mut bounds = [0.0; 18];
    assert!(ours.len() == bounds.len(), "every bound is taken over");
    let mut at = 0;
    while at < ours.len() {
        bounds[at] = ours[at];
        at += 1;
    }
    bounds
};

/// The series that is recorded into.
pub(crate) const METHOD: (&str, &str) = ("method", "get");
pub(crate) const STATUS: (&str, &str) = ("status", "200");

/// Values as seconds: from 0.3 ms to 6 s, as many in each octave, and too many to be learnt by heart.
pub(crate) static SECONDS: LazyLock<[f64; VALUES]> = LazyLock::new(|| {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        f64::from(u32::try_from(state >> 32).unwrap_or_default()) / f64::from(u32::MAX)
    };
    array::from_fn(|_| SHORTEST * (LONGEST / SHORTEST).powf(next()))
});
/// The same as durations.
pub(crate) static DURATIONS: LazyLock<[Duration; VALUES]> = LazyLock::new(|| SECONDS.map(Duration::from_secs_f64));
/// The same in whole microseconds.
pub(crate) static MICROSECONDS: LazyLock<[u64; VALUES]> = LazyLock::new(|| DURATIONS.map(microseconds));

/// How many; a power of two, so that taking the next one costs next to nothing.
pub(crate) const VALUES: usize = 1024;
const SHORTEST: f64 = 0.0003;
const LONGEST: f64 = 6.0;

/// The bounds in whole microseconds.
pub(crate) fn bounds_in_microseconds() -> Vec<u64> {
    BOUNDS.iter().map(|bound| microseconds(Duration::from_secs_f64(*bound))).collect()
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The series of a page: names with [`SERIES_PER_NAME`] series each, of two labels.
pub(crate) struct Series {
    pub(crate) name: String,
    /// `method` and `path`.
    pub(crate) labels: Vec<(&'static str, String)>,
}

/// So many series, by name.
pub(crate) fn series(count: usize, ending: &str) -> Vec<Series> {
    let of_name = |name: usize| {
        let range = name * SERIES_PER_NAME..count.min((name + 1) * SERIES_PER_NAME);
        let labels = range.map(|at| (["get", "put"][at % 2], format!("/api/v1/resource/{at}"))).collect();
        Series { name: format!("bench_{name}{ending}"), labels }
    };
    (0..count.div_ceil(SERIES_PER_NAME)).map(of_name).collect()
}

/// Below every library's limit.
const SERIES_PER_NAME: usize = 500;
/// What each counter of a page stands at.
pub(crate) const COUNTED: u32 = 12_345;
/// What each histogram of a page has recorded.
pub(crate) const RECORDED: [f64; 3] = [0.003, 0.2, 2.0];
