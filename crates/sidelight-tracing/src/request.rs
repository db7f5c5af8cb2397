//! One request: who called, what it is known by, and the arena of what happened in it. Bounded; sealed and handed to
//! the exporter when the last holder lets go, so that tasks the request spawned are in it.

use crate::{export, propagation, sampling};
use opentelemetry_sdk::trace::SpanData;
use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime},
};

/// Records of one request; what comes after is counted and left out.
const RECORDS_MAX: usize = 64;
/// A request that takes longer is kept whatever the rate.
const SLOW: Duration = Duration::from_secs(2);
/// Successive span ids of a request lie this far apart: any odd number visits all of them before one comes again.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// What a request brought with it.
#[derive(Clone, Debug, Default)]
pub struct Arrival<'a> {
    /// W3C `traceparent`; anything that is not one is ignored.
    pub traceparent: Option<&'a str>,
    /// The id that lines and spans carry.
    pub correlation_id: Option<&'a str>,
}

/// A label's name and its value.
pub type Attribute = (&'static str, &'static str);

/// What a record is about: a declared operation.
pub trait Subject: Sync + fmt::Debug {
    /// The operation's name.
    fn name(&self) -> &'static str;
    /// The label values at a position.
    fn attributes(&self, labels: u32) -> Vec<Attribute>;
    /// The value of `error.type`; `None` for success.
    fn error_type(&self, outcome: usize) -> Option<&'static str>;
    /// Called once the collector has the span: from now on it can be looked at.
    fn remember(&self, labels: u32, outcome: usize, seen: &Seen);
}

/// A run that the collector has a span of.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The trace's id.
    pub trace: u128,
    /// The span's id.
    pub span: u64,
    /// How long it took.
    pub duration: Duration,
    /// When it ended.
    pub at: SystemTime,
}

/// One operation that ended.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) subject: &'static dyn Subject,
    pub(crate) started: Instant,
    pub(crate) duration: Duration,
    pub(crate) span: u64,
    pub(crate) parent: u64,
    pub(crate) labels: u32,
    pub(crate) outcome: usize,
}

/// What is known of a request while it runs.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) trace: u128,
    /// The caller's span, or 0.
    pub(crate) caller: u64,
    pub(crate) sampled: bool,
    pub(crate) correlation_id: Option<Box<str>>,
    root: u64,
    clock: SystemTime,
    started: Instant,
    spans: AtomicU32,
    arena: Mutex<Arena>,
}

#[derive(Debug, Default)]
struct Arena {
    records: Vec<Record>,
    /// Spans that others made, by way of the bridge.
    foreign: Vec<SpanData>,
    truncated: u64,
}

impl Record {
    /// When it began, by the request's clock.
    pub(crate) fn started(&self, kept: &Kept) -> SystemTime {
        kept.clock + self.started.saturating_duration_since(kept.started)
    }
}

/// A request that is kept, on its way to the exporter.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) trace: u128,
    pub(crate) clock: SystemTime,
    pub(crate) started: Instant,
    pub(crate) caller: u64,
    pub(crate) correlation_id: Option<Box<str>>,
    pub(crate) reason: &'static str,
    pub(crate) records: Vec<Record>,
    pub(crate) foreign: Vec<SpanData>,
}

impl Request {
    pub(crate) fn begin(arrival: &Arrival<'_>) -> Self {
        let parent = arrival.traceparent.and_then(propagation::parse);
        let trace = parent.map_or_else(sampling::trace_id, |parent| parent.trace);
        Self {
            trace,
            caller: parent.map_or(0, |parent| parent.span),
            sampled: parent.map_or_else(|| sampling::decide(trace), |parent| parent.sampled),
            correlation_id: arrival.correlation_id.map(Box::from),
            root: sampling::random(),
            clock: SystemTime::now(),
            started: Instant::now(),
            spans: AtomicU32::new(0),
            arena: Mutex::default(),
        }
    }

    /// The next span id: computed, so that nothing is stored before an operation ends.
    pub(crate) fn next_span(&self) -> u64 {
        let place = u64::from(self.spans.fetch_add(1, Relaxed));
        match self.root.wrapping_add(place.wrapping_mul(STEP)) {
            0 => STEP, // 0 means no span
            span => span,
        }
    }

    pub(crate) fn record(&self, record: Record) {
        let mut arena = self.arena.lock().unwrap_or_else(PoisonError::into_inner);
        if arena.records.len() < RECORDS_MAX {
            arena.records.push(record);
        } else {
            arena.truncated += 1;
        }
    }

    pub(crate) fn gather(&self, span: SpanData) {
        let mut arena = self.arena.lock().unwrap_or_else(PoisonError::into_inner);
        if arena.foreign.len() < RECORDS_MAX {
            arena.foreign.push(span);
        } else {
            arena.truncated += 1;
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let arena = self.arena.get_mut().unwrap_or_else(PoisonError::into_inner);
        export::truncated(arena.truncated);
        let failed = |record: &Record| record.subject.error_type(record.outcome).is_some();
        let reason = match () {
            () if self.sampled => "head",
            () if arena.records.iter().any(failed) => "error",
            () if self.started.elapsed() > SLOW => "slow",
            () => return,
        };
        if arena.records.is_empty() && arena.foreign.is_empty() {
            return;
        }
        export::keep(Kept {
            trace: self.trace,
            clock: self.clock,
            started: self.started,
            caller: self.caller,
            correlation_id: self.correlation_id.take(),
            reason,
            records: std::mem::take(&mut arena.records),
            foreign: std::mem::take(&mut arena.foreign),
        });
    }
}
