//! Bodies of requests that have not come whole: what they hold is bounded in all. When it is too much, the one that has been
//! coming for the longest time is given up.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// The uploads of this process. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uploads(Arc<Mutex<All>>);

#[derive(Debug, Default)]
struct All {
    next: u64,
    held: usize,
    coming: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    began: Instant,
    held: usize,
    given_up: CancellationToken,
}

impl Uploads {
    /// One begins.
    pub(crate) fn begin(&self) -> Upload {
        let mut all = self.all();
        let number = all.next;
        all.next += 1;
        let given_up = CancellationToken::new();
        all.coming.insert(number, Entry { began: Instant::now(), held: 0, given_up: given_up.clone() });
        Upload { uploads: self.clone(), number, given_up }
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that is coming; over when it is dropped.
#[derive(Debug)]
pub(crate) struct Upload {
    uploads: Uploads,
    number: u64,
    given_up: CancellationToken,
}

impl Upload {
    /// It holds so many bytes now.
    pub(crate) fn holds(&self, bytes: usize) {
        let mut all = self.uploads.all();
        let before = all.coming.get_mut(&self.number).map(|entry| std::mem::replace(&mut entry.held, bytes));
        all.held += bytes - before.unwrap_or_default().min(bytes);
        if all.held > HELD_BYTES_MAX {
            let others =
                all.coming.iter().filter(|(other, entry)| **other != self.number && !entry.given_up.is_cancelled());
            if let Some((_, slowest)) = others.min_by_key(|(number, _)| **number)
                && slowest.began.elapsed() > SLOW
            {
                slowest.given_up.cancel();
            }
        }
    }

    /// Done when others need the room.
    pub(crate) async fn given_up(&self) {
        self.given_up.cancelled().await;
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let mut all = self.uploads.all();
        if let Some(gone) = all.coming.remove(&self.number) {
            all.held -= gone.held;
        }
    }
}

/// What all of them may hold.
const HELD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// One that has come for less is not slow.
const SLOW: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_one_that_comes_for_longest_makes_room_when_too_much_is_held() {
        let uploads = Uploads::default();
        let (first, second) = (uploads.begin(), uploads.begin());
        first.holds(1);
        second.holds(HELD_BYTES_MAX - 1);
        tokio::time::sleep(SLOW * 11 / 10).await;
        let third = uploads.begin();
        assert!(!first.given_up.is_cancelled());
        third.holds(1);
        first.given_up().await;
        assert!(!second.given_up.is_cancelled() && !third.given_up.is_cancelled());
        drop((first, second, third));
        assert_eq!(uploads.all().held, 0);
    }
}
