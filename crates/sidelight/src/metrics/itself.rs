//! What Sidelight shows of itself: what it lost, what it costs, what was taken from it.

use crate::{
    Counter, Gauge,
    label::Labels,
    metrics::{Histogram, Seconds},
};

labels! {
    /// What was profiled.
    pub enum Profiled = "profile" {
        /// CPU time.
        Cpu = "cpu",
        /// Memory in use.
        Heap = "heap",
    }
    /// What became of it.
    pub enum Taken = "outcome" {
        /// It was taken.
        Ok = "ok",
        /// It was not: another one was being taken, or it failed.
        Error = "error",
    }
}

/// What was lost, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// A label set: its metric has as many as it may, and its number is in the overflow series.
    Overflow,
    /// A series: another one has its name.
    Conflict,
    /// A log line: more waited than there is room for.
    LinesQueue,
    /// A log line: the disk is full, or the pipe closed.
    LinesWrite,
    /// A span: more waited than there is room for.
    SpansQueue,
    /// A span: the collector could not be reached, or failed.
    SpansExport,
    /// A span: the collector was there, and did not want it.
    SpansRejected,
    /// A span of a failed or slow request: there were too many of those.
    SpansLimited,
    /// A span: its request had more than is kept of one.
    SpansTruncated,
    /// A request that its caller had sampled: there were too many of those.
    Callers,
}

/// Two labels of which only these pairs occur.
impl Labels for Loss {
    const KEYS: &'static [&'static str] = &["signal", "reason"];
    const CARDINALITY: usize = 10;
    const IS_CLOSED: bool = true;
    fn index(self) -> usize {
        self as usize
    }
    fn values(index: usize) -> Option<Vec<&'static str>> {
        let pairs = [
            ["metrics", "overflow"],
            ["metrics", "conflict"],
            ["logs", "queue_full"],
            ["logs", "write_failed"],
            ["traces", "queue_full"],
            ["traces", "export_failed"],
            ["traces", "rejected"],
            ["traces", "rate_limited"],
            ["traces", "truncated"],
            ["traces", "caller_limit"],
        ];
        pairs.get(index).map(|pair| pair.to_vec())
    }
}

catalog! {
    /// What was not kept, by signal and reason: spans, log lines, label sets of metrics.
    pub DROPPED: Counter<Loss> = "sidelight.dropped";
    /// Warnings and errors that were repeated too often to be written.
    pub LOG_SUPPRESSED: Counter<()> = "sidelight.log.suppressed";
    /// Series on the metrics page.
    pub SERIES: Gauge<()> = "sidelight.series";
    /// Time to render one metrics page.
    pub SCRAPE: Histogram<(), Seconds> = "sidelight.scrape.duration";
    /// Profiles that were asked for and allowed.
    pub PROFILES: Counter<(Profiled, Taken)> = "sidelight.profiles";
}
