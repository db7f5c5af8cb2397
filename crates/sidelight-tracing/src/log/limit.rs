//! Limits warnings and errors that are repeated: an outage must not fill a disk. Each place in the code may write so many
//! lines a second; the first one after that says how many were left out. Other levels are not limited: among them is the
//! one line of each request.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tracing::{Level, Metadata, callsite::Identifier};

/// Lines that a place may write in a [`WINDOW`].
const LINES_MAX: u32 = 20;
const WINDOW: Duration = Duration::from_secs(1);

// a count that says nothing of other memory: `Relaxed`
static SUPPRESSED: AtomicU64 = AtomicU64::new(0);

/// Lines left out so far.
pub(crate) fn suppressed() -> u64 {
    SUPPRESSED.load(Relaxed)
}

/// What each place has written lately.
#[derive(Debug)]
pub(crate) struct Limit<Place = Identifier>(Mutex<HashMap<Place, Written>>);

impl<Place> Default for Limit<Place> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[derive(Debug)]
struct Written {
    since: Instant,
    lines: u32,
    suppressed: u64,
}

impl Limit {
    /// Whether a line may be written, and how many like it were left out before; `None`: it is left out.
    pub(crate) fn admit(&self, metadata: &Metadata<'_>) -> Option<u64> {
        if *metadata.level() > Level::WARN {
            return Some(0);
        }
        self.admit_at(metadata.callsite(), Instant::now())
    }
}

impl<Place: Eq + Hash> Limit<Place> {
    fn admit_at(&self, place: Place, now: Instant) -> Option<u64> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = places.entry(place).or_insert(Written { since: now, lines: 0, suppressed: 0 });
        if now.duration_since(written.since) >= WINDOW {
            *written = Written { since: now, lines: 0, suppressed: written.suppressed };
        }
        if written.lines == LINES_MAX {
            written.suppressed += 1;
            SUPPRESSED.fetch_add(1, Relaxed);
            return None;
        }
        written.lines += 1;
        Some(std::mem::take(&mut written.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_cut_and_the_next_line_says_how_many_were_left_out() {
        let (limit, start) = (Limit::default(), Instant::now());
        let written = (0..100).filter(|_| limit.admit_at("here", start).is_some()).count();
        assert_eq!(written, LINES_MAX as usize);
        assert_eq!(limit.admit_at("elsewhere", start), Some(0), "each place has a limit of its own");
        assert_eq!(limit.admit_at("here", start + WINDOW), Some(100 - u64::from(LINES_MAX)));
        assert_eq!(limit.admit_at("here", start + WINDOW), Some(0));
    }
}
