//! What a program tells Sidelight once, at its start. Reads no environment: that is the program's part.

use std::fmt;

/// Everything that can be set. In a build without a feature, its settings are accepted and have no effect.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `service.name` of every line and span.
    pub service_name: String,
    /// `service.version`.
    pub version: String,
    /// The commit that was built, or `unknown`.
    pub commit: String,
    /// `deployment.environment.name`, for example `production`.
    pub environment: String,
    /// What else the resource of traces says of this process: `OTEL_RESOURCE_ATTRIBUTES`, decoded. A `service.instance.id` is
    /// made up where there is none.
    pub resource: Vec<(String, String)>,
    /// Directives of `tracing`'s targets, for example `info,rmcp=warn`.
    pub log_filter: String,
    /// One JSON object a line, or text for a person.
    pub log_format: LogFormat,
    /// Where lines go.
    pub log_output: Output,
    /// The share of requests, 0 to 1, that are traced though they are neither slow nor failed.
    pub sample_rate: f64,
    /// Whether spans are exported; where to is said by the standard `OTEL_EXPORTER_OTLP_*` variables.
    pub export: bool,
    /// How a trace goes from one process to the next.
    pub propagators: Propagators,
    /// Which profiles may be taken.
    pub profiling: Profiling,
    /// Whether `OpenMetrics` says when each counter and histogram began, as samples `_created`: a Prometheus that is not told of
    /// them takes them for series of their own. Protobuf says so always.
    pub created: bool,
}

/// The forms in which a trace's context is read and written, as the standard `OTEL_PROPAGATORS` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Propagators {
    /// W3C `traceparent` and `tracestate`.
    pub tracecontext: bool,
    /// Jaeger's `uber-trace-id`.
    pub jaeger: bool,
}

impl Default for Propagators {
    fn default() -> Self {
        Self { tracecontext: true, jaeger: false }
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Text for a person.
    Text,
}

/// Where log lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Stdout,
    /// Standard error: where stdout is a protocol.
    Stderr,
}

/// Which profiles may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profiling {
    /// None.
    Off,
    /// CPU profiles.
    Cpu,
    /// CPU profiles, and heap samples from the start.
    CpuAndHeap,
}

/// Why Sidelight did not start; the sentence is the cause.
#[derive(Debug)]
pub enum StartError {
    /// The log filter, the log writer or the exporter.
    Tracing(String),
    /// The sampler or the allocator.
    Profiling(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Tracing(cause) | Self::Profiling(cause)) = self;
        f.write_str(cause)
    }
}

impl std::error::Error for StartError {}
