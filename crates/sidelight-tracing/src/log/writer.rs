//! The thread that writes log lines, so that no request ever waits for a pipe. Lines wait in one buffer, bounded in bytes;
//! what finds no room is dropped and counted, and once a second a line says how many. After a write the thread rests a
//! moment, so that many lines go in one write, and a busy program rarely has to wake it: to wake a thread costs as much as
//! dozens of lines. A line that somebody should see does not wait: it may be the last one.

use std::{
    fmt,
    io::{self, Write},
    mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

/// Bytes that wait; a line is at most [`super::form::LINE_BYTES_MAX`] long.
const WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;
/// A line waits for others so long at most: long enough to wake the thread seldom, short enough that little
/// waits.
const REST: Duration = Duration::from_millis(50);
/// So much does not wait for more.
const ENOUGH_BYTES: usize = WAITING_BYTES_MAX / 4;
/// A larger buffer is given back after a burst.
const KEPT_BYTES: usize = WAITING_BYTES_MAX / 2;
/// How often it says that lines were dropped.
const REPORT: Duration = Duration::from_secs(1);

// counts that say nothing of other memory: `Relaxed`
static QUEUE_FULL: AtomicU64 = AtomicU64::new(0);
static WRITE_FAILED: AtomicU64 = AtomicU64::new(0);

/// Lines lost so far: no room in the buffer, and not to be written.
pub(crate) fn dropped() -> [u64; 2] {
    [&QUEUE_FULL, &WRITE_FAILED].map(|lost| lost.load(Relaxed))
}

/// The buffer's near end.
#[derive(Clone, Debug)]
pub(crate) struct Writer(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Something waits to be written.
    more: Condvar,
    /// Something was written.
    done: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Bytes handed over and bytes done with, from the start.
    taken: u64,
    done: u64,
    /// Whoever makes so many bytes wait wakes the thread.
    wake_at: usize,
    is_hurried: bool,
}

/// Nobody needs to be woken.
const NEVER: usize = usize::MAX;

/// The line that tells of so many dropped ones.
pub(crate) type Report = Box<dyn Fn(u64) -> Vec<u8> + Send>;

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(to: Box<dyn Write + Send>, report: Report) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let mut far = Far { shared: Arc::clone(&shared), to, is_mid_line: false, report, reported: 0, said: None };
        thread::Builder::new().name("sidelight-log".into()).spawn(move || far.run())?;
        Ok(Self(shared))
    }

    /// Hands over a line with its end, in a hurry or not.
    pub(crate) fn line(&self, line: &[u8], is_hurried: bool) {
        let mut waiting = self.0.lock();
        if waiting.bytes.len() + line.len() > WAITING_BYTES_MAX {
            QUEUE_FULL.fetch_add(1, Relaxed);
            return;
        }
        waiting.bytes.extend_from_slice(line);
        waiting.taken += line.len() as u64;
        waiting.is_hurried |= is_hurried;
        if waiting.bytes.len() >= waiting.wake_at || (is_hurried && waiting.wake_at != NEVER) {
            waiting.wake_at = NEVER;
            drop(waiting); // else the thread would wake and find it locked
            self.0.more.notify_all();
        }
    }

    /// Waits until everything handed over so far was written, or the time is up.
    pub(crate) fn flush(&self, limit: Duration) {
        let mut waiting = self.0.lock();
        let upto = waiting.taken;
        waiting.is_hurried = true;
        self.0.more.notify_all();
        let is_behind = |waiting: &mut Waiting| waiting.done < upto;
        drop(self.0.done.wait_timeout_while(waiting, limit, is_behind));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's side.
struct Far {
    shared: Arc<Shared>,
    to: Box<dyn Write + Send>,
    /// A line was broken off.
    is_mid_line: bool,
    report: Report,
    reported: u64,
    said: Option<Instant>,
}

impl fmt::Debug for Far {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Far")
    }
}

impl Far {
    fn run(&mut self) {
        let mut batch = Vec::new();
        loop {
            self.next(&mut batch);
            self.write(&batch);
            self.report();
            let count = batch.len() as u64;
            batch.clear();
            batch.shrink_to(KEPT_BYTES);
            self.done(count);
        }
    }

    /// Rests, unless there is enough or somebody is in a hurry. Where nothing came meanwhile, waits until something does, or
    /// until it is time to tell of dropped lines.
    fn next(&self, batch: &mut Vec<u8>) {
        let shared = &self.shared;
        let mut waiting = shared.lock();
        waiting.wake_at = ENOUGH_BYTES;
        let is_few = |waiting: &mut Waiting| !waiting.is_hurried && waiting.bytes.len() < ENOUGH_BYTES;
        waiting = shared.more.wait_timeout_while(waiting, REST, is_few).unwrap_or_else(PoisonError::into_inner).0;
        waiting.wake_at = 0;
        let is_empty = |waiting: &mut Waiting| waiting.bytes.is_empty();
        waiting = if self.unreported() > 0 {
            shared.more.wait_timeout_while(waiting, REPORT, is_empty).unwrap_or_else(PoisonError::into_inner).0
        } else {
            shared.more.wait_while(waiting, is_empty).unwrap_or_else(PoisonError::into_inner)
        };
        (waiting.wake_at, waiting.is_hurried) = (NEVER, false);
        mem::swap(batch, &mut waiting.bytes);
    }

    /// A closed pipe or a full disk: what could not be written is lost and counted, the server goes on.
    fn write(&mut self, batch: &[u8]) {
        let rest = self.put(batch);
        if rest.is_empty() {
            let _ = self.to.flush(); // what is not flushed now is flushed the next time
        }
        let lost = rest.split(|byte| *byte == b'\n').count() - 1; // each line has an end
        WRITE_FAILED.fetch_add(lost as u64, Relaxed);
    }

    /// Gives what could not be written. A line that was broken off before is ended first, so that it spoils no other.
    fn put<'a>(&mut self, lines: &'a [u8]) -> &'a [u8] {
        if self.is_mid_line && self.to.write_all(b"\n").is_err() {
            return lines;
        }
        let mut rest = lines;
        while !rest.is_empty() {
            match self.to.write(rest) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(count @ 1..) => rest = &rest[count..],
                Ok(0) | Err(_) => break,
            }
        }
        let (written, _) = lines.split_at(lines.len() - rest.len());
        self.is_mid_line = written.last().is_some_and(|last| *last != b'\n');
        rest
    }

    /// Says how many lines were dropped since it was last said, once a second.
    fn report(&mut self) {
        let unreported = self.unreported();
        if unreported == 0 || self.said.is_some_and(|said| said.elapsed() < REPORT) {
            return;
        }
        let line = (self.report)(unreported);
        if self.put(&line).is_empty() && self.to.flush().is_ok() {
            self.reported += unreported;
        }
        self.said = Some(Instant::now());
    }

    fn unreported(&self) -> u64 {
        dropped().iter().sum::<u64>().saturating_sub(self.reported)
    }

    /// Tells whoever waits that so much is done.
    fn done(&self, count: u64) {
        self.shared.lock().done += count;
        self.shared.done.notify_all();
    }
}

#[cfg(test)]
#[path = "writer_test.rs"]
mod tests;
