//! What happens often is told once a minute, with how often it happened.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// One kind of event.
#[derive(Debug)]
pub(crate) struct Minutely(Mutex<(Option<Instant>, u64)>);

impl Minutely {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new((None, 0)))
    }

    /// It happened. Gives how often it did since it was told last, if it is time to tell it again.
    pub(crate) fn tells(&self) -> Option<u64> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (told, times) = &mut *seen;
        *times += 1;
        if told.is_some_and(|told| told.elapsed() < MINUTE) {
            return None;
        }
        *told = Some(Instant::now());
        Some(std::mem::take(times))
    }
}

const MINUTE: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_time_is_told_at_once_and_the_next_ones_later() {
        let often = Minutely::new();
        assert_eq!([often.tells(), often.tells(), often.tells()], [Some(1), None, None]);
    }
}
