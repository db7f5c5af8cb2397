//! A request as it came: what it says of itself, and what its transport says of it.

use crate::{caller::Caller, slot::RequestSlot};
use http::request::Parts;
use rmcp::{
    RoleServer,
    model::{
        ClientRequest, Extensions, GetExtensions as _, GetMeta as _, JsonRpcRequest, RequestId, RequestMetaObject,
    },
    service::RequestContext,
    transport::streamable_http_server::SessionRestoreMarker,
};
use sidelight::{
    Context, CorrelationId, correlation,
    tracing::{Carrier, Incoming},
};

/// What is known of a request before anybody answers it.
pub(crate) struct Message<'a> {
    pub(crate) id: &'a RequestId,
    pub(crate) meta: &'a RequestMetaObject,
    pub(crate) parts: Option<&'a Parts>,
    pub(crate) slot: Option<&'a RequestSlot>,
    /// Where a session is restored, its transport plays its handshake again: no client asks for it.
    is_played_again: bool,
}

impl<'a> Message<'a> {
    /// As its transport has read it.
    pub(crate) fn of(message: &'a JsonRpcRequest<ClientRequest>) -> Self {
        Self::with(&message.id, message.request.get_meta(), message.request.extensions())
    }

    /// As a handler gets it.
    pub(crate) fn in_hand(request: &'a RequestContext<RoleServer>) -> Self {
        Self::with(&request.id, &request.meta, &request.extensions)
    }

    fn with(id: &'a RequestId, meta: &'a RequestMetaObject, extensions: &'a Extensions) -> Self {
        let parts = extensions.get::<Parts>();
        let slot = parts.and_then(|parts| parts.extensions.get());
        Self { id, meta, parts, slot, is_played_again: extensions.get::<SessionRestoreMarker>().is_some() }
    }

    /// As it came to this slot.
    pub(crate) fn at(self, slot: &'a RequestSlot) -> Self {
        Self { slot: Some(slot), ..self }
    }

    /// Takes it, for whoever will record it. Says no if somebody else has, or if there is nothing to record.
    pub(crate) fn take(&self) -> bool {
        !self.is_played_again && self.slot.is_none_or(|slot| slot.take().is_some())
    }

    pub(crate) fn is_http(&self) -> bool {
        self.parts.is_some() || self.slot.is_some()
    }

    /// Over HTTP the edge has made or validated the id, and its reply's header holds it already; over stdio only the message
    /// can carry one.
    pub(crate) fn correlation(&self) -> CorrelationId {
        let header = || self.parts?.headers.get(correlation::HEADER)?.to_str().ok();
        let meta = || self.meta.get(correlation::META).and_then(serde_json::Value::as_str);
        let sent = || header().or_else(meta).and_then(CorrelationId::accept);
        self.slot.map(|slot| slot.correlation().clone()).or_else(sent).unwrap_or_else(CorrelationId::generate)
    }

    /// The conventions' order: what the message itself carries goes before what its transport does. Where it carries no
    /// caller's context, it joins the HTTP request.
    pub(crate) fn context(&self, correlation: &CorrelationId) -> Context {
        let (traceparent, tracestate) = (self.meta.get_traceparent(), self.meta.get_tracestate());
        let message = Carrier { traceparent, tracestate, uber_trace_id: None };
        let begin = |transport| {
            let carriers = [message, transport];
            Context::begin(&Incoming { carriers, correlation_id: Some(correlation), lasting: false })
        };
        match (self.slot, self.parts) {
            (Some(slot), _) if !message.has_context() => slot.http().clone(),
            (Some(slot), _) => begin(slot.caller().carrier()),
            (None, Some(parts)) => begin(Caller::of(&parts.headers).carrier()),
            (None, None) => begin(Carrier::default()),
        }
    }
}
