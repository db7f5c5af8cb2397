//! CPU profiles of the whole process: `pprof` with its framehop unwinder, one profile at a time. Its default unwinder
//! crashes beside panics and is never used.

use crate::profile::{CpuProfile, Function, Stack};
use pprof::{Frames, ProfilerGuardBuilder, Report};
use std::{
    env, fs, io,
    sync::Mutex,
    thread,
    time::{Duration, Instant, SystemTime},
};
use thiserror::Error;

/// Samples a second when nobody asks for another number: not a round one, so as not to beat with timers.
pub const FREQUENCY: u32 = 99;

/// Why there is no CPU profile.
#[derive(Debug, Error)]
pub enum CpuError {
    /// One profile at a time.
    #[error("another CPU profile is being taken")]
    Busy,
    /// The sampler needs a folder that it can write to.
    #[error("the folder for temporary files, {folder}, cannot be written to: {cause}")]
    Folder {
        /// The folder.
        folder: String,
        /// What the system said.
        cause: io::Error,
    },
    /// Nobody waits for it any more.
    #[error("whoever asked has left")]
    GivenUp,
    /// The sampler refused.
    #[error("the sampler failed: {0}")]
    Sampler(#[from] pprof::Error),
}

/// How often it is asked whether somebody waits.
const LOOK: Duration = Duration::from_millis(50);

/// Only one profile at a time: the timer is the process's.
static TURN: Mutex<()> = Mutex::new(());

/// Builds the unwinder now, on this thread. Otherwise the first sample would build it inside the signal handler, with
/// memory allocation and file reads. Takes about 0.2 s; call it before any load.
///
/// # Errors
/// See [`CpuError`].
pub fn warm_up() -> Result<(), CpuError> {
    let _turn = TURN.try_lock().map_err(|_| CpuError::Busy)?;
    writable_folder()?;
    // one sample a second: no timer of this guard can come first on another thread
    let guard = ProfilerGuardBuilder::default().frequency(1).build()?;
    raise_sigprof();
    drop(guard);
    backtrace::clear_symbol_cache();
    Ok(())
}

#[allow(unsafe_code)] // the standard library cannot raise a signal
fn raise_sigprof() {
    // SAFETY: the guard has installed a handler for SIGPROF, and raising a signal on the own thread has no other
    // requirement
    unsafe { libc::raise(libc::SIGPROF) };
}

/// Samples every thread for `duration`, `frequency` times for each second of CPU time. Blocks the calling thread. Ends soon
/// without a profile when `gone` says that nobody waits for it any more.
///
/// # Errors
/// See [`CpuError`].
pub fn profile(duration: Duration, frequency: u32, gone: &dyn Fn() -> bool) -> Result<CpuProfile, CpuError> {
    let _turn = TURN.try_lock().map_err(|_| CpuError::Busy)?;
    writable_folder()?;
    let rate = i32::try_from(frequency).unwrap_or(i32::MAX);
    let guard = ProfilerGuardBuilder::default().frequency(rate).build()?;
    let start = SystemTime::now();
    let began = Instant::now();
    while let Some(left) = duration.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
        if gone() {
            return Err(CpuError::GivenUp);
        }
        thread::sleep(left.min(LOOK));
    }
    let report = guard.report().build();
    drop(guard);
    backtrace::clear_symbol_cache(); // tens of megabytes that only a profile needs
    Ok(CpuProfile { stacks: stacks(report?), start, duration, frequency })
}

/// The sampler writes a file when it stops, and never works again if that fails: so ask before it starts.
fn writable_folder() -> Result<(), CpuError> {
    let folder = env::temp_dir();
    let file = folder.join(format!(".sidelight-{}", std::process::id()));
    let tried = fs::write(&file, b"").and_then(|()| fs::remove_file(&file));
    tried.map_err(|cause| CpuError::Folder { folder: folder.display().to_string(), cause })
}

fn stacks(report: Report) -> Vec<Stack> {
    let counted = report.data.into_iter().filter_map(|(frames, samples)| {
        let samples = u64::try_from(samples).ok().filter(|samples| *samples > 0)?;
        Some(stack(&frames, samples))
    });
    counted.collect()
}

fn stack(frames: &Frames, samples: u64) -> Stack {
    let thread = match frames.thread_name.as_str() {
        "" => frames.thread_id.to_string(),
        name => name.to_owned(),
    };
    let function = |symbol: &pprof::Symbol| Function {
        name: symbol.name(),
        file: symbol.filename().into_owned(),
        line: symbol.lineno(),
    };
    let frames = frames.frames.iter().map(|frame| frame.iter().map(function).collect());
    Stack { thread, frames: frames.collect(), samples }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        hint::black_box,
        iter,
        sync::{
            Arc, MutexGuard, PoisonError,
            atomic::{AtomicBool, Ordering::Relaxed},
        },
    };

    #[inline(never)]
    fn busy_leaf_of_the_test(enough: &AtomicBool) -> u64 {
        let mut number = 1u64;
        while !enough.load(Relaxed) {
            for _ in 0..10_000 {
                number = black_box(number.wrapping_mul(6_364_136_223_846_793_005).rotate_left(7));
            }
        }
        number
    }

    /// These tests take profiles one after the other: there is one sampler in a process.
    fn one_at_a_time() -> MutexGuard<'static, ()> {
        static ONE: Mutex<()> = Mutex::new(());
        ONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// On a machine that is busy with others, a second may pass in which this process has no processor.
    const TRIES: usize = 10;

    #[test]
    fn a_profile_that_nobody_waits_for_ends_soon() {
        let _one = one_at_a_time();
        let began = Instant::now();
        let given_up = profile(Duration::from_secs(30), FREQUENCY, &|| true);
        assert!(matches!(given_up, Err(CpuError::GivenUp)) && began.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_busy_function_is_in_the_profile_and_a_second_profile_has_to_wait() {
        let _one = one_at_a_time();
        warm_up().unwrap();
        let enough = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&enough);
        let busy = thread::Builder::new().name("busy".into()).spawn(move || busy_leaf_of_the_test(&heard)).unwrap();
        let second = thread::spawn(|| {
            thread::sleep(Duration::from_millis(300));
            profile(Duration::from_millis(10), FREQUENCY, &|| false)
        });
        let take = || profile(Duration::from_secs(1), FREQUENCY, &|| false).unwrap().collapsed();
        let first = take();
        assert!(matches!(second.join().unwrap(), Err(CpuError::Busy)));
        let is_seen = |collapsed: &String| {
            collapsed.lines().any(|it| it.starts_with("busy;") && it.contains("busy_leaf_of_the_test"))
        };
        let seen = iter::once(first).chain(iter::repeat_with(take).take(TRIES)).any(|collapsed| is_seen(&collapsed));
        enough.store(true, Relaxed);
        busy.join().unwrap();
        assert!(seen);
    }
}
