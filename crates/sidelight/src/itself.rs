//! What Sidelight shows of itself: what it lost, what it costs, what was taken from it.

use crate::{
    Counter, Gauge, labels,
    metrics::{Histogram, Seconds},
};

labels! {
    /// What was lost.
    pub enum Signal = "signal" {
        /// Series.
        Metrics = "metrics",
        /// Log lines.
        Logs = "logs",
        /// Spans.
        Traces = "traces",
    }
    /// Why.
    pub enum Reason = "reason" {
        /// More waited than there is room for.
        QueueFull = "queue_full",
        /// The disk is full, or the pipe closed.
        WriteFailed = "write_failed",
        /// The collector did not take them.
        ExportFailed = "export_failed",
        /// A request had more than is kept of one.
        Truncated = "truncated",
        /// The metric has as many series as it may: the number is in its overflow series.
        Overflow = "overflow",
        /// Another metric of the same name measures something else.
        Conflict = "conflict",
    }
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

catalog! {
    /// What was not kept, by signal and reason: spans, log lines, label sets of metrics.
    pub DROPPED: Counter<(Signal, Reason)> = "sidelight.dropped";
    /// Warnings and errors that were repeated too often to be written.
    pub LOG_SUPPRESSED: Counter<()> = "sidelight.log.suppressed";
    /// Series on the metrics page.
    pub SERIES: Gauge<()> = "sidelight.series";
    /// Time to render one metrics page.
    pub SCRAPE: Histogram<(), Seconds> = "sidelight.scrape.duration";
    /// Profiles that were asked for and allowed.
    pub PROFILES: Counter<(Profiled, Taken)> = "sidelight.profiles";
}
