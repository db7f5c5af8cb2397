//! The one place that every request passes: its ids, its context, its operation, its count.

use crate::{
    Fault, Seat, TIMED_OUT, Tool,
    facts::{Facts, note_code},
    metrics::{Ending, Method, OPERATION, REQUESTS},
    reply::{Reply, Seen},
    seat::{carrier, state},
};
use http::request::Parts;
use rmcp::{ErrorData, RoleServer, model::ErrorCode, service::RequestContext};
use sidelight::{
    Context, CorrelationId, correlation,
    label::Label,
    tracing::{self, Carrier, Incoming},
};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// The code of a request that its client took back; outside the range that JSON-RPC and MCP keep for themselves.
const CANCELLED: ErrorCode = ErrorCode(-31_800);

/// What is taken from a request before the handler owns it.
pub(crate) struct Seam {
    labels: (Method, Tool),
    context: Context,
    correlation: CorrelationId,
    cancelled: CancellationToken,
    facts: Facts,
    seat: Option<Seat>,
}

impl Seam {
    pub(crate) fn new(method: Method, tool: Tool, request: &RequestContext<RoleServer>) -> Self {
        let parts = request.extensions.get::<Parts>();
        let correlation = correlation(parts, request);
        let seat = parts.and_then(|parts| parts.extensions.get::<Seat>()).cloned();
        let context = context(parts, request, &correlation, seat.as_ref());
        let facts = Facts::of(method, parts, request);
        Self { labels: (method, tool), context, correlation, cancelled: request.ct.clone(), facts, seat }
    }

    /// Says what the request is about, by an attribute of the conventions.
    pub(crate) fn about(mut self, key: &'static str, value: &str) -> Self {
        self.facts.about(key, value);
        self
    }

    /// Runs the handler's future, until its end or until the client takes the request back.
    pub(crate) async fn run<T: Seen>(
        self,
        reply: impl Future<Output = Result<T, ErrorData>> + Send,
    ) -> Result<T, ErrorData> {
        let mut counted = Counted::new(self.labels, self.facts, self.context.clone());
        counted.seat = self.seat;
        let told = self.context.scope(counted.observe(reply));
        let Some(mut reply) = self.cancelled.run_until_cancelled(told).await else {
            return Err(ErrorData::new(CANCELLED, "the request was cancelled", None));
        };
        if let Some(meta) = reply.0.as_mut().ok().and_then(Seen::meta) {
            meta.0.remove(TIMED_OUT);
            meta.0.insert(correlation::META.to_owned(), self.correlation.as_str().into());
        }
        reply.0
    }
}

/// Runs a call that no client made.
pub(crate) async fn direct<T: Seen>(
    method: Method,
    tool: Tool,
    reply: impl Future<Output = Result<T, ErrorData>>,
) -> Result<T, ErrorData> {
    let mut reply = Counted::new((method, tool), Facts::default(), Context::current()).observe(reply).await;
    if let Some(meta) = reply.0.as_mut().ok().and_then(Seen::meta) {
        meta.0.remove(TIMED_OUT);
    }
    reply.0
}

impl<T: Seen> Reply<T> {
    /// Notes the code of a protocol error.
    fn note(&self) {
        if let Err(error) = &self.0 {
            note_code(error.code);
        }
    }
}

/// The conventions' order: what the message itself carries goes before what its transport does. Where it carries no caller's
/// context, it joins the HTTP request.
fn context(
    parts: Option<&Parts>,
    request: &RequestContext<RoleServer>,
    correlation: &CorrelationId,
    seat: Option<&Seat>,
) -> Context {
    let (traceparent, tracestate) = (request.meta.get_traceparent(), request.meta.get_tracestate());
    let message = Carrier { traceparent, tracestate, uber_trace_id: None };
    if let Some(seat) = seat.filter(|_| !message.has_context()) {
        return seat.http().clone();
    }
    let state = parts.map(|parts| state(&parts.headers)).unwrap_or_default();
    let transport = parts.map(|parts| carrier(&parts.headers, &state)).unwrap_or_default();
    let carriers = [message, transport];
    Context::begin(&Incoming { carriers, correlation_id: Some(correlation), lasting: false })
}

/// Over HTTP the edge has made or validated the id, and its reply's header holds it already; over stdio only the message
/// can carry one.
fn correlation(parts: Option<&Parts>, request: &RequestContext<RoleServer>) -> CorrelationId {
    let made = parts.and_then(|parts| parts.extensions.get::<CorrelationId>().cloned());
    let sent = || {
        let header = parts.and_then(|parts| parts.headers.get(correlation::HEADER)).and_then(|it| it.to_str().ok());
        let meta = || request.meta.get(correlation::META).and_then(serde_json::Value::as_str);
        header.or_else(meta).and_then(CorrelationId::accept)
    };
    made.or_else(sent).unwrap_or_else(CorrelationId::generate)
}

/// Counts a request once and writes its line, also when its future is dropped.
struct Counted {
    labels: (Method, Tool),
    ending: Ending,
    facts: Facts,
    context: Context,
    seat: Option<Seat>,
    began: Instant,
    bytes: u64,
}

impl Counted {
    fn new(labels: (Method, Tool), facts: Facts, context: Context) -> Self {
        Self { labels, ending: Ending::Cancelled, facts, context, seat: None, began: Instant::now(), bytes: 0 }
    }

    /// Runs the handler's future as an operation, whose ids the line will have.
    async fn observe<T: Seen>(&mut self, reply: impl Future<Output = Result<T, ErrorData>>) -> Reply<T> {
        let operation = OPERATION.observe(self.labels, async {
            self.context = Context::current();
            if let Some(seat) = &self.seat {
                seat.take(self.context.clone());
            }
            self.facts.note();
            let reply = Reply(reply.await);
            reply.note();
            self.ends(&reply);
            reply
        });
        operation.await
    }

    fn ends<T: Seen>(&mut self, reply: &Reply<T>) {
        self.ending = match reply.fault() {
            None => Ending::Ok,
            Some(Fault::Timeout) => Ending::Timeout,
            Some(_) => Ending::Error,
        };
        if tracing::COMPILED {
            self.bytes = reply.bytes();
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let (method, tool) = self.labels;
        if std::thread::panicking() {
            self.ending = Ending::Error;
        }
        REQUESTS.add((method, self.ending), 1);
        self.context.clone().run(|| {
            sidelight::info!(
                "request",
                method = word(method),
                tool = word(tool),
                outcome = word(self.ending),
                duration_seconds = self.began.elapsed().as_secs_f64(),
                bytes = self.bytes,
                client = self.facts.client(),
            );
        });
    }
}

/// A label as it is shown.
fn word<L: Label>(label: L) -> &'static str {
    L::value(label.index()).unwrap_or_default()
}

/// Counts what lasts as long as its client likes, and is not timed.
pub(crate) async fn counted(
    method: Method,
    reply: impl Future<Output = Result<(), ErrorData>>,
) -> Result<(), ErrorData> {
    let mut counted = Counted::new((method, Tool::none()), Facts::default(), Context::current());
    let reply = Reply(reply.await);
    counted.ends(&reply);
    reply.0
}
