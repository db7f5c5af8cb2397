//! Where requests go that are kept: to whoever was named at the start. Counts what a request lost before it came here.

use super::{arena::Arena, shared::Unique};
use quanta::Instant;
use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::SystemTime,
};

/// A request that is kept, on its way to the exporter.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) arena: Unique<Arena>,
    pub(crate) reason: &'static str,
    /// When it was kept, on both clocks.
    pub(crate) at: (Instant, SystemTime),
    pub(crate) spans: usize,
    pub(crate) bytes: usize,
}

/// Takes a kept request, and puts its arena away in the end.
pub(crate) type Sink = fn(Kept);

static SINK: OnceLock<Sink> = OnceLock::new();
// counters that nothing else is read by: each is right by itself
static TRUNCATED: AtomicU64 = AtomicU64::new(0);
static RATE_LIMITED: AtomicU64 = AtomicU64::new(0);

/// From now on kept requests go there; the first one named stays.
pub(crate) fn set(sink: Sink) {
    let _ = SINK.set(sink);
}

/// Whether there is anybody who takes them.
pub(crate) fn is_set() -> bool {
    SINK.get().is_some()
}

/// Hands over a kept request. Only called where there is a sink.
pub(crate) fn keep(kept: Kept) {
    if let Some(sink) = SINK.get() {
        sink(kept);
    }
}

/// Counts records that found no place in their arena.
pub(crate) fn truncated(records: u64) {
    if records > 0 {
        TRUNCATED.fetch_add(records, Relaxed);
    }
}

/// Counts spans of requests that failed or were slow when too many did.
pub(crate) fn rate_limited(spans: u64) {
    RATE_LIMITED.fetch_add(spans, Relaxed);
}

/// Both counts so far, in this order.
pub(crate) fn left_out() -> [u64; 2] {
    [&TRUNCATED, &RATE_LIMITED].map(|count| count.load(Relaxed))
}
