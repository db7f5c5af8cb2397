//! The thread that writes log lines, so that no request ever waits for a pipe. Its queue is bounded; what finds no
//! place is dropped and counted.

use crate::flush::flush;
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

static QUEUE_FULL: AtomicU64 = AtomicU64::new(0);
static WRITE_FAILED: AtomicU64 = AtomicU64::new(0);

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
            QUEUE_FULL.fetch_add(1, Relaxed);
        }
    }

    /// Waits until everything handed over so far was written, or the time is up.
    pub(crate) fn flush(&self, limit: Duration) {
        flush(&self.0, Item::Flush, limit);
    }
}

/// Lines lost so far: no place in the queue, and not to be written.
pub(crate) fn dropped() -> [u64; 2] {
    [&QUEUE_FULL, &WRITE_FAILED].map(|lost| lost.load(Relaxed))
}

fn run(to: &mut dyn Write, items: &Receiver<Item>) {
    while let Ok(first) = items.recv() {
        for item in std::iter::once(first).chain(items.try_iter().take(QUEUE_MAX)) {
            match item {
                // a closed pipe or a full disk: the line is lost and counted, the server goes on
                Item::Line(line) => drop(to.write_all(line.as_bytes()).map_err(|_| WRITE_FAILED.fetch_add(1, Relaxed))),
                Item::Flush(done) => {
                    let _ = to.flush();
                    let _ = done.try_send(());
                }
            }
        }
        let _ = to.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::Sender;

    /// A pipe that nobody reads: it takes nothing until the test lets go.
    struct Blocked(Receiver<()>, Sender<usize>);

    impl Write for Blocked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv(); // an error when the test has let go
            let _ = self.1.send(bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_pipe_that_nobody_reads_holds_up_nobody_and_what_finds_no_place_is_counted() {
        let (release, wait) = std::sync::mpsc::channel();
        let (wrote, written) = std::sync::mpsc::channel();
        let writer = Writer::start(Box::new(Blocked(wait, wrote))).unwrap();
        let lost = || usize::try_from(dropped()[0]).unwrap();
        let before = lost();
        let sent = 2 * QUEUE_MAX + 10;
        (0..sent).for_each(|_| writer.line("x\n"));
        let lost = lost() - before;
        assert!(lost >= sent - 2 * QUEUE_MAX - 1, "one is being written, and a queue is bounded");
        drop(release);
        writer.flush(Duration::from_secs(10));
        assert_eq!(written.try_iter().count() + lost, sent, "no line is lost without being counted");
    }
}
