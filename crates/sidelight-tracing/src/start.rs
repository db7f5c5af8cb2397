//! Puts the parts together once: filter, lines, bridge, exporter. The guard flushes them at the end.

use crate::{
    bridge, export,
    gate::Gate,
    limit,
    lines::{Form, LineLayer},
    sampling,
    writer::{self, Writer},
};
use opentelemetry::KeyValue;
use std::{
    fmt, io,
    time::{Duration, Instant},
};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt as _};

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// `service.name`.
    pub service_name: String,
    /// `service.version`.
    pub version: String,
    /// `deployment.environment.name`.
    pub environment: String,
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
    /// The filter is not a list of directives.
    Filter(String),
    /// A thread could not be started.
    Thread(io::Error),
    /// The process has a subscriber already.
    Taken,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter(filter) => write!(
                f,
                "invalid value {filter:?} for RUST_LOG: allowed are levels (off, error, warn, info, debug, trace) and \
                 target=level, separated by commas, for example info,rmcp=warn"
            ),
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
    let targets: Targets = config.filter.parse().map_err(|_| StartError::Filter(config.filter.clone()))?;
    let form = match config.lines {
        Lines::Json => Form::json(&config.service_name, &config.version, &config.environment),
        Lines::Text => Form::Text,
    };
    let to: Box<dyn io::Write + Send> = if config.to_stderr { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
    let writer = Writer::start(to).map_err(StartError::Thread)?;
    let stack = tracing_subscriber::registry()
        .with(Gate(targets))
        .with(LineLayer::new(writer.clone(), form))
        .with(bridge::layer());
    tracing::subscriber::set_global_default(stack).map_err(|_| StartError::Taken)?;
    sampling::set_rate(config.sample_rate);
    if config.export {
        export::start(resource(config)).map_err(StartError::Thread)?;
    }
    Ok(Guard { writer })
}

fn resource(config: Config) -> Vec<KeyValue> {
    vec![
        KeyValue::new("service.name", config.service_name),
        KeyValue::new("service.version", config.version),
        KeyValue::new("deployment.environment.name", config.environment),
    ]
}

/// What was lost so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Spans that found the exporter's queue full.
    pub spans_waiting: u64,
    /// Spans that the collector did not take.
    pub spans_exported: u64,
    /// Records and spans beyond what is kept of one request.
    pub records: u64,
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
    let [spans_waiting, spans_exported, records] = export::dropped();
    let [lines_waiting, lines_written] = writer::dropped();
    Dropped { spans_waiting, spans_exported, records, lines_waiting, lines_written, repeated: limit::suppressed() }
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
        export::flush(FLUSH.saturating_sub(FLUSH_LINES));
        self.writer.flush(FLUSH.saturating_sub(started.elapsed()));
    }
}
