//! One variant in the process that it has for itself: units at a server's pace, and what they cost. Bursts with pauses
//! between them, so that threads in the background keep up and no queue is ever full: what is dropped would cost nothing.

use super::{stack::Stack, variant::Variant};
use rustix::time::{ClockId, clock_gettime};
use std::{ops::Range, thread, time::Duration};

/// How many units are counted, and the pause after each [`BURST`].
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How many units.
    pub units: u64,
    /// How long the pauses are.
    pub pause: Duration,
}

/// CPU time of some units, in nanoseconds a unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spent {
    /// Of the thread that does them.
    pub(crate) caller: f64,
    /// Of all threads, until everything was handed over.
    pub(crate) all: f64,
}

/// Does the units and writes what they cost, to standard error: standard output is the log.
pub fn run(variant: &Variant, pace: Pace) {
    let stack = variant.start();
    units(&stack, 0..WARM_UP, pace.pause);
    thread::sleep(SETTLE); // clients in the background are being built
    let started = Clocks::now();
    let caller = units(&stack, WARM_UP..WARM_UP + pace.units, pace.pause);
    let flushing = Clocks::now();
    stack.flush();
    let ended = Clocks::now();
    // this thread's pauses cost something as well, and belong to nobody
    let background =
        ended.process.saturating_sub(started.process).saturating_sub(ended.thread.saturating_sub(started.thread));
    let all = background + caller + ended.thread.saturating_sub(flushing.thread);
    #[allow(clippy::cast_precision_loss)] // thousands
    let each = |time: Duration| time.as_secs_f64() * 1e9 / pace.units as f64;
    eprintln!("{SPENT} {} {}", each(caller), each(all));
}

/// What a process said that it spent.
pub(crate) fn spent(said: &str) -> Option<Spent> {
    let mut numbers = said.lines().find_map(|line| line.strip_prefix(SPENT))?.split_whitespace();
    let mut next = || numbers.next()?.parse().ok();
    Some(Spent { caller: next()?, all: next()? })
}

/// Does these units, and gives the CPU time of this thread without the pauses. `instructions` knows the name.
#[inline(never)]
pub(crate) fn units(stack: &Stack, units: Range<u64>, pause: Duration) -> Duration {
    let mut caller = Duration::ZERO;
    for from in units.clone().step_by(BURST) {
        let started = cpu(ClockId::ThreadCPUTime);
        stack.repeat(from..units.end.min(from + BURST as u64));
        caller += cpu(ClockId::ThreadCPUTime).saturating_sub(started);
        thread::sleep(pause);
    }
    caller
}

/// CPU time so far.
struct Clocks {
    thread: Duration,
    process: Duration,
}

impl Clocks {
    fn now() -> Self {
        Self { thread: cpu(ClockId::ThreadCPUTime), process: cpu(ClockId::ProcessCPUTime) }
    }
}

fn cpu(clock: ClockId) -> Duration {
    clock_gettime(clock).try_into().unwrap_or_default()
}

/// Units that are done before anything is counted.
pub(crate) const WARM_UP: u64 = 500;
/// Below every queue's length, in spans and in lines.
const BURST: usize = 100;
const SETTLE: Duration = Duration::from_millis(300);
const SPENT: &str = "spent";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_spent_is_found_among_other_lines() {
        assert_eq!(spent("a warning\nspent 12.5 13\n"), Some(Spent { caller: 12.5, all: 13.0 }));
        assert_eq!(spent("a warning\n"), None);
    }
}
