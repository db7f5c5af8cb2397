//! What an HTTP request is part of: a listener begins it and puts its seat into the request's extensions. The MCP request
//! that comes with it joins it, and leaves its own context here for whoever sends the reply: what the transport asks a store
//! before, and the stream that it sends behind, then belong to the same trace. A message that brings a caller's context of
//! its own has its stream in that trace; what the transport asked the store before stays in the HTTP request's.
//!
//! Where the transport refuses a request that no handler has seen, its listener says so here, and it is recorded as others are;
//! so is one whose client leaves before.

use crate::{Fault, caller::Caller, counted::Counted, facts::note_code, message::Message, seam::Seam};
use http::{HeaderMap, StatusCode};
use rmcp::model::{ClientJsonRpcMessage, JsonRpcError};
use sidelight::{
    Context, CorrelationId, metrics,
    tracing::{self, Carrier, Incoming, note},
};
use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A place for the context of one HTTP request. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Seat(Arc<Place>);

#[derive(Debug)]
struct Place {
    http: Context,
    correlation: CorrelationId,
    caller: Caller,
    mcp: Mutex<Mcp>,
}

/// What is in an HTTP request.
#[derive(Debug)]
enum Mcp {
    /// What was heard of one that nobody has taken.
    Heard(Vec<u8>),
    /// Somebody has taken it; its context, once it has begun, else that of the HTTP request; and its record, once its reply
    /// is made.
    Taken(Context, Option<Box<Counted>>),
}

impl Seat {
    /// Begins a request whose caller's context stands in these headers. One that is `lasting` is open for as long as its
    /// client likes: it is never kept for being slow.
    #[must_use]
    pub fn begin(headers: &HeaderMap, correlation: CorrelationId, lasting: bool) -> Self {
        let caller = Caller::of(headers);
        let carriers = [caller.carrier(), Carrier::default()];
        let http = Context::begin(&Incoming { carriers, correlation_id: Some(&correlation), lasting });
        Self::new(http, correlation, caller)
    }

    fn new(http: Context, correlation: CorrelationId, caller: Caller) -> Self {
        Self(Arc::new(Place { http, correlation, caller, mcp: Mutex::new(Mcp::Heard(Vec::new())) }))
    }

    /// The context of the HTTP request: the transport's own work belongs to it.
    #[must_use]
    pub fn http(&self) -> &Context {
        &self.0.http
    }

    /// The context of the MCP request that came with it, once it has begun; until then, that of the HTTP request.
    #[must_use]
    pub fn context(&self) -> Context {
        match &*self.mcp() {
            Mcp::Heard(_) => self.0.http.clone(),
            Mcp::Taken(context, _) => context.clone(),
        }
    }

    /// Keeps a piece of what the client sends, for the case that nobody takes it. Whoever reads the body limits how many.
    pub fn hear(&self, piece: &[u8]) {
        if !(metrics::COMPILED || tracing::COMPILED) {
            return;
        }
        if let Mcp::Heard(heard) = &mut *self.mcp() {
            heard.extend_from_slice(piece);
        }
    }

    /// Records the request that was heard as one that its transport refused, by this status and this reply. Does nothing if
    /// it was taken, or if what was heard is a message that asks for no reply. What was not heard, or cannot be read, is a
    /// request of the method `other`.
    pub fn refused(&self, status: StatusCode, reply: &[u8]) {
        let Some(seam) = self.take().and_then(|heard| self.asked(&heard)) else { return };
        let code = serde_json::from_slice::<JsonRpcError>(reply).ok().map(|reply| reply.error.code);
        seam.answered(Some(code.map_or(Fault::Other, Fault::of)), reply.len() as u64, || {
            note("http.response.status_code", u32::from(status.as_u16()));
            code.into_iter().for_each(note_code);
        });
    }

    /// The request that was heard, unless it was a message of another kind.
    fn asked(&self, heard: &[u8]) -> Option<Seam> {
        match serde_json::from_slice(heard) {
            Ok(ClientJsonRpcMessage::Request(request)) => {
                Some(Seam::arrives(&request.request, &Message::of(&request).at(self)))
            }
            Ok(_) => None,
            Err(_) => Some(Seam::unread(self)),
        }
    }

    /// Takes the request, for whoever will record it, and gives what was heard of it; `None` if somebody else has.
    pub(crate) fn take(&self) -> Option<Vec<u8>> {
        let mut mcp = self.mcp();
        match &mut *mcp {
            Mcp::Heard(heard) => {
                let heard = mem::take(heard);
                *mcp = Mcp::Taken(self.0.http.clone(), None);
                Some(heard)
            }
            Mcp::Taken(..) => None,
        }
    }

    /// Says in which context the request that was taken begins.
    pub(crate) fn begins(&self, context: Context) {
        *self.mcp() = Mcp::Taken(context, None);
    }

    /// Keeps the record of the request until its reply is written.
    pub(crate) fn goes_out(&self, counted: Counted) {
        if let Mcp::Taken(_, record) = &mut *self.mcp() {
            *record = Some(Box::new(counted));
        }
    }

    /// Says that the reply is written, or its client gone, after so many bytes: here the request ends. If nobody says so, it
    /// ends with the last clone of its seat.
    pub fn written(&self, bytes: u64) {
        let record = match &mut *self.mcp() {
            Mcp::Taken(_, record) => record.take(),
            Mcp::Heard(_) => None,
        };
        if let Some(counted) = record {
            counted.written(bytes);
        }
    }

    pub(crate) fn correlation(&self) -> &CorrelationId {
        &self.0.correlation
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.0.caller
    }

    fn mcp(&self) -> MutexGuard<'_, Mcp> {
        self.0.mcp.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was heard, and nobody took: its client has left.
impl Drop for Place {
    fn drop(&mut self) {
        let mcp = self.mcp.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Mcp::Heard(heard) = mcp else { return };
        let heard = mem::take(heard);
        if !heard.is_empty() {
            let (http, correlation) = (self.http.clone(), self.correlation.clone());
            let seat = Seat::new(http, correlation, mem::take(&mut self.caller));
            if let Some(seam) = seat.asked(&heard) {
                seam.taken_back();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sidelight::metrics::sample;

    fn seat() -> Seat {
        Seat::begin(&HeaderMap::new(), CorrelationId::generate(), false)
    }

    fn counted(method: &str, outcome: &str) -> Option<f64> {
        sample(&format!("mcp_server_requests_total{{mcp_method_name=\"{method}\",outcome=\"{outcome}\"}}"))
    }

    /// What is counted so often, in a build that counts.
    fn times(count: f64) -> Option<f64> {
        metrics::COMPILED.then_some(count)
    }

    #[test]
    fn what_a_transport_refuses_is_an_error_once() {
        let seat = seat();
        for piece in
            [&b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tasks"[..], b"/cancel\",\"params\":{\"taskId\":\"t\"}}"]
        {
            seat.hear(piece);
        }
        seat.refused(
            StatusCode::NOT_FOUND,
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"no\"}}",
        );
        seat.refused(StatusCode::NOT_FOUND, b"");
        drop(seat);
        assert_eq!(["error", "cancelled"].map(|it| counted("tasks/cancel", it)), [times(1.0), None]);
        let failed = sample(
            "mcp_server_operation_duration_seconds_count{mcp_method_name=\"tasks/cancel\",error_type=\"-32601\"}",
        );
        assert_eq!(failed, times(1.0));
    }

    #[test]
    fn one_whose_client_leaves_is_cancelled_once_however_many_hold_the_seat() {
        let (seat, another) = {
            let seat = seat();
            (seat.clone(), seat)
        };
        seat.hear(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"prompts/list\"}");
        drop(seat);
        assert_eq!(counted("prompts/list", "cancelled"), None);
        drop(another);
        assert_eq!(counted("prompts/list", "cancelled"), times(1.0));
    }

    #[test]
    fn a_message_that_asks_for_nothing_is_no_request() {
        let before = ["cancelled", "error"].map(|it| counted("other", it));
        for refused in [true, false] {
            let seat = seat();
            seat.hear(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
            if refused {
                seat.refused(StatusCode::BAD_REQUEST, b"");
            }
        }
        drop(seat());
        assert_eq!(["cancelled", "error"].map(|it| counted("other", it)), before);
    }

    #[test]
    fn a_request_is_taken_once() {
        let seat = seat();
        seat.hear(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"skills/list\"}");
        assert!(seat.take().is_some_and(|heard| heard.is_empty() != (metrics::COMPILED || tracing::COMPILED)));
        assert!(seat.take().is_none());
        seat.refused(StatusCode::INTERNAL_SERVER_ERROR, b"");
        drop(seat);
        assert_eq!(["error", "cancelled"].map(|it| counted("skills/list", it)), [None, None]);
    }
}
