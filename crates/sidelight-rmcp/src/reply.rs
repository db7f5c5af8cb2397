//! What a reply says about itself. The HTTP status says nothing: most failures of MCP are a 200.

use crate::Fault;
use rmcp::{
    ErrorData,
    model::{
        CallToolResponse, CompleteResult, CustomResult, DiscoverResult, ErrorCode, GetPromptResponse, GetSkillResult,
        GetTaskResult, InitializeResult, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
        ListSkillsResult, ListToolsResult, MetaObject, ReadResourceResponse,
    },
};
use sidelight::{Failure, Outcome};

/// A reply that may hold `_meta`, and may itself say that it failed.
pub(crate) trait Seen {
    fn failed(&self) -> bool {
        false
    }
    fn meta(&mut self) -> Option<&mut MetaObject> {
        None
    }
}

impl Seen for CallToolResponse {
    fn failed(&self) -> bool {
        matches!(self, Self::Complete(result) if result.is_error == Some(true))
    }
    fn meta(&mut self) -> Option<&mut MetaObject> {
        match self {
            Self::Complete(result) => Some(result.meta.get_or_insert_default()),
            _ => None,
        }
    }
}

macro_rules! with_meta_when_complete { ($($reply:ty),+) => {$(
    impl Seen for $reply {
        fn meta(&mut self) -> Option<&mut MetaObject> {
            match self {
                Self::Complete(result) => Some(result.meta.get_or_insert_default()),
                _ => None,
            }
        }
    }
)+}}
with_meta_when_complete!(GetPromptResponse, ReadResourceResponse);

macro_rules! with_meta { ($($reply:ty),+) => {$(
    impl Seen for $reply {
        fn meta(&mut self) -> Option<&mut MetaObject> {
            Some(self.meta.get_or_insert_default())
        }
    }
)+}}
with_meta!(
    InitializeResult,
    DiscoverResult,
    CompleteResult,
    ListPromptsResult,
    ListResourceTemplatesResult,
    ListResourcesResult,
    ListToolsResult
);

macro_rules! without_meta { ($($reply:ty),+) => { $(impl Seen for $reply {})+ } }
without_meta!((), CustomResult, GetTaskResult, ListSkillsResult, GetSkillResult);

/// A reply as an outcome: both `Result<_, ErrorData>` and [`Outcome`] are foreign to somebody, so it wears a coat.
pub(crate) struct Reply<T>(pub(crate) Result<T, ErrorData>);

impl<T: Seen> Reply<T> {
    pub(crate) fn fault(&self) -> Option<Fault> {
        match &self.0 {
            Ok(reply) => reply.failed().then_some(Fault::ToolError),
            Err(error) => Some(match error.code {
                ErrorCode::INVALID_PARAMS => Fault::InvalidParams,
                ErrorCode::METHOD_NOT_FOUND => Fault::MethodNotFound,
                ErrorCode::INTERNAL_ERROR => Fault::Internal,
                _ => Fault::Other,
            }),
        }
    }
}

impl<T: Seen> Outcome for Reply<T> {
    type Failure = Fault;
    fn failure(&self) -> Option<usize> {
        self.fault().map(|fault| fault.index())
    }
}
