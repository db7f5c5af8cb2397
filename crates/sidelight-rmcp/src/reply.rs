//! What a reply says about itself. The HTTP status says nothing: most failures of MCP are a 200.

use crate::metrics::Fault;
use rmcp::{
    ErrorData,
    model::{
        CallToolResponse, CallToolResult, CompleteResult, CustomResult, DiscoverResult, ErrorCode, GetPromptResponse,
        GetSkillResult, GetTaskResult, InitializeResult, ListPromptsResult, ListResourceTemplatesResult,
        ListResourcesResult, ListSkillsResult, ListToolsResult, MetaObject, ReadResourceResponse,
    },
};
use sidelight::{Failure, Outcome};

/// A reply that may hold `_meta`, and may itself say that it failed.
pub(crate) trait Seen {
    fn failed(&self) -> Option<Fault> {
        None
    }
    fn meta(&mut self) -> Option<&mut MetaObject> {
        None
    }
}

impl Seen for CallToolResponse {
    fn failed(&self) -> Option<Fault> {
        match self {
            Self::Complete(result) => result.failed(),
            _ => None,
        }
    }
    fn meta(&mut self) -> Option<&mut MetaObject> {
        match self {
            Self::Complete(result) => result.meta(),
            _ => None,
        }
    }
}

impl Seen for CallToolResult {
    fn failed(&self) -> Option<Fault> {
        let timed_out = self.meta.as_ref().is_some_and(|meta| meta.0.contains_key(TIMED_OUT));
        (self.is_error == Some(true)).then_some(if timed_out { Fault::Timeout } else { Fault::ToolError })
    }
    fn meta(&mut self) -> Option<&mut MetaObject> {
        Some(self.meta.get_or_insert_default())
    }
}

/// A tool that gave up because it took too long says so by this key in the `_meta` of its result, which is then record as
/// `timeout`. The key is for the server itself: it is taken out before the client gets the result.
pub const TIMED_OUT: &str = "sidelight/timedOut";

impl Seen for GetPromptResponse {
    fn meta(&mut self) -> Option<&mut MetaObject> {
        match self {
            Self::Complete(result) => Some(result.meta.get_or_insert_default()),
            _ => None,
        }
    }
}

impl Seen for ReadResourceResponse {
    fn meta(&mut self) -> Option<&mut MetaObject> {
        match self {
            Self::Complete(result) => Some(result.meta.get_or_insert_default()),
            _ => None,
        }
    }
}

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
            Ok(reply) => reply.failed(),
            Err(error) => Some(Fault::of(error.code)),
        }
    }
}

impl Fault {
    /// Of a protocol error.
    pub(crate) fn of(code: ErrorCode) -> Self {
        match code {
            ErrorCode::INVALID_PARAMS => Self::InvalidParams,
            ErrorCode::METHOD_NOT_FOUND => Self::MethodNotFound,
            ErrorCode::INTERNAL_ERROR => Self::Internal,
            _ => Self::Other,
        }
    }
}

impl<T: Seen> Outcome for Reply<T> {
    type Failure = Fault;
    fn failure(&self) -> Option<usize> {
        self.fault().map(|fault| fault.index())
    }
}
