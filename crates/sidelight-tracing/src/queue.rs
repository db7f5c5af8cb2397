//! What waits for the exporter: bounded in number and in bytes, so that whoever brings something never waits. The thread
//! that takes it may be told to wait, and whoever ends the program may hurry it.

use std::{
    collections::VecDeque,
    mem,
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
    is_asleep: bool,
    is_hurried: bool,
}

impl<T: Weighed> Queue<T> {
    pub(crate) fn new() -> Self {
        let state =
            State { items: VecDeque::new(), bytes: 0, waiting: 0, in_hand: 0, is_asleep: false, is_hurried: false };
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
        if mem::take(&mut state.is_asleep) {
            self.more.notify_all();
        }
        Ok(())
    }

    /// Waits for items and, unless somebody is in a hurry, for this moment; takes as many as make so many spans.
    pub(crate) fn take(&self, not_before: Option<Instant>, spans_max: usize, items: &mut Vec<T>) {
        let mut state = self.lock();
        while state.items.is_empty() {
            state.is_asleep = true;
            state = self.more.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_asleep = false;
        let wait = not_before.map(|moment| moment.saturating_duration_since(Instant::now()));
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            let is_calm = |state: &mut State<T>| !state.is_hurried;
            state = self.more.wait_timeout_while(state, wait, is_calm).unwrap_or_else(PoisonError::into_inner).0;
        }
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
        queue.take(None, 512, &mut Vec::new());
        assert!(queue.push(Box(1)).is_ok());
    }

    #[test]
    fn a_batch_has_about_as_many_spans_as_it_may() {
        let (queue, mut items) = (Queue::new(), Vec::new());
        (0..9).for_each(|_| drop(queue.push(Box(1))));
        queue.take(None, 5, &mut items);
        assert_eq!(items.len(), 3);
    }

    #[test]
    fn whoever_ends_the_program_does_not_wait_for_the_breaker() {
        let queue = Arc::new(Queue::new());
        assert!(queue.push(Box(1)).is_ok());
        let far = Arc::clone(&queue);
        thread::spawn(move || {
            far.take(Some(Instant::now() + Duration::from_hours(1)), 512, &mut Vec::new());
            far.done();
        });
        assert_eq!(queue.flush(Duration::from_mins(1)), 0);
    }

    #[test]
    fn what_is_not_done_in_time_is_told() {
        let queue = Queue::new();
        assert!(queue.push(Box(1)).is_ok());
        assert_eq!(queue.flush(Duration::from_millis(10)), 2);
    }
}
