//! Waits at the end until a thread has done what was handed to it, for a limited time.

use std::{
    sync::mpsc::{SyncSender, TrySendError, sync_channel},
    thread,
    time::{Duration, Instant},
};

/// Sends the thread a message to answer, and waits for the answer. A full queue is waited for as well.
pub(crate) fn flush<Item>(queue: &SyncSender<Item>, message: impl FnOnce(SyncSender<()>) -> Item, limit: Duration) {
    let started = Instant::now();
    let (done, wait) = sync_channel(1);
    let mut item = message(done);
    while let Err(TrySendError::Full(back)) = queue.try_send(item) {
        if started.elapsed() >= limit {
            return;
        }
        item = back;
        thread::sleep(BREATH);
    }
    let _ = wait.recv_timeout(limit.saturating_sub(started.elapsed()));
}

/// Between two looks at a full queue.
const BREATH: Duration = Duration::from_millis(2);
