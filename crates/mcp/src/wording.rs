//! Errors in the words of this server. The SDK answers a method that it does not know with nothing but the method's name.

use crate::refusal::{is_word, no_method};
use rmcp::{
    RoleServer,
    model::{ClientJsonRpcMessage, ErrorCode, ServerJsonRpcMessage},
    transport::Transport,
};
use std::borrow::Cow;

/// A transport whose errors are sentences.
pub(crate) struct Worded<T>(pub(crate) T);

impl<T: Transport<RoleServer>> Transport<RoleServer> for Worded<T> {
    type Error = T::Error;

    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn send(
        &mut self,
        mut message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), T::Error>> + Send + 'static {
        if let ServerJsonRpcMessage::Error(reply) = &mut message
            && reply.error.code == ErrorCode::METHOD_NOT_FOUND
            && is_word(&reply.error.message)
        {
            reply.error.message = no_method(&reply.error.message).into();
        }
        self.0.send(message)
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        self.0.receive().await
    }

    async fn close(&mut self) -> Result<(), T::Error> {
        self.0.close().await
    }
}
