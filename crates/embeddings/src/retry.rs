//! Tries again what may work the next time: a few times, with growing and jittered waits, or as long as the server says.
//! Knows nothing of what is tried.

use crate::EmbedError;
use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

/// Why it did not work, and whether it may the next time.
#[derive(Debug)]
pub(crate) struct Failure {
    error: EmbedError,
    again: bool,
    wait: Option<Duration>,
}

impl Failure {
    /// It may work the next time, after the wait that the server asked for.
    pub(crate) fn again(error: EmbedError, wait: Option<Duration>) -> Self {
        Self { error, again: true, wait }
    }
    /// It will not work.
    pub(crate) fn last(error: EmbedError) -> Self {
        Self { error, again: false, wait: None }
    }
}

/// Tries in all.
const TRIES: u32 = 4;
/// Before the second try; doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// A server that asks for a longer wait is not waited for.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// What is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Whatever may work the next time.
    Whole,
    /// But for what took too long.
    NoTimeouts,
}

pub(crate) async fn retry<T, F>(patience: Patience, mut work: impl FnMut() -> F) -> Result<T, EmbedError>
where
    F: Future<Output = Result<T, Failure>>,
{
    for attempt in 1.. {
        let failure = match work().await {
            Ok(done) => return Ok(done),
            Err(failure) => failure,
        };
        let wait = failure.wait.unwrap_or_else(|| jittered(FIRST_WAIT * 2u32.pow(attempt - 1)));
        let is_late = matches!(failure.error, EmbedError::Timeout) && patience == Patience::NoTimeouts;
        if !failure.again || is_late || attempt >= TRIES || wait > WAIT_MAX {
            return Err(failure.error);
        }
        tokio::time::sleep(wait).await;
    }
    unreachable!("the last try returns")
}

/// Between half and all of it, so that many clients do not come back at one moment.
fn jittered(wait: Duration) -> Duration {
    let random = RandomState::new().hash_one(0) % 1_000;
    wait / 2 + wait.mul_f64(f64::from(u32::try_from(random).unwrap_or_default()) / 2_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test(start_paused = true)]
    async fn what_may_work_is_tried_four_times_and_no_more() {
        let tries = Cell::new(0);
        let failed: Result<(), _> = retry(Patience::Whole, || {
            tries.set(tries.get() + 1);
            async { Err(Failure::again(EmbedError::RateLimited, None)) }
        })
        .await;
        assert!(matches!(failed, Err(EmbedError::RateLimited)));
        assert_eq!(tries.get(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_s_own_wait_is_kept_and_a_long_one_is_not_waited_for() {
        let began = tokio::time::Instant::now();
        let tries = Cell::new(0);
        let done = retry(Patience::Whole, || {
            tries.set(tries.get() + 1);
            let first = tries.get() == 1;
            async move {
                if first { Err(Failure::again(EmbedError::RateLimited, Some(Duration::from_secs(7)))) } else { Ok(3) }
            }
        });
        assert_eq!((done.await.unwrap(), began.elapsed()), (3, Duration::from_secs(7)));
        let hour = || async { Err::<(), _>(Failure::again(EmbedError::RateLimited, Some(Duration::from_hours(1)))) };
        assert!(retry(Patience::Whole, hour).await.is_err());
        assert_eq!(began.elapsed(), Duration::from_secs(7));
    }

    #[tokio::test]
    async fn what_is_refused_is_not_tried_again() {
        let tries = Cell::new(0);
        let refused: Result<(), _> = retry(Patience::Whole, || {
            tries.set(tries.get() + 1);
            async { Err(Failure::last(EmbedError::Refused("401".to_owned()))) }
        })
        .await;
        assert!(refused.is_err());
        assert_eq!(tries.get(), 1);
    }

    #[test]
    fn waits_differ_within_their_bounds() {
        let waits: std::collections::HashSet<Duration> = (0..50).map(|_| jittered(Duration::from_secs(1))).collect();
        assert!(waits.len() > 10);
        assert!(waits.iter().all(|wait| (500..=1_000).contains(&wait.as_millis())));
    }
}
