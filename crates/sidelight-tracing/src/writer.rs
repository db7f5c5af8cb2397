//! The thread that writes log lines, so that no request ever waits for a pipe. Its queue is bounded; what finds no
//! place is dropped and counted.

use std::{
    io::{self, Write},
    sync::{
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

/// Lines that wait; each is at most [`crate::lines::LINE_BYTES_MAX`] long.
const QUEUE_MAX: usize = 4096;

static DROPPED: AtomicU64 = AtomicU64::new(0);

enum Item {
    Line(Box<str>),
    Flush(SyncSender<()>),
}

/// The queue's near end.
#[derive(Clone, Debug)]
pub(crate) struct Writer(SyncSender<Item>);

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(mut to: Box<dyn Write + Send>) -> io::Result<Self> {
        let (queue, items) = sync_channel(QUEUE_MAX);
        thread::Builder::new().name("sidelight-log".into()).spawn(move || run(&mut *to, &items))?;
        Ok(Self(queue))
    }

    /// Hands over a line with its end.
    pub(crate) fn line(&self, line: &str) {
        if let Err(TrySendError::Full(_)) = self.0.try_send(Item::Line(line.into())) {
            DROPPED.fetch_add(1, Relaxed);
        }
    }

    /// Waits until everything handed over so far was written, or the time is up.
    pub(crate) fn flush(&self, limit: Duration) {
        let (done, wait) = sync_channel(1);
        if self.0.try_send(Item::Flush(done)).is_ok() {
            let _ = wait.recv_timeout(limit);
        }
    }
}

/// Lines lost so far.
pub(crate) fn dropped() -> u64 {
    DROPPED.load(Relaxed)
}

fn run(to: &mut dyn Write, items: &Receiver<Item>) {
    while let Ok(first) = items.recv() {
        for item in std::iter::once(first).chain(items.try_iter().take(QUEUE_MAX)) {
            match item {
                // a closed pipe or a full disk: the line is lost and counted, the server goes on
                Item::Line(line) => drop(to.write_all(line.as_bytes()).map_err(|_| DROPPED.fetch_add(1, Relaxed))),
                Item::Flush(done) => {
                    let _ = to.flush();
                    let _ = done.try_send(());
                }
            }
        }
        let _ = to.flush();
    }
}
