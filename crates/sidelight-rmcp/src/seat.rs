//! What an HTTP request is part of: a listener begins it and puts its seat into the request's extensions. The MCP request
//! that comes with it joins it, and leaves its own context here for whoever sends the reply: what the transport asks a store
//! before, and the stream that it sends behind, then belong to the same trace. A message that brings a caller's context of
//! its own has its stream in that trace; what the transport asked the store before stays in the HTTP request's.

use http::HeaderMap;
use sidelight::{
    Context, CorrelationId,
    tracing::{Carrier, Incoming},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A place for the context of one HTTP request. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Seat(Arc<Contexts>);

#[derive(Debug)]
struct Contexts {
    http: Context,
    mcp: Mutex<Context>,
}

impl Seat {
    /// Begins a request whose caller's context stands in these headers. One that is `lasting` is open for as long as its
    /// client likes: it is never kept for being slow.
    #[must_use]
    pub fn begin(headers: &HeaderMap, correlation: &CorrelationId, lasting: bool) -> Self {
        let carriers = [carrier(headers), Carrier::default()];
        let http = Context::begin(&Incoming { carriers, correlation_id: Some(correlation), lasting });
        Self(Arc::new(Contexts { mcp: Mutex::new(http.clone()), http }))
    }

    /// The context of the HTTP request: the transport's own work belongs to it.
    #[must_use]
    pub fn http(&self) -> &Context {
        &self.0.http
    }

    /// The context of the MCP request that came with it, once it has begun; until then, that of the HTTP request.
    #[must_use]
    pub fn context(&self) -> Context {
        self.mcp().clone()
    }

    /// The last one stays: where a session is restored, its handshake is played again before the request that asks for it.
    pub(crate) fn take(&self, context: Context) {
        *self.mcp() = context;
    }

    fn mcp(&self) -> MutexGuard<'_, Context> {
        self.0.mcp.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an HTTP request's headers carry.
pub(crate) fn carrier(headers: &HeaderMap) -> Carrier<'_> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    Carrier {
        traceparent: header("traceparent"),
        tracestate: header("tracestate"),
        uber_trace_id: header("uber-trace-id"),
    }
}
