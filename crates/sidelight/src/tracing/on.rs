//! Contexts, records and lines, kept and written by `sidelight-tracing`.

use super::{Carrier, Incoming, Note, Value};
use crate::{
    Definition, LogFormat, Output, Page, Propagators, Settings, StartError, correlation,
    definition::Moment,
    metrics::{
        Probe,
        itself::{DROPPED, LOG_SUPPRESSED, Loss},
    },
    outcome,
    page::{Ask, Change, PageError, Parameter, Permission, Reply, Values},
};
use quanta::Instant;
pub use sidelight_tracing::Within;
use sidelight_tracing::{Arrival, Attribute, Config, Dropped, Lines, Seen, Subject};
use std::time::Duration;

#[doc(hidden)] // what `event!` expands to
pub use sidelight_tracing::tracing as lines;

/// This build has tracing.
pub const COMPILED: bool = true;

/// What the feature brings to the admin port.
pub const PAGES: &[Page] = &[
    Page {
        path: "/debug/requests",
        permission: Permission::Read,
        says: "Requests in flight and where they stand; the slowest and the failed of each operation.",
        parameters: Some(&[]),
        show: |_| Ok(Reply::json(sidelight_tracing::requests())),
        change: None,
    },
    Page {
        path: "/log/filter",
        permission: Permission::Read,
        says: "Which log lines are written.",
        parameters: Some(&[]),
        show: |_| Ok(Reply::json(sidelight_tracing::filter())),
        change: Some(Change {
            says: "PUT directives such as info,mcp=debug: they hold for so many seconds.",
            parameters: LASTS,
            apply: |ask| changed(sidelight_tracing::set_filter(&ask.body, lasts(ask)), sidelight_tracing::filter),
        }),
    },
    Page {
        path: "/trace/sampling",
        permission: Permission::Read,
        says: "The share of requests that are traced though they are neither slow nor failed.",
        parameters: Some(&[]),
        show: |_| Ok(Reply::json(sidelight_tracing::rate())),
        change: Some(Change {
            says: "PUT a number from 0 to 1: it holds for so many seconds.",
            parameters: LASTS,
            apply: |ask| changed(sidelight_tracing::set_rate(&ask.body, lasts(ask)), sidelight_tracing::rate),
        }),
    },
];

/// A change reverts by itself.
const LASTS: &[Parameter] = &[Parameter {
    name: "seconds",
    says: "How long the change holds.",
    values: Values::Whole { least: 1, most: 86_400, default: 600 },
}];

fn lasts(ask: &Ask) -> Duration {
    Duration::from_secs(ask.whole("seconds"))
}

fn changed(done: Result<(), String>, now: fn() -> String) -> Result<Reply, PageError> {
    done.map(|()| Reply::json(now())).map_err(PageError::BadParameter)
}

/// Writes a line.
#[macro_export]
#[doc(hidden)]
macro_rules! event {
    (AUDIT, $text:literal $(, $key:ident = $value:expr)* $(,)?) => {
        $crate::tracing::lines::event!(
            target: "audit", $crate::tracing::lines::Level::INFO, message = $text $(, $key = $value)*
        )
    };
    ($level:ident, $text:literal $(, $key:ident = $value:expr)* $(,)?) => {
        // the text as a field: as a format it would go through the machinery of formats
        $crate::tracing::lines::event!($crate::tracing::lines::Level::$level, message = $text $(, $key = $value)*)
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
            carriers: incoming.carriers.map(carrier),
            correlation_id: incoming.correlation_id.map(crate::CorrelationId::as_str),
            lasting: incoming.lasting,
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
    /// Headers, in lower case, for a call that leaves this process: the trace, as the propagators say, and the correlation
    /// id. None outside a request.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        self.0.headers(correlation::HEADER)
    }
    /// A comment that goes behind a statement of a sampled request, as sqlcommenter writes it: the database's own log then
    /// names the request. A statement with it is like no other, so a cache of statements must not keep it.
    #[must_use]
    pub fn sql_comment(&self) -> Option<String> {
        self.0.sql_comment()
    }
}

impl Carrier<'_> {
    /// Whether a caller's context stands in it, in a form that is read.
    #[must_use]
    pub fn has_context(&self) -> bool {
        carrier(*self).has_context()
    }
}

fn carrier(carrier: Carrier<'_>) -> sidelight_tracing::Carrier<'_> {
    let Carrier { traceparent, tracestate, uber_trace_id } = carrier;
    sidelight_tracing::Carrier { traceparent, tracestate, uber_trace_id }
}

/// Adds an attribute to the operation that the current code is in, whether or not the request is sampled. Without an
/// operation, or beyond some hundred notes of a request, nothing happens.
pub fn note<'a>(key: &'static str, value: impl Into<Value<'a>>) {
    sidelight_tracing::Context::note(key, kept(value.into()));
}

fn kept(value: Value<'_>) -> sidelight_tracing::Value<'_> {
    match value {
        Value::Whole(number) => sidelight_tracing::Value::Whole(number),
        Value::Word(word) => sidelight_tracing::Value::Word(word),
    }
}

/// The record of one run.
#[doc(hidden)]
#[derive(Debug)]
pub struct Node(sidelight_tracing::Node);

impl Node {
    /// No record.
    pub const NONE: Self = Self(sidelight_tracing::Node::NONE);
    /// Begins below what is current.
    #[must_use]
    pub fn begin(definition: &'static Definition, labels: u32, started: Instant) -> Self {
        Self(sidelight_tracing::Node::begin(definition, labels, started))
    }
    /// Becomes current until the guard is dropped.
    #[must_use]
    pub fn enter(&mut self) -> sidelight_tracing::Entered<'_> {
        self.0.enter()
    }
    /// Ends, with what else there is to know.
    pub fn end(self, outcome: usize, duration: Duration, notes: &[Note<'_>]) {
        match notes {
            [] => self.0.end(outcome, duration, &[]),
            notes => {
                let notes: Vec<_> = notes.iter().map(|(key, value)| (*key, kept(*value))).collect();
                self.0.end(outcome, duration, &notes);
            }
        }
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
        outcome::error_type(self, outcome)
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
    let lost: Dropped = sidelight_tracing::dropped();
    for (loss, number) in [
        (Loss::SpansQueue, lost.spans_waiting),
        (Loss::SpansExport, lost.spans_exported),
        (Loss::SpansRejected, lost.spans_rejected),
        (Loss::SpansLimited, lost.spans_limited),
        (Loss::SpansTruncated, lost.records),
        (Loss::Callers, lost.not_followed),
        (Loss::LinesQueue, lost.lines_waiting),
        (Loss::LinesWrite, lost.lines_written),
    ] {
        DROPPED.raise(loss, number);
    }
    LOG_SUPPRESSED.raise((), lost.repeated);
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
        resource: settings.resource.clone(),
        filter: settings.log_filter.clone(),
        lines,
        to_stderr: settings.log_output == Output::Stderr,
        sample_rate: settings.sample_rate,
        export: settings.export,
        propagators: propagators(settings.propagators),
    };
    let guard = sidelight_tracing::start(config).map_err(|error| StartError::Tracing(error.to_string()))?;
    Ok(Flush { _guard: guard, _losses: Probe::new(losses) })
}

fn propagators(propagators: Propagators) -> sidelight_tracing::Propagators {
    let Propagators { tracecontext, jaeger } = propagators;
    sidelight_tracing::Propagators { tracecontext, jaeger }
}
