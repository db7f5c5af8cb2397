//! The one place that every request passes. It begins where the message comes in, if that place is observed
//! (`transport.rs`), else where a handler gets it; it ends with the handler's reply, or with that of whoever answered before
//! any handler.
//!
//! ```text
//!  HTTP, no session   listener --RequestSlot--> rmcp --> [handler: Seam::reaches .. run] --> slot keeps the Record
//!                       ^ refused, left: the slot records what was heard                        | written: it ends
//!  HTTP, session      listener --RequestSlot--> ObservedTransport: Seam::arrives --Arrived--> [handler] --> slot
//!  stdio                                        ObservedTransport: Seam::arrives --Arrived--> [handler] --> Arrived
//!                                                 ^ answered by rmcp itself: taken from Arrived, recorded by its answer
//! ```
//!
//! Whoever takes a request out of its slot, or out of `Arrived`, records it: so each is recorded once.

mod arrived;

use crate::{
    attributes::{Agreed, SpanAttributes},
    message::Message,
    metrics::{Fault, Method, Tool},
    record::Record,
    reply::{Seen, TIMED_OUT},
    slot::RequestSlot,
};
pub(crate) use arrived::Arrived;
use rmcp::{
    ErrorData, RoleServer,
    model::{ClientRequest, ErrorCode},
    service::RequestContext,
};
use sidelight::{Context, CorrelationId, correlation};
use std::{
    future::{pending, poll_fn},
    pin::pin,
    task::{self, Poll, Waker},
};
use tokio_util::sync::CancellationToken;

/// The code of a request that its client took back; outside the range that JSON-RPC and MCP keep for themselves.
const CANCELLED: ErrorCode = ErrorCode(-31_800);

/// What is taken from a request before its handler owns it.
#[derive(Debug)]
pub(crate) struct Seam {
    labels: (Method, Tool),
    context: Context,
    correlation: CorrelationId,
    attributes: SpanAttributes,
    slot: Option<RequestSlot>,
    arrived: Option<Arrived>,
    session: Option<CancellationToken>,
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

    /// Goes on with what began where the message came in, or begins where a handler gets it; `None` if it is recorded
    /// already, or nobody asked.
    pub(crate) fn reaches(method: Method, tool: Tool, request: &RequestContext<RoleServer>) -> Option<Self> {
        let mut seam = if let Some(arrived) = request.extensions.get::<Arrived>() {
            let mut seam = arrived.take()?;
            (seam.arrived, seam.session) = (Some(arrived.clone()), arrived.session());
            seam
        } else {
            let message = Message::in_hand(request);
            message.take().then(|| Self::begin((method, tool), &message))?
        };
        seam.labels = (method, tool);
        request.peer.peer_info().iter().for_each(|peer| seam.attributes.meet_peer(method, peer));
        Some(seam)
    }

    /// Says what was agreed upon in the handshake.
    pub(crate) fn meet(&mut self, agreed: &Agreed) {
        self.attributes.meet(agreed);
    }

    fn begin(labels: (Method, Tool), message: &Message<'_>) -> Self {
        let correlation = message.correlation();
        let context = message.context(&correlation);
        let (attributes, slot) = (SpanAttributes::of(message), message.slot.cloned());
        Self { labels, context, correlation, attributes, slot, arrived: None, session: None }
    }

    /// Of a request of which nothing could be read but that it came.
    pub(crate) fn unread(slot: &RequestSlot) -> Self {
        let (context, correlation) = (slot.http().clone(), slot.correlation().clone());
        Self {
            labels: (Method::Other, Tool::none()),
            context,
            correlation,
            attributes: SpanAttributes::default(),
            slot: Some(slot.clone()),
            arrived: None,
            session: None,
        }
    }

    /// Says what the request is about, by an attribute of the conventions.
    pub(crate) fn about(mut self, key: &'static str, value: &str) -> Self {
        self.attributes.about(key, value);
        self
    }

    /// Ends with a reply that no handler gave, of so many bytes, of which there may be more to note.
    pub(crate) fn answered(self, fault: Option<Fault>, bytes: u64, note: impl FnOnce()) {
        self.record().end(fault, bytes, note);
    }

    /// Ends without a reply: its operation begins, and is dropped.
    pub(crate) fn taken_back(self) {
        let context = self.context.clone();
        let mut record = self.record();
        let dropped = pin!(context.scope(record.observe(pending::<Result<(), ErrorData>>())));
        let _ = dropped.poll(&mut task::Context::from_waker(Waker::noop()));
    }

    fn record(self) -> Record {
        Record::new(self.labels, self.attributes, self.context, self.slot)
    }
}

/// Runs a handler's future, until its end or until the client takes the request back, or ends the session that it is in.
pub(crate) async fn run<T: Seen>(
    seam: Option<Seam>,
    taken_back: CancellationToken,
    reply: impl Future<Output = Result<T, ErrorData>> + Send,
) -> Result<T, ErrorData> {
    // it may be large, and each future that holds it by value holds it twice; held by the operation, so that all that it began
    // ends before the operation does, also where the request is taken back
    let reply = Box::pin(reply);
    let Some(mut seam) = seam else { return reply.await };
    let (context, id, arrived) = (seam.context.clone(), seam.correlation.clone(), seam.arrived.take());
    let session = seam.session.take();
    let mut record = seam.record();
    let told = context.scope(record.observe(reply));
    let session_ends = async {
        match &session {
            Some(session) => session.cancelled().await,
            None => pending().await,
        }
    };
    let Some(mut reply) = until(told, until(taken_back.cancelled(), session_ends)).await else {
        return Err(ErrorData::new(CANCELLED, "the request was cancelled", None));
    };
    if let Some(meta) = reply.0.as_mut().ok().and_then(Seen::meta) {
        meta.0.remove(TIMED_OUT);
        meta.0.insert(correlation::META.to_owned(), id.as_str().into());
    }
    if let (Some(record), Some(arrived)) = (record.goes_out(), arrived) {
        arrived.goes_out(Box::new(record));
    }
    reply.0
}

/// Runs what lasts as long as its client likes: record, and not timed.
pub(crate) async fn run_untimed(
    seam: Option<Seam>,
    reply: impl Future<Output = Result<(), ErrorData>> + Send,
) -> Result<(), ErrorData> {
    let reply = Box::pin(reply);
    let Some(seam) = seam else { return reply.await };
    let context = seam.context.clone();
    let mut record = seam.record();
    context.scope(record.attend(reply)).await.0
}

/// Runs a future until another one is done. It is polled at least once: a request that was taken back before has begun, too.
async fn until<F: Future>(future: F, done: impl Future) -> Option<F::Output> {
    let (mut future, mut done) = (pin!(future), pin!(done));
    let either = |poller: &mut task::Context<'_>| match future.as_mut().poll(poller) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => done.as_mut().poll(poller).map(|_| None),
    };
    poll_fn(either).await
}

/// Runs a call that no client made.
pub(crate) async fn direct<T: Seen>(
    method: Method,
    tool: Tool,
    reply: impl Future<Output = Result<T, ErrorData>>,
) -> Result<T, ErrorData> {
    let mut reply =
        Record::new((method, tool), SpanAttributes::default(), Context::current(), None).observe(pin!(reply)).await;
    if let Some(meta) = reply.0.as_mut().ok().and_then(Seen::meta) {
        meta.0.remove(TIMED_OUT);
    }
    reply.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::ready;

    #[tokio::test]
    async fn what_was_taken_back_before_it_began_has_begun_too() {
        let mut polls = 0;
        let counting = poll_fn(|_| {
            polls += 1;
            Poll::<()>::Pending
        });
        assert_eq!(until(counting, ready(())).await, None);
        assert_eq!(polls, 1);
        assert_eq!(until(ready("an answer"), ready(())).await, Some("an answer"));
    }
}
