//! What an HTTP request is part of: the slot that its listener puts into its extensions. The MCP request that comes with it
//! joins it, and leaves its own context here for whoever sends the reply: what the transport asks a store before, and the
//! stream that it sends behind, then belong to the same trace. A message that brings a caller's context of its own has its
//! stream in that trace; what the transport asked the store before stays in the HTTP request's.

use crate::caller::Caller;
use sidelight::{Context, CorrelationId, metrics, tracing};
use std::{
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A place for the context of one HTTP request. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct RequestSlot(Arc<Place>);

#[derive(Debug)]
struct Place {
    http: Context,
    correlation: CorrelationId,
    caller: Caller,
    left: Left,
    mcp: Mutex<Mcp>,
}

/// The record of a request whose reply is made and not written yet. It ends the request when it is dropped.
pub(crate) trait Unwritten: fmt::Debug + Send {
    /// The reply is written, and had so many bytes.
    fn written(self: Box<Self>, bytes: u64);
}

/// Records what was heard in a slot that nobody took.
pub(crate) type Left = fn(&RequestSlot, &[u8]);

/// What is in an HTTP request.
#[derive(Debug)]
enum Mcp {
    /// What was heard of one that nobody has taken.
    Heard(Vec<u8>),
    /// Somebody has taken it; its context, once it has begun, else that of the HTTP request; and its record, once its reply
    /// is made.
    Taken(Context, Option<Box<dyn Unwritten>>),
}

impl RequestSlot {
    /// An empty slot; `left` records what was heard when its client leaves and nobody has taken it.
    pub(crate) fn new(http: Context, correlation: CorrelationId, caller: Caller, left: Left) -> Self {
        Self(Arc::new(Place { http, correlation, caller, left, mcp: Mutex::new(Mcp::Heard(Vec::new())) }))
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
    pub(crate) fn goes_out(&self, record: Box<dyn Unwritten>) {
        if let Mcp::Taken(_, kept) = &mut *self.mcp() {
            *kept = Some(record);
        }
    }

    /// Says that the reply is written, or its client gone, after so many bytes: here the request ends. If nobody says so, it
    /// ends with the last clone of its slot.
    pub fn written(&self, bytes: u64) {
        let record = match &mut *self.mcp() {
            Mcp::Taken(_, record) => record.take(),
            Mcp::Heard(_) => None,
        };
        if let Some(record) = record {
            record.written(bytes);
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
            let left = self.left;
            left(&RequestSlot::new(http, correlation, mem::take(&mut self.caller), left), &heard);
        }
    }
}
