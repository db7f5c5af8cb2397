//! The one place that every request passes. It begins where the message comes in, if that place is observed
//! (`transport.rs`), else where a handler gets it; it ends with the handler's reply, or with that of whoever answered before
//! any handler.

use crate::{
    Fault, Seat, TIMED_OUT, Tool,
    counted::Counted,
    facts::Facts,
    message::Message,
    metrics::{Method, OPERATION},
    reply::Seen,
    transport::Arrived,
};
use rmcp::{
    ErrorData, RoleServer,
    model::{ClientRequest, ErrorCode, InitializeRequestParams},
    service::RequestContext,
};
use sidelight::{Context, CorrelationId, correlation};
use std::pin::pin;
use tokio_util::sync::CancellationToken;

/// The code of a request that its client took back; outside the range that JSON-RPC and MCP keep for themselves.
const CANCELLED: ErrorCode = ErrorCode(-31_800);

/// What is taken from a request before its handler owns it.
#[derive(Debug)]
pub(crate) struct Seam {
    labels: (Method, Tool),
    context: Context,
    correlation: CorrelationId,
    facts: Facts,
    seat: Option<Seat>,
}

impl Seam {
    /// Begins where the message comes in.
    pub(crate) fn arrives(request: &ClientRequest, message: &Message<'_>) -> Self {
        let tool = match request {
            ClientRequest::CallToolRequest(call) => Tool::named(&call.params.name),
            _ => Tool::none(),
        };
        Self::begin((Method::of_word(request.method()).unwrap_or(Method::Other), tool), message)
    }

    /// Goes on with what began where the message came in, or begins where a handler gets it.
    pub(crate) fn reaches(method: Method, tool: Tool, request: &RequestContext<RoleServer>) -> Self {
        let arrived = request.extensions.get::<Arrived>().and_then(Arrived::take);
        let mut seam = arrived.unwrap_or_else(|| Self::begin((method, tool), &Message::in_hand(request)));
        seam.labels = (method, tool);
        request.peer.peer_info().iter().for_each(|agreed| seam.meet(agreed));
        seam
    }

    /// Says what was agreed upon in the handshake.
    pub(crate) fn meet(&mut self, agreed: &InitializeRequestParams) {
        self.facts.meet(agreed);
    }

    fn begin(labels: (Method, Tool), message: &Message<'_>) -> Self {
        let correlation = message.correlation();
        let context = message.context(&correlation);
        Self { labels, context, correlation, facts: Facts::of(message), seat: message.seat.cloned() }
    }

    /// Of a request of which nothing could be read but that it came.
    pub(crate) fn unread(seat: &Seat) -> Self {
        let (context, correlation) = (seat.http().clone(), seat.correlation().clone());
        Self {
            labels: (Method::Other, Tool::none()),
            context,
            correlation,
            facts: Facts::default(),
            seat: Some(seat.clone()),
        }
    }

    /// Says what the request is about, by an attribute of the conventions.
    pub(crate) fn about(mut self, key: &'static str, value: &str) -> Self {
        self.facts.about(key, value);
        self
    }

    /// Runs the handler's future, until its end or until the client takes the request back.
    pub(crate) async fn run<T: Seen>(
        self,
        taken_back: CancellationToken,
        reply: impl Future<Output = Result<T, ErrorData>> + Send,
    ) -> Result<T, ErrorData> {
        let (context, id) = (self.context.clone(), self.correlation.clone());
        let mut counted = self.counted();
        let reply = pin!(reply); // it may be large, and each future that holds it by value holds it twice
        let told = context.scope(counted.observe(reply));
        let Some(mut reply) = taken_back.run_until_cancelled(told).await else {
            return Err(ErrorData::new(CANCELLED, "the request was cancelled", None));
        };
        if let Some(meta) = reply.0.as_mut().ok().and_then(Seen::meta) {
            meta.0.remove(TIMED_OUT);
            meta.0.insert(correlation::META.to_owned(), id.as_str().into());
        }
        reply.0
    }

    /// Runs what lasts as long as its client likes: counted, and not timed.
    pub(crate) async fn run_untimed(
        self,
        reply: impl Future<Output = Result<(), ErrorData>> + Send,
    ) -> Result<(), ErrorData> {
        let context = self.context.clone();
        let mut counted = self.counted();
        context.scope(counted.attend(pin!(reply))).await.0
    }

    /// Ends with a reply that no handler gave, of which there may be more to note.
    pub(crate) fn answered(self, fault: Option<Fault>, note: impl FnOnce()) {
        self.counted().end(fault, note);
    }

    /// Ends without a reply.
    pub(crate) fn taken_back(self) {
        let _without_an_end = OPERATION.begin(self.labels);
        drop(self.counted());
    }

    fn counted(self) -> Counted {
        Counted::new(self.labels, self.facts, self.context, self.seat)
    }
}

/// Runs a call that no client made.
pub(crate) async fn direct<T: Seen>(
    method: Method,
    tool: Tool,
    reply: impl Future<Output = Result<T, ErrorData>>,
) -> Result<T, ErrorData> {
    let mut reply = Counted::new((method, tool), Facts::default(), Context::current(), None).observe(pin!(reply)).await;
    if let Some(meta) = reply.0.as_mut().ok().and_then(Seen::meta) {
        meta.0.remove(TIMED_OUT);
    }
    reply.0
}
