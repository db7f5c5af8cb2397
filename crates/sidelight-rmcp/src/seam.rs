//! The one place that every request passes: its ids, its context, its operation, its count.

use crate::{
    Fault, TIMED_OUT, Tool,
    metrics::{Ending, Method, OPERATION, REQUESTS},
    reply::{Reply, Seen},
};
use http::request::Parts;
use rmcp::{ErrorData, RoleServer, model::ErrorCode, service::RequestContext};
use sidelight::{Context, CorrelationId, correlation, label::Label, tracing::Incoming};
use tokio_util::sync::CancellationToken;

/// The code of a request that its client took back; outside the range that JSON-RPC and MCP keep for themselves.
const CANCELLED: ErrorCode = ErrorCode(-31_800);

/// What is taken from a request before the handler owns it.
pub(crate) struct Seam {
    labels: (Method, Tool),
    context: Context,
    correlation: CorrelationId,
    cancelled: CancellationToken,
}

impl Seam {
    pub(crate) fn new(method: Method, tool: Tool, request: &RequestContext<RoleServer>) -> Self {
        let parts = request.extensions.get::<Parts>();
        let header = |name| parts.and_then(|parts| parts.headers.get(name)).and_then(|value| value.to_str().ok());
        // the conventions' order: what the message itself carries goes before the transport's
        let traceparent = request.meta.get_traceparent().or_else(|| header("traceparent"));
        let correlation = correlation(parts, request);
        let incoming = Incoming { traceparent, correlation_id: Some(&correlation) };
        let context = Context::begin(&incoming);
        Self { labels: (method, tool), context, correlation, cancelled: request.ct.clone() }
    }

    /// Runs the handler's future, until its end or until the client takes the request back.
    pub(crate) async fn run<T: Seen>(
        self,
        reply: impl Future<Output = Result<T, ErrorData>> + Send,
    ) -> Result<T, ErrorData> {
        let mut counted = Counted::new(self.labels, self.context.clone());
        let operation = OPERATION.observe(self.labels, async { Reply(reply.await) });
        let reply = self.cancelled.run_until_cancelled(self.context.scope(operation)).await;
        let Some(mut reply) = reply else {
            return Err(ErrorData::new(CANCELLED, "the request was cancelled", None));
        };
        counted.ends(&reply);
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
    let mut counted = Counted::new((method, tool), Context::current());
    let mut reply = OPERATION.observe((method, tool), async { Reply(reply.await) }).await;
    counted.ends(&reply);
    if let Some(meta) = reply.0.as_mut().ok().and_then(Seen::meta) {
        meta.0.remove(TIMED_OUT);
    }
    reply.0
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
    context: Context,
}

impl Counted {
    fn new(labels: (Method, Tool), context: Context) -> Self {
        Self { labels, ending: Ending::Cancelled, context }
    }

    fn ends<T: Seen>(&mut self, reply: &Reply<T>) {
        self.ending = match reply.fault() {
            None => Ending::Ok,
            Some(Fault::Timeout) => Ending::Timeout,
            Some(_) => Ending::Error,
        };
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
            let (method, tool, outcome) = (word(method), word(tool), word(self.ending));
            sidelight::info!("request", method = method, tool = tool, outcome = outcome);
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
    let mut counted = Counted::new((method, Tool::none()), Context::current());
    let reply = Reply(reply.await);
    counted.ends(&reply);
    reply.0
}
