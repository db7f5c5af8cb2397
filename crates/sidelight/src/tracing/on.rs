//! Contexts, records and lines, kept and written by `sidelight-tracing`.

use super::Incoming;
use crate::{
    Definition, LogFormat, Output, Page, Settings, StartError,
    itself::{DROPPED, LOG_SUPPRESSED, Loss},
    metrics::Probe,
    operation::{self, Moment},
};
use sidelight_tracing::{Arrival, Attribute, Config, Dropped, Lines, Seen, Subject};
pub use sidelight_tracing::{Node, Within};

#[doc(hidden)] // what `event!` expands to
pub use sidelight_tracing::tracing as lines;

/// This build has tracing.
pub const COMPILED: bool = true;

/// Nothing to show yet in either build.
pub const PAGES: &[Page] = &[];

/// Writes a line.
#[macro_export]
#[doc(hidden)]
macro_rules! event {
    ($level:ident, $text:literal $(, $key:ident = $value:expr)* $(,)?) => {
        $crate::tracing::lines::event!($crate::tracing::lines::Level::$level, $($key = $value,)* $text)
    };
}

/// What the current code is part of. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Context(sidelight_tracing::Context);

impl Context {
    /// Begins a request: whether it is sampled is decided here, before any span exists.
    #[must_use]
    pub fn begin(incoming: &Incoming<'_>) -> Self {
        Self(sidelight_tracing::Context::begin(&Arrival {
            traceparent: incoming.traceparent,
            correlation_id: incoming.correlation_id.map(crate::CorrelationId::as_str),
        }))
    }
    /// The context that is current on this thread.
    #[must_use]
    pub fn current() -> Self {
        Self(sidelight_tracing::Context::current())
    }
    /// Makes this context current whenever the future is polled.
    pub fn scope<F: Future>(self, future: F) -> Within<F> {
        self.0.scope(future)
    }
    /// Makes this context current while the function runs: for blocking threads.
    pub fn run<R>(self, function: impl FnOnce() -> R) -> R {
        self.0.run(function)
    }
    /// The W3C header for a call that leaves this process; `None` outside a request.
    #[must_use]
    pub fn traceparent(&self) -> Option<String> {
        self.0.traceparent()
    }
}

impl Subject for Definition {
    fn name(&self) -> &'static str {
        self.name
    }
    fn attributes(&self, labels: u32) -> Vec<Attribute> {
        let values = usize::try_from(labels).ok().and_then(self.values).unwrap_or_default();
        let pairs = self.keys.iter().copied().zip(values);
        pairs.filter(|(_, value)| !value.is_empty()).collect()
    }
    fn error_type(&self, outcome: usize) -> Option<&'static str> {
        operation::error_type(self, outcome)
    }
    fn remember(&self, labels: u32, outcome: usize, seen: &Seen) {
        let Seen { trace, span, duration, at } = *seen;
        (self.remember)(labels as usize, outcome, &Moment { trace, span, duration, at });
    }
}

/// Flushes log lines and spans when it is dropped.
#[derive(Debug)]
pub(crate) struct Flush {
    _guard: sidelight_tracing::Guard,
    _losses: Probe,
}

/// Brings what was lost onto the metrics page.
fn losses() {
    let Dropped { spans_waiting, spans_exported, records, lines_waiting, lines_written, repeated } =
        sidelight_tracing::dropped();
    DROPPED.raise(Loss::SpansQueue, spans_waiting);
    DROPPED.raise(Loss::SpansExport, spans_exported);
    DROPPED.raise(Loss::SpansTruncated, records);
    DROPPED.raise(Loss::LinesQueue, lines_waiting);
    DROPPED.raise(Loss::LinesWrite, lines_written);
    LOG_SUPPRESSED.raise((), repeated);
}

pub(crate) fn start(settings: &Settings) -> Result<Flush, StartError> {
    let lines = match settings.log_format {
        LogFormat::Json => Lines::Json,
        LogFormat::Text => Lines::Text,
    };
    let config = Config {
        service_name: settings.service_name.clone(),
        version: settings.version.clone(),
        environment: settings.environment.clone(),
        filter: settings.log_filter.clone(),
        lines,
        to_stderr: settings.log_output == Output::Stderr,
        sample_rate: settings.sample_rate,
        export: settings.export,
    };
    let guard = sidelight_tracing::start(config).map_err(|error| StartError::Tracing(error.to_string()))?;
    Ok(Flush { _guard: guard, _losses: Probe::new(losses) })
}
