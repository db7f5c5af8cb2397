//! A transport whose requests are observed where they come in, so that those are seen, too, that `rmcp` answers before any
//! handler: an unsupported revision, a method whose capability is not declared, a `ping` before the handshake.

use crate::{
    attributes::{Agreed, note_code},
    message::Message,
    metrics::Fault,
    seam::{Arrived, Seam},
    size,
    slot::Unwritten,
};
use rmcp::{
    RoleServer,
    model::{
        ClientJsonRpcMessage, ClientNotification, ClientRequest, GetExtensions as _, RequestId, ServerJsonRpcMessage,
        ServerResult,
    },
    transport::Transport,
};
use std::{borrow::Cow, collections::HashMap};
use tokio_util::sync::CancellationToken;

/// Any transport of a server, observed. Its requests go on as they came; a handler that is [`Observed`](crate::Observed)
/// takes them, and those that nobody took are recorded when they are answered. Of requests that have the same id at the same
/// time each is recorded once; which of them an answer is meant for, nobody can know.
#[derive(Debug)]
pub struct ObservedTransport<T> {
    inner: T,
    open: HashMap<RequestId, Arrived>,
    agreed: Option<Agreed>,
    session: Option<CancellationToken>,
}

impl<T: Transport<RoleServer>> ObservedTransport<T> {
    /// Wraps a transport.
    pub fn new(inner: T) -> Self {
        Self { inner, open: HashMap::new(), agreed: None, session: None }
    }

    /// Of a session that ends when this token is cancelled: what is asked in it and not answered yet is `cancelled` then.
    #[must_use]
    pub fn in_session(self, session: CancellationToken) -> Self {
        Self { session: Some(session), ..self }
    }

    fn arrives(&mut self, message: &mut ClientJsonRpcMessage) {
        match message {
            ClientJsonRpcMessage::Request(request) => {
                if let ClientRequest::InitializeRequest(handshake) = &request.request {
                    self.agreed = Some(Agreed::of(&handshake.params));
                }
                let message = Message::of(request);
                if message.take() {
                    let arrived = Arrived::new(Seam::arrives(&request.request, &message), self.session.clone());
                    request.request.extensions_mut().insert(arrived.clone());
                    self.open.insert(request.id.clone(), arrived);
                }
            }
            ClientJsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(taken_back) = &notification.notification
                    && let Some(id) = &taken_back.params.request_id
                {
                    self.open.remove(id); // it is not answered
                }
            }
            _ => {}
        }
    }

    /// What is to be recorded when this message is written, if it answers a request.
    fn answered(&mut self, message: &ServerJsonRpcMessage) -> Option<Box<dyn Unwritten>> {
        if let ServerJsonRpcMessage::Response(reply) = message
            && let (ServerResult::InitializeResult(handshake), Some(agreed)) = (&reply.result, &mut self.agreed)
        {
            agreed.version = handshake.protocol_version.clone();
        }
        let (id, code) = match message {
            ServerJsonRpcMessage::Response(reply) => (Some(&reply.id), None),
            ServerJsonRpcMessage::Error(reply) => (reply.id.as_ref(), Some(reply.error.code)),
            _ => return None,
        };
        let arrived = id.and_then(|id| self.open.remove(id))?;
        if let Some(mut seam) = arrived.take() {
            self.agreed.iter().for_each(|agreed| seam.meet(agreed));
            seam.answered(code.map(Fault::of), size::of(message), || code.into_iter().for_each(note_code));
            return None;
        }
        arrived.going_out()
    }
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for ObservedTransport<T> {
    type Error = T::Error;

    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let going_out = self.answered(&message).map(|record| (record, size::of(&message)));
        let sent = self.inner.send(message);
        async move {
            let sent = sent.await;
            if let Some((record, bytes)) = going_out {
                record.written(bytes);
            }
            sent
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        let mut message = self.inner.receive().await?;
        self.arrives(&mut message);
        Some(message)
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.inner.close().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmcp::model::{ErrorData, ServerResult};
    use serde_json::{Value, from_value, json};
    use sidelight::metrics::sample;
    use std::{collections::VecDeque, convert::Infallible, future::ready};

    /// A client that has said all that it will say.
    struct Said(VecDeque<Value>);

    impl Transport<RoleServer> for Said {
        type Error = Infallible;
        fn send(&mut self, _: ServerJsonRpcMessage) -> impl Future<Output = Result<(), Infallible>> + Send + 'static {
            ready(Ok(()))
        }
        async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
            self.0.pop_front().map(|message| from_value(message).unwrap())
        }
        async fn close(&mut self) -> Result<(), Infallible> {
            Ok(())
        }
    }

    fn request(id: i64, method: &str) -> Value {
        json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": { "uri": "u" } })
    }

    fn said<const N: usize>(messages: [Value; N]) -> ObservedTransport<Said> {
        ObservedTransport::new(Said(messages.into()))
    }

    fn counted(method: &str, outcome: &str) -> Option<f64> {
        let series = format!("mcp_server_requests_total{{mcp_method_name=\"{method}\",outcome=\"{outcome}\"}}");
        sample(&series)
    }

    /// What is record so often, in a build that counts.
    fn times(count: f64) -> Option<f64> {
        sidelight::metrics::COMPILED.then_some(count)
    }

    #[tokio::test]
    async fn a_request_that_nobody_took_is_counted_by_its_answer() {
        let mut transport = said([request(1, "resources/subscribe"), request(2, "resources/subscribe")]);
        while transport.receive().await.is_some() {}
        let refused = ErrorData::new(rmcp::model::ErrorCode::METHOD_NOT_FOUND, "no", None);
        let Ok(()) = transport.send(ServerJsonRpcMessage::error(refused, Some(RequestId::Number(1)))).await;
        let Ok(()) =
            transport.send(ServerJsonRpcMessage::response(ServerResult::empty(()), RequestId::Number(2))).await;
        assert_eq!(["error", "ok"].map(|it| counted("resources/subscribe", it)), [times(1.0); 2]);
        assert!(transport.open.is_empty());
    }

    #[tokio::test]
    async fn one_that_was_taken_is_counted_by_whoever_took_it() {
        let mut transport = said([request(1, "resources/unsubscribe")]);
        let Some(ClientJsonRpcMessage::Request(taken)) = transport.receive().await else { panic!("it is a request") };
        assert!(taken.request.extensions().get::<Arrived>().and_then(Arrived::take).is_some());
        let Ok(()) =
            transport.send(ServerJsonRpcMessage::response(ServerResult::empty(()), RequestId::Number(1))).await;
        assert_eq!(counted("resources/unsubscribe", "ok"), None);
        assert!(transport.open.is_empty());
    }

    #[tokio::test]
    async fn one_that_nobody_answers_is_cancelled_and_not_kept() {
        let taken_back = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } });
        let mut transport =
            said([request(1, "skills/get"), taken_back, request(2, "skills/get"), request(2, "skills/get")]);
        while transport.receive().await.is_some() {}
        assert_eq!(transport.open.len(), 1, "an id has one request");
        assert_eq!(counted("skills/get", "cancelled"), times(2.0));
        drop(transport);
        assert_eq!(counted("skills/get", "cancelled"), times(3.0));
    }
}
