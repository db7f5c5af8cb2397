//! Requests that no handler sees. Where the transport refuses one, its listener says so here, and it is recorded as others are;
//! so is one whose client leaves before anybody has taken it.

use crate::{attributes::note_code, caller::Caller, message::Message, metrics::Fault, seam::Seam, slot::RequestSlot};
use http::{HeaderMap, StatusCode};
use rmcp::model::{ClientJsonRpcMessage, JsonRpcError};
use sidelight::{
    Context, CorrelationId,
    tracing::{Carrier, Incoming, note},
};

impl RequestSlot {
    /// Begins a request whose caller's context stands in these headers. One that is `lasting` is open for as long as its
    /// client likes: it is never kept for being slow.
    #[must_use]
    pub fn begin(headers: &HeaderMap, correlation: CorrelationId, lasting: bool) -> Self {
        let caller = Caller::of(headers);
        let carriers = [caller.carrier(), Carrier::default()];
        let http = Context::begin(&Incoming { carriers, correlation_id: Some(&correlation), lasting });
        Self::new(http, correlation, caller, left)
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
            Err(_) if is_reply(heard) => None,
            Err(_) => Some(Seam::unread(self)),
        }
    }
}

/// A message that is read no further than that it names no method asks for nothing.
fn is_reply(heard: &[u8]) -> bool {
    let message: Option<serde_json::Map<_, _>> = serde_json::from_slice(heard).ok();
    message.is_some_and(|it| !it.contains_key("method") && (it.contains_key("result") || it.contains_key("error")))
}

/// Its client has left: it ends without a reply.
fn left(slot: &RequestSlot, heard: &[u8]) {
    if let Some(seam) = slot.asked(heard) {
        seam.taken_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sidelight::{
        metrics::{self, sample},
        tracing,
    };

    fn slot() -> RequestSlot {
        RequestSlot::begin(&HeaderMap::new(), CorrelationId::generate(), false)
    }

    fn counted(method: &str, outcome: &str) -> Option<f64> {
        sample(&format!("mcp_server_requests_total{{mcp_method_name=\"{method}\",outcome=\"{outcome}\"}}"))
    }

    /// What is record so often, in a build that counts.
    fn times(count: f64) -> Option<f64> {
        metrics::COMPILED.then_some(count)
    }

    #[test]
    fn what_a_transport_refuses_is_an_error_once() {
        let slot = slot();
        for piece in
            [&b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tasks"[..], b"/cancel\",\"params\":{\"taskId\":\"t\"}}"]
        {
            slot.hear(piece);
        }
        slot.refused(
            StatusCode::NOT_FOUND,
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"no\"}}",
        );
        slot.refused(StatusCode::NOT_FOUND, b"");
        drop(slot);
        assert_eq!(["error", "cancelled"].map(|it| counted("tasks/cancel", it)), [times(1.0), None]);
        let failed = sample(
            "mcp_server_operation_duration_seconds_count{mcp_method_name=\"tasks/cancel\",error_type=\"-32601\"}",
        );
        assert_eq!(failed, times(1.0));
    }

    #[test]
    fn one_whose_client_leaves_is_cancelled_once_however_many_hold_the_slot() {
        let (slot, another) = {
            let slot = slot();
            (slot.clone(), slot)
        };
        slot.hear(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"prompts/list\"}");
        drop(slot);
        assert_eq!(counted("prompts/list", "cancelled"), None);
        drop(another);
        assert_eq!(counted("prompts/list", "cancelled"), times(1.0));
    }

    #[test]
    fn a_message_that_asks_for_nothing_is_no_request() {
        let before = ["cancelled", "error"].map(|it| counted("other", it));
        let note = b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}".as_slice();
        let reply = b"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1.0,\"message\":\"x\"}}".as_slice();
        for (heard, refused) in [(note, true), (note, false), (reply, true), (reply, false)] {
            let slot = slot();
            slot.hear(heard);
            if refused {
                slot.refused(StatusCode::BAD_REQUEST, b"");
            }
        }
        drop(slot());
        assert_eq!(["cancelled", "error"].map(|it| counted("other", it)), before);
    }

    #[test]
    fn a_request_is_taken_once() {
        let slot = slot();
        slot.hear(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"skills/list\"}");
        assert!(slot.take().is_some_and(|heard| heard.is_empty() != (metrics::COMPILED || tracing::COMPILED)));
        assert!(slot.take().is_none());
        slot.refused(StatusCode::INTERNAL_SERVER_ERROR, b"");
        drop(slot);
        assert_eq!(["error", "cancelled"].map(|it| counted("skills/list", it)), [None, None]);
    }
}
