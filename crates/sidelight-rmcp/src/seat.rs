//! What an HTTP request is part of: a listener begins it and puts its seat into the request's extensions. The MCP request
//! that comes with it joins it, and leaves its own context here for whoever sends the reply: what the transport asks a store
//! before, and the stream that it sends behind, then belong to the same trace.

use http::HeaderMap;
use sidelight::{
    Context, CorrelationId,
    tracing::{Carrier, Incoming},
};
use std::sync::{Arc, OnceLock};

/// A place for the context of one HTTP request. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Seat(Arc<Taken>);

#[derive(Debug)]
struct Taken {
    http: Context,
    mcp: OnceLock<Context>,
}

impl Seat {
    /// Begins a request whose caller's context stands in these headers. One that is `lasting` is open for as long as its
    /// client likes: it is never kept for being slow.
    #[must_use]
    pub fn begin(headers: &HeaderMap, correlation: &CorrelationId, lasting: bool) -> Self {
        let carriers = [carrier(headers), Carrier::default()];
        let http = Context::begin(&Incoming { carriers, correlation_id: Some(correlation), lasting });
        Self(Arc::new(Taken { http, mcp: OnceLock::new() }))
    }

    /// The context of the HTTP request: the transport's own work belongs to it.
    #[must_use]
    pub fn http(&self) -> &Context {
        &self.0.http
    }

    /// The context of the MCP request that came with it, once it has begun; until then, that of the HTTP request.
    #[must_use]
    pub fn context(&self) -> &Context {
        self.0.mcp.get().unwrap_or(&self.0.http)
    }

    pub(crate) fn take(&self, context: &Context) {
        let _ = self.0.mcp.set(context.clone()); // a batch has one reply: its first request's
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
