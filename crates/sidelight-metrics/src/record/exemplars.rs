//! Exemplars: for each bucket one value that was recorded, and the trace that it was recorded in.

use crate::model::Exemplar;
use std::{
    sync::{Mutex, OnceLock, PoisonError, TryLockError},
    time::{Duration, SystemTime},
};

/// The last exemplar of each bucket.
#[derive(Debug, Default)]
pub(crate) struct Exemplars(OnceLock<Box<[Mutex<Option<Exemplar>>]>>);

impl Exemplars {
    /// Remembers an exemplar for a bucket. Waits for nobody: whoever finds another one at it lets it be, and so does whoever
    /// comes while the last one is fresh, or with what was recorded before it: a trace is told of when a collector has it,
    /// not when it ended, and Prometheus takes no exemplar that is older than the last.
    pub(crate) fn put(&self, bucket: usize, exemplar: Exemplar) {
        let buckets = self.0.get_or_init(|| (0..BUCKETS_MAX).map(|_| Mutex::default()).collect());
        let Some(place) = buckets.get(bucket) else { return };
        let mut place = match place.try_lock() {
            Ok(place) => place,
            Err(TryLockError::Poisoned(place)) => place.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        if place.is_none_or(|last| makes_room_for(&last, &exemplar, SystemTime::now())) {
            *place = Some(exemplar);
        }
    }

    /// The exemplar of a bucket.
    pub(crate) fn get(&self, bucket: usize) -> Option<Exemplar> {
        *self.0.get()?.get(bucket)?.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether another is so much newer; or the clock has gone back, and this one is of a time that is still to come.
fn makes_room_for(last: &Exemplar, other: &Exemplar, now: SystemTime) -> bool {
    other.at.duration_since(last.at).is_ok_and(|newer| newer >= FRESH) || last.at > now
}

/// More buckets than any scale has.
const BUCKETS_MAX: usize = 24;
/// A newer exemplar does not take the place of one that is younger.
const FRESH: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scale;

    fn exemplar(trace: u128, after: u64) -> Exemplar {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(after);
        Exemplar { trace, span: 1, value: 0.3, at }
    }

    #[test]
    fn a_fresh_exemplar_stays_and_an_old_one_makes_room() {
        let exemplars = Exemplars::default();
        assert_eq!(exemplars.get(0), None);
        for (trace, after) in [(1, 0), (2, 50), (3, 150)] {
            exemplars.put(0, exemplar(trace, after));
        }
        assert_eq!(exemplars.get(0).map(|it| it.trace), Some(3));
        exemplars.put(0, exemplar(4, 200));
        assert_eq!(exemplars.get(0).map(|it| it.trace), Some(3));
        assert_eq!(exemplars.get(1), None);
    }

    #[test]
    fn one_that_is_told_of_late_does_not_take_the_place_of_a_newer_one() {
        let exemplars = Exemplars::default();
        exemplars.put(0, exemplar(1, 60_000));
        for late in [59_999, 30_000, 0] {
            exemplars.put(0, exemplar(2, late));
        }
        assert_eq!(exemplars.get(0).map(|it| it.trace), Some(1));
    }

    #[test]
    fn one_of_a_time_to_come_makes_room_because_the_clock_went_back() {
        let (exemplars, now) = (Exemplars::default(), SystemTime::now());
        exemplars.put(0, Exemplar { at: now + Duration::from_hours(1), ..exemplar(1, 0) });
        exemplars.put(0, Exemplar { at: now, ..exemplar(2, 0) });
        assert_eq!(exemplars.get(0).map(|it| it.trace), Some(2));
    }

    #[test]
    fn there_is_a_place_for_each_bucket_of_each_scale() {
        for scale in [Scale::Seconds, Scale::Sizes] {
            assert!(scale.bounds().len() < BUCKETS_MAX);
        }
    }
}
