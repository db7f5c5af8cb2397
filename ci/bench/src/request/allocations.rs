//! What our unsampled path allocates on the request's thread once it is warm, in the program whose allocator counts. Other
//! threads are not looked at: no request waits for them.

use super::{process::units, stack::ours};
use crate::{library::OURS, scrape};
use std::{thread, time::Duration};

/// What a unit allocates.
#[derive(Clone, Copy, Debug)]
pub struct Allocated {
    /// Bytes, of all units together.
    pub bytes: u64,
    /// Allocations, of all units together.
    pub allocations: u64,
}

/// What so many units allocated, asked of that program.
///
/// # Errors
/// When it cannot be run.
pub fn measure() -> Result<Allocated, String> {
    let rows = scrape::rows("allocations", &["request"])?;
    let ours = rows.iter().find(|(package, _)| package == OURS).map(|(_, numbers)| numbers.as_slice());
    let Some([bytes, allocations]) = ours else { return Err("`allocations` counted nothing".to_owned()) };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole numbers, as they were printed
    Ok(Allocated { bytes: *bytes as u64, allocations: *allocations as u64 })
}

/// Does the units in this process, through a function that counts while they are done.
pub fn count(counted: impl FnOnce(&dyn Fn()) -> Allocated) -> (&'static str, Allocated) {
    let stack = ours::start(0.0);
    let done = |from: u64| {
        units(&stack, from..from + UNITS, PAUSE);
    };
    done(0);
    thread::sleep(PAUSE);
    let allocated = counted(&|| done(UNITS));
    stack.flush();
    (OURS, allocated)
}

/// How many units are counted.
pub(crate) const UNITS: u64 = 1_000;
const PAUSE: Duration = Duration::from_millis(20);
