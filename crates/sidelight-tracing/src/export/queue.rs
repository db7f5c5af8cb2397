//! What waits for the exporter: bounded in number and in bytes, so that whoever brings something never waits. The thread
//! that takes it may be told to wait, and whoever ends the program may hurry it.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Items that wait; one more is refused.
const ITEMS_MAX: usize = 1024;
/// Bytes that they may hold in all.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// Something that waits.
pub(crate) trait Weighed {
    /// Spans in it.
    fn spans(&self) -> usize;
    /// Bytes that it holds, about.
    fn bytes(&self) -> usize;
}

/// What the thread waits for when something waits for it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait {
    /// A full batch, but not longer than this.
    ForCompany(Duration),
    /// This moment, however much waits.
    Until(Instant),
}

#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    more: Condvar,
    done: Condvar,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    bytes: usize,
    /// Spans in the items that wait, and in those that were taken and are not done with.
    waiting: usize,
    in_hand: usize,
    /// Whoever makes so many spans wait wakes the thread.
    wake_at: usize,
    is_hurried: bool,
}

/// Nobody needs to be woken.
const NEVER: usize = usize::MAX;

impl<T: Weighed> Queue<T> {
    pub(crate) fn new() -> Self {
        let state =
            State { items: VecDeque::new(), bytes: 0, waiting: 0, in_hand: 0, wake_at: NEVER, is_hurried: false };
        Self { state: Mutex::new(state), more: Condvar::new(), done: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings an item, or gives it back when there is no room.
    pub(crate) fn push(&self, item: T) -> Result<(), T> {
        let mut state = self.lock();
        if state.items.len() == ITEMS_MAX || state.bytes + item.bytes() > BYTES_MAX {
            return Err(item);
        }
        state.bytes += item.bytes();
        state.waiting += item.spans();
        state.items.push_back(item);
        if state.waiting >= state.wake_at {
            state.wake_at = NEVER;
            self.more.notify_all();
        }
        Ok(())
    }

    /// Waits for items, and then, unless somebody is in a hurry, for company or for the end of a pause; takes as many as
    /// make so many spans.
    pub(crate) fn take(&self, wait: Wait, spans_max: usize, items: &mut Vec<T>) {
        let mut state = self.lock();
        while state.items.is_empty() {
            state.wake_at = 0;
            state = self.more.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let (end, enough) = match wait {
            Wait::ForCompany(at_most) => (Instant::now() + at_most, spans_max),
            Wait::Until(moment) => (moment, NEVER),
        };
        state.wake_at = enough;
        let left = end.saturating_duration_since(Instant::now());
        let is_calm = |state: &mut State<T>| !state.is_hurried && state.waiting < enough;
        state = self.more.wait_timeout_while(state, left, is_calm).unwrap_or_else(PoisonError::into_inner).0;
        state.wake_at = NEVER;
        while state.in_hand < spans_max
            && let Some(item) = state.items.pop_front()
        {
            state.bytes -= item.bytes();
            state.waiting -= item.spans();
            state.in_hand += item.spans().max(1);
            items.push(item);
        }
    }

    /// What was taken is done with.
    pub(crate) fn done(&self) {
        let mut state = self.lock();
        state.in_hand = 0;
        if state.items.is_empty() {
            state.is_hurried = false;
        }
        self.done.notify_all();
    }

    /// Waits until everything is done with, or the time is up; gives the spans that are left.
    pub(crate) fn flush(&self, limit: Duration) -> usize {
        let mut state = self.lock();
        state.is_hurried = true;
        self.more.notify_all();
        let is_behind = |state: &mut State<T>| !state.items.is_empty() || state.in_hand > 0;
        let waited = self.done.wait_timeout_while(state, limit, is_behind);
        let state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.waiting + state.in_hand
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::Arc, thread};

    const AT_ONCE: Wait = Wait::ForCompany(Duration::ZERO);

    struct Box(usize);
    impl Weighed for Box {
        fn spans(&self) -> usize {
            2
        }
        fn bytes(&self) -> usize {
            self.0
        }
    }

    #[test]
    fn it_is_bounded_in_number_and_in_bytes() {
        let queue = Queue::new();
        assert_eq!((0..2 * ITEMS_MAX).filter(|_| queue.push(Box(1)).is_ok()).count(), ITEMS_MAX);
        let queue = Queue::new();
        assert_eq!((0..99).filter(|_| queue.push(Box(BYTES_MAX / 8)).is_ok()).count(), 8);
    }

    #[test]
    fn room_is_made_by_what_is_taken() {
        let queue = Queue::new();
        assert!(queue.push(Box(BYTES_MAX)).is_ok() && queue.push(Box(1)).is_err());
        queue.take(AT_ONCE, 512, &mut Vec::new());
        assert!(queue.push(Box(1)).is_ok());
    }

    #[test]
    fn a_batch_has_about_as_many_spans_as_it_may() {
        let (queue, mut items) = (Queue::new(), Vec::new());
        (0..9).for_each(|_| drop(queue.push(Box(1))));
        queue.take(AT_ONCE, 5, &mut items);
        assert_eq!(items.len(), 3);
    }

    #[test]
    fn whoever_ends_the_program_does_not_wait_for_the_breaker() {
        let queue = Arc::new(Queue::new());
        assert!(queue.push(Box(1)).is_ok());
        let far = Arc::clone(&queue);
        thread::spawn(move || {
            far.take(Wait::Until(Instant::now() + Duration::from_hours(1)), 512, &mut Vec::new());
            far.done();
        });
        assert_eq!(queue.flush(Duration::from_mins(1)), 0);
    }

    #[test]
    fn a_full_batch_waits_for_no_company() {
        let (queue, mut items) = (Arc::new(Queue::new()), Vec::new());
        let far = Arc::clone(&queue);
        thread::spawn(move || (0..4).for_each(|_| drop(far.push(Box(1)))));
        queue.take(Wait::ForCompany(Duration::from_hours(1)), 8, &mut items);
        assert_eq!(items.len(), 4);
    }

    #[test]
    fn what_is_not_done_in_time_is_told() {
        let queue = Queue::new();
        assert!(queue.push(Box(1)).is_ok());
        assert_eq!(queue.flush(Duration::from_millis(10)), 2);
    }
}
