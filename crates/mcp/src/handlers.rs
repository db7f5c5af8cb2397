//! MCP's methods. [`McpHandler::handle_tool_call`] is the one way into a tool. `Observed` wraps it, and sees what
//! clients ask.

use crate::{
    parameters,
    progress::Progress,
    resources,
    toolbox::Declared,
    tools::{self, ToolError},
};
use documents::Library;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult,
        ContentBlock, CustomRequest, CustomResult, Implementation, JsonObject, ListResourceTemplatesResult,
        ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
        ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
};
use sidelight_rmcp::TIMED_OUT;
use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Semaphore, time::timeout};

/// Answers for a library. Cheap to clone: the HTTP transport makes one for each request.
#[derive(Clone, Debug)]
pub struct McpHandler {
    library: Library,
    declared: Arc<[Declared]>,
    tools: Arc<[Tool]>,
    turns: Arc<Turns>,
    time: Duration,
}

/// Calls at a time, each kind of work by itself: a model that is slow, or a client that reads whole documents, holds up nobody
/// else. A further one waits for its turn, in the order they came.
#[derive(Debug)]
struct Turns {
    /// What may ask a model.
    searching: Semaphore,
    /// What only asks the store.
    reading: Semaphore,
    /// What is as large as a document.
    whole: Semaphore,
}

/// Searches at a time, and readings.
const CALLS_MAX: usize = 64;
/// Whole documents at a time.
const WHOLE_MAX: usize = 4;
/// How long a call may take, unless it is set: half a minute.
pub(crate) const CALL: Duration = Duration::from_secs(30);
/// How long a client may keep the list of tools, which only a restart changes: an hour.
const TOOLS_FRESH_MS: u64 = 3_600_000;

impl McpHandler {
    /// Answers for this library, with no tools but its own.
    #[must_use]
    pub fn new(library: Library) -> Self {
        Self::with(library, Vec::new(), CALL)
    }

    /// And with declared tools, and another time for a call.
    pub(crate) fn with(library: Library, declared: Vec<Declared>, time: Duration) -> Self {
        let tools = tools::all(&declared).into();
        let turns = Turns {
            searching: Semaphore::new(CALLS_MAX),
            reading: Semaphore::new(CALLS_MAX),
            whole: Semaphore::new(WHOLE_MAX),
        };
        Self { library, declared: declared.into(), tools, turns: Arc::new(turns), time }
    }

    /// Calls a tool. Wrong arguments, a store that fails and a call that takes too long are results that say so, which the
    /// model reads. Counted once, whoever calls: a client's call by `Observed`, any other one here.
    ///
    /// # Errors
    /// -32602 for a name that no tool has.
    pub async fn handle_tool_call(
        &self,
        name: &str,
        arguments: JsonObject,
        progress: &Progress,
    ) -> Result<CallToolResult, ErrorData> {
        let call = self.call_in_time(name, arguments, progress);
        if progress.is_observed() { call.await } else { sidelight_rmcp::direct_call(name, call).await }
    }

    async fn call_in_time(
        &self,
        name: &str,
        arguments: JsonObject,
        progress: &Progress,
    ) -> Result<CallToolResult, ErrorData> {
        if self.get_tool(name).is_none() {
            let names: Vec<&str> = self.tools.iter().map(|tool| tool.name.as_ref()).collect();
            let names = names.join(", ");
            return Err(ErrorData::invalid_params(
                format!("no tool is called {:?}; there are: {names}", shown(name)),
                None,
            ));
        }
        let turns = match name {
            "list_sources" | "read_document" => &self.turns.reading,
            _ => &self.turns.searching,
        };
        match self.in_turn(turns, self.call(name, arguments, progress)).await {
            Ok(result) => Ok(result.unwrap_or_else(|error| failed(name, &error))),
            Err(late) => Ok(late.result()),
        }
    }

    /// Waits for its turn, and does it: all within the time that a call may take.
    async fn in_turn<T>(&self, turns: &Semaphore, work: impl Future<Output = T>) -> Result<T, Late> {
        let has_begun = AtomicBool::new(false);
        let in_turn = async {
            let _turn = turns.acquire().await;
            has_begun.store(true, Ordering::Relaxed);
            work.await
        };
        let in_time = timeout(self.time, in_turn).await;
        in_time.map_err(|_| {
            let waited = !has_begun.load(Ordering::Relaxed) || self.library.queries().are_waited_for();
            if waited { Late::Busy } else { Late::TookTooLong }
        })
    }

    async fn call(&self, name: &str, arguments: JsonObject, progress: &Progress) -> Result<CallToolResult, ToolError> {
        if let Some(declared) = self.declared.iter().find(|declared| declared.name == name) {
            return tools::query(declared, &self.library, arguments, progress).await;
        }
        match name {
            "list_sources" => tools::list_sources(&self.library, arguments).await,
            "read_document" => tools::read_document(&self.library, arguments).await,
            _ => tools::search_docs(&self.library, arguments, progress).await,
        }
    }
}

/// As much of a client's own word as is worth repeating.
fn shown(word: &str) -> &str {
    &word[..word.floor_char_boundary(SHOWN_BYTES_MAX)]
}

/// A name is at most 128 characters long, by the specification.
const SHOWN_BYTES_MAX: usize = 128;

/// The client reads the sentence; the log has the cause as well.
fn failed(name: &str, error: &ToolError) -> CallToolResult {
    if !matches!(error, ToolError::Arguments(_)) {
        let mut cause = error.source();
        while let Some(deeper) = cause.and_then(Error::source) {
            cause = Some(deeper);
        }
        let cause = cause.map(ToString::to_string).unwrap_or_default();
        sidelight::warn!("a tool failed", tool = name, error = error.to_string(), cause = cause);
    }
    refused(&error.to_string())
}

/// Why there is no answer in time.
#[derive(Clone, Copy, Debug)]
enum Late {
    /// Others were before it.
    Busy,
    TookTooLong,
}

impl Late {
    fn says(self) -> &'static str {
        match self {
            Self::Busy => "the server is busy; try again",
            Self::TookTooLong => "the call took too long and was given up; ask for less, or try again",
        }
    }

    fn result(self) -> CallToolResult {
        let mut result = refused(self.says());
        result.meta.get_or_insert_default().0.insert(TIMED_OUT.to_owned(), true.into());
        result
    }

    fn error(self) -> ErrorData {
        ErrorData::internal_error(self.says(), None)
    }
}

fn refused(why: &str) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(why)])
}

impl ServerHandler for McpHandler {
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let result = self.handle_tool_call(&request.name, arguments, &Progress::of(&context)).await;
        result.map(CallToolResponse::from)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut page = ListToolsResult::with_all_items(self.tools.to_vec());
        page.ttl_ms = Some(TOOLS_FRESH_MS);
        page.cache_scope = Some(CacheScope::Public);
        Ok(page)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let cursor = request.and_then(|request| request.cursor);
        let listed = self.in_turn(&self.turns.reading, resources::list(&self.library, cursor.as_deref()));
        listed.await.unwrap_or_else(|late| Err(late.error()))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(resources::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let read = self.in_turn(&self.turns.whole, resources::read(&self.library, &request.uri));
        read.await.unwrap_or_else(|late| Err(late.error())).map(ReadResourceResponse::from)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let completed = self.in_turn(&self.turns.reading, resources::complete(&self.library, &request));
        completed.await.unwrap_or_else(|late| Err(late.error()))
    }

    /// A method that is not known, or one that is, with parameters that are not its own.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        Err(parameters::told(&request))
    }

    fn get_info(&self) -> ServerConfig {
        let mut own = Implementation::new("sidelight-mcp", env!("CARGO_PKG_VERSION"));
        own.title = Some("Sidelight document server".to_owned());
        let can = ServerCapabilities::builder().enable_completions().enable_resources().enable_tools().build();
        ServerConfig::new(can).with_server_info(own).with_instructions(INSTRUCTIONS)
    }
}

const INSTRUCTIONS: &str = "Searches documents. Ask search_docs first; read_document reads on from where a hit stands; \
                            list_sources says what there is.";
