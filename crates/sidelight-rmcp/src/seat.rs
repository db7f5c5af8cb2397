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
        let state = state(headers);
        let carriers = [carrier(headers, &state), Carrier::default()];
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

/// What an HTTP request's headers carry, its `tracestate` being given. A caller is named once or not at all.
pub(crate) fn carrier<'a>(headers: &'a HeaderMap, tracestate: &'a str) -> Carrier<'a> {
    let header = |name| {
        let mut lines = headers.get_all(name).iter();
        lines.next().filter(|_| lines.next().is_none()).and_then(|line| line.to_str().ok())
    };
    Carrier { traceparent: header("traceparent"), tracestate: Some(tracestate), uber_trace_id: header("uber-trace-id") }
}

/// It may stand in several lines, which are read as one (<https://www.w3.org/TR/trace-context/#tracestate-header>).
pub(crate) fn state(headers: &HeaderMap) -> String {
    let lines: Vec<&str> = headers.get_all("tracestate").iter().filter_map(|line| line.to_str().ok()).collect();
    lines.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn several_lines_of_tracestate_are_one() {
        let sent = headers(&[("tracestate", "a=1"), ("traceparent", "x"), ("tracestate", "b=2,c=3")]);
        assert_eq!(state(&sent), "a=1,b=2,c=3");
        assert_eq!(state(&HeaderMap::new()), "");
    }

    #[test]
    fn two_callers_are_none() {
        let caller = |lines: &[_]| carrier(&headers(lines), "").traceparent.map(str::to_owned);
        assert_eq!(caller(&[("traceparent", "x")]).as_deref(), Some("x"));
        assert_eq!(caller(&[("traceparent", "x"), ("traceparent", "y")]), None);
    }
}
