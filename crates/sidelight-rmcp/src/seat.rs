//! What an HTTP request is part of: a listener begins it and puts its seat into the request's extensions. The MCP request
//! that comes with it joins it, and leaves its own context here for whoever sends the reply: what the transport asks a store
//! before, and the stream that it sends behind, then belong to the same trace. A message that brings a caller's context of
//! its own has its stream in that trace; what the transport asked the store before stays in the HTTP request's.
//!
//! Where the transport refuses a request that no handler has seen, its listener says so here, and it is recorded as others are.

use crate::{Fault, caller::Caller, facts::note_code, message::Message, seam::Seam};
use http::{HeaderMap, StatusCode};
use rmcp::model::{ClientJsonRpcMessage, JsonRpcError};
use sidelight::{
    Context, CorrelationId,
    tracing::{Carrier, Incoming, note},
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
    /// What was heard of a request that nobody has taken.
    Heard(Vec<u8>),
    /// The context of the one that was taken.
    Taken(Context),
}

impl Seat {
    /// Begins a request whose caller's context stands in these headers. One that is `lasting` is open for as long as its
    /// client likes: it is never kept for being slow.
    #[must_use]
    pub fn begin(headers: &HeaderMap, correlation: CorrelationId, lasting: bool) -> Self {
        let caller = Caller::of(headers);
        let carriers = [caller.carrier(), Carrier::default()];
        let http = Context::begin(&Incoming { carriers, correlation_id: Some(&correlation), lasting });
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
            Mcp::Taken(context) => context.clone(),
        }
    }

    /// Keeps a piece of what the client sends, for the case that nobody takes it: the first 64 KiB of all.
    pub fn hear(&self, piece: &[u8]) {
        if let Mcp::Heard(heard) = &mut *self.mcp() {
            let room = HEARD_BYTES_MAX - heard.len();
            heard.extend_from_slice(&piece[..piece.len().min(room)]);
        }
    }

    /// Records the request that was heard as one that its transport refused, by this status and this reply. Does nothing if
    /// it was taken, or if it was a message that asks for no reply. What cannot be read is a request of the method `other`.
    pub fn refused(&self, status: StatusCode, reply: &[u8]) {
        let heard = match &mut *self.mcp() {
            Mcp::Heard(heard) => mem::take(heard),
            Mcp::Taken(_) => return,
        };
        let seam = match serde_json::from_slice(&heard) {
            Ok(ClientJsonRpcMessage::Request(request)) => {
                let message = Message { seat: Some(self), ..Message::of(&request) };
                Seam::arrives(&request.request, &message)
            }
            Ok(_) => return,
            Err(_) => Seam::unread(self),
        };
        let code = serde_json::from_slice::<JsonRpcError>(reply).ok().map(|reply| reply.error.code);
        seam.answered(Some(code.map_or(Fault::Other, Fault::of)), || {
            note("http.response.status_code", u32::from(status.as_u16()));
            if let Some(code) = code {
                note_code(code);
            }
        });
    }

    /// The last one stays: where a session is restored, its handshake is played again before the request that asks for it.
    pub(crate) fn take(&self, context: Context) {
        *self.mcp() = Mcp::Taken(context);
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

/// More than a request that is refused needs; one that is longer cannot be read.
const HEARD_BYTES_MAX: usize = 64 * 1024;
