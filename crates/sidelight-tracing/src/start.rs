//! Puts the parts together once: filter, lines, bridge, exporter. The guard flushes them at the end.

use crate::{
    export::{self, Lost},
    foreign, live,
    log::{self, Form, Gate, LineLayer, Writer},
    request::{self, Context, Propagators},
};
use opentelemetry::KeyValue;
use opentelemetry_sdk::trace::SpanData;
use std::{
    fmt, io,
    time::{Duration, Instant},
};
use tracing_subscriber::layer::SubscriberExt as _;

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// `service.name`.
    pub service_name: String,
    /// `service.version`.
    pub version: String,
    /// `deployment.environment.name`.
    pub environment: String,
    /// What else the resource says of itself.
    pub resource: Vec<(String, String)>,
    /// Directives, for example `info,rmcp=warn`.
    pub filter: String,
    /// The form of log lines.
    pub lines: Lines,
    /// Lines go to standard error.
    pub to_stderr: bool,
    /// The share of requests that are sampled, 0 to 1.
    pub sample_rate: f64,
    /// Whether spans are exported.
    pub export: bool,
    /// How a trace goes from one process to the next.
    pub propagators: Propagators,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// One JSON object a line.
    Json,
    /// Text for a person.
    Text,
}

/// Why logs and traces did not start.
#[derive(Debug)]
pub enum StartError {
    /// The filter is not a list of directives; the sentence says what is allowed.
    Filter(String),
    /// A thread could not be started.
    Thread(io::Error),
    /// The process has a subscriber already.
    Taken,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter(why) => write!(f, "RUST_LOG: {why}"),
            Self::Thread(error) => write!(f, "no thread for logs or traces: {error}"),
            Self::Taken => f.write_str("logs were started before"),
        }
    }
}

impl std::error::Error for StartError {}

/// Starts logs and traces for the process.
///
/// # Errors
/// See [`StartError`].
pub fn start(config: Config) -> Result<Guard, StartError> {
    let targets = live::parse(&config.filter).map_err(StartError::Filter)?;
    let form = match config.lines {
        Lines::Json => Form::json(&config.service_name, &config.version, &config.environment),
        Lines::Text => Form::Text,
    };
    let to: Box<dyn io::Write + Send> = if config.to_stderr { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
    let own = form.clone();
    let writer = Writer::start(to, Box::new(move |lines| own.dropped(lines))).map_err(StartError::Thread)?;
    let lines = LineLayer::new(writer.clone(), form);
    let stack = tracing_subscriber::registry().with(Gate).with(lines).with(foreign::layer(gather));
    log::set_gate(targets);
    tracing::subscriber::set_global_default(stack).map_err(|_| StartError::Taken)?;
    log::watch_panics(writer.clone());
    request::set_propagators(config.propagators);
    live::begin(&config.filter, config.sample_rate);
    if config.export && export::start(resource(config)).map_err(StartError::Thread)? {
        request::set_sink(export::keep);
    }
    Ok(Guard { writer })
}

/// A span of somebody else belongs to the request that it was made in; one that ended when that was not current goes its own
/// way.
fn gather(span: SpanData) {
    if let Some(span) = Context::gather(span) {
        export::span(span);
    }
}

/// What is said of this process: by whoever runs it, and then what is true of it. The exporter is ours, and so says that it is.
fn resource(config: Config) -> Vec<KeyValue> {
    let instance = request::random();
    let known = [
        ("service.name", config.service_name),
        ("service.version", config.version),
        ("deployment.environment.name", config.environment),
        ("telemetry.sdk.name", "sidelight".to_owned()),
        ("telemetry.sdk.language", "rust".to_owned()),
        ("telemetry.sdk.version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let mut all = vec![("service.instance.id".to_owned(), format!("{instance:016x}"))];
    for (key, value) in config.resource.into_iter().chain(known.map(|(key, value)| (key.to_owned(), value))) {
        all.retain(|(other, _)| *other != key);
        all.push((key, value));
    }
    all.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect()
}

/// What was lost so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Spans that found the exporter's queue full.
    pub spans_waiting: u64,
    /// Spans that the collector was not there for.
    pub spans_exported: u64,
    /// Spans that the collector did not take.
    pub spans_rejected: u64,
    /// Spans of failed and slow requests when there were too many.
    pub spans_limited: u64,
    /// Records and spans beyond what is kept of one request.
    pub records: u64,
    /// Requests that were not sampled though their callers asked for it, because too many did.
    pub not_followed: u64,
    /// Log lines that found the writer's queue full.
    pub lines_waiting: u64,
    /// Log lines that could not be written.
    pub lines_written: u64,
    /// Warnings and errors that were repeated too often to be written.
    pub repeated: u64,
}

/// What was lost so far.
#[must_use]
pub fn dropped() -> Dropped {
    let Lost { queue_full, export_failed, rejected } = export::lost();
    let [truncated, rate_limited] = request::left_out();
    let [lines_waiting, lines_written] = log::dropped();
    Dropped {
        spans_waiting: queue_full,
        spans_exported: export_failed,
        spans_rejected: rejected,
        spans_limited: rate_limited,
        records: truncated,
        not_followed: request::not_followed(),
        lines_waiting,
        lines_written,
        repeated: log::suppressed(),
    }
}

/// How long the end may take in all.
const FLUSH: Duration = Duration::from_secs(3);
/// What lines keep of it, so that a dead collector cannot cost the last line.
const FLUSH_LINES: Duration = Duration::from_secs(1);

/// Flushes spans and lines when it is dropped, for at most three seconds.
#[derive(Debug)]
pub struct Guard {
    writer: Writer,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let started = Instant::now();
        let left = export::flush(FLUSH.saturating_sub(FLUSH_LINES));
        if left > 0 {
            tracing::warn!(spans = left, "the end came before all traces were exported");
        }
        self.writer.flush(FLUSH.saturating_sub(started.elapsed()));
    }
}
