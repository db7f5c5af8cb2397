//! Heap profiles: what is in use, by the stacks that allocated it, as jemalloc sampled them. What was allocated before
//! [`activate`] is not in them.

use jemalloc_pprof::{JemallocProfCtl, PROF_CTL};
use std::{env, ops::DerefMut};
use thiserror::Error;
use tikv_jemalloc_ctl::{epoch, stats};

/// Why there is no heap profile.
#[derive(Debug, Error)]
pub enum HeapError {
    /// The allocator does not sample.
    #[error(
        "heap profiling is not possible: jemalloc is not this process's allocator, or it was started with prof:false"
    )]
    Impossible,
    /// Sampling could not be switched on.
    #[error("heap sampling could not be switched on: {0}")]
    Activate(String),
    /// Sampling is off.
    #[error("heap sampling is off")]
    Inactive,
    /// jemalloc dumps into a file first.
    #[error("the heap could not be dumped into {folder}: {cause}")]
    Dump {
        /// The folder for temporary files.
        folder: String,
        /// What jemalloc or the system said.
        cause: String,
    },
}

/// Samples from now on.
///
/// # Errors
/// [`HeapError::Impossible`] and [`HeapError::Activate`].
pub fn activate() -> Result<(), HeapError> {
    let mut control = control()?;
    control.activate().map_err(|error| HeapError::Activate(error.to_string()))
}

/// A gzipped `profile.proto`. Blocks for some tens of milliseconds; two callers wait for each other.
///
/// # Errors
/// See [`HeapError`].
pub fn profile() -> Result<Vec<u8>, HeapError> {
    let mut control = control()?;
    if !control.activated() {
        return Err(HeapError::Inactive);
    }
    let profile = control
        .dump_pprof()
        .map_err(|error| HeapError::Dump { folder: env::temp_dir().display().to_string(), cause: error.to_string() });
    backtrace::clear_symbol_cache(); // tens of megabytes that only a profile needs
    profile
}

/// What the allocator counts of itself, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Stats {
    /// Asked for and not given back.
    pub allocated: usize,
    /// In pages that hold those.
    pub active: usize,
    /// Its own.
    pub metadata: usize,
    /// Of physical memory, at the most.
    pub resident: usize,
    /// Of address space in use.
    pub mapped: usize,
    /// Of address space that is kept for later.
    pub retained: usize,
}

/// Reads the counts as they are now.
///
/// # Errors
/// What jemalloc says.
pub fn stats() -> Result<Stats, tikv_jemalloc_ctl::Error> {
    epoch::advance()?; // else they are those of the last reading
    Ok(Stats {
        allocated: stats::allocated::read()?,
        active: stats::active::read()?,
        metadata: stats::metadata::read()?,
        resident: stats::resident::read()?,
        mapped: stats::mapped::read()?,
        retained: stats::retained::read()?,
    })
}

fn control() -> Result<impl DerefMut<Target = JemallocProfCtl>, HeapError> {
    let control = PROF_CTL.as_ref().ok_or(HeapError::Impossible)?;
    Ok(control.blocking_lock())
}
