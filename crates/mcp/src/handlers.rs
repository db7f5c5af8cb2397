//! MCP's methods. [`McpHandler::handle_tool_call`] is the one way into a tool. Observes nothing: `Observed` wraps it.

use crate::tools::{self, ToolError};
use documents::Library;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, JsonObject,
        ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
};
use std::error::Error;

/// Answers for a library. Cheap to clone: the HTTP transport makes one for each request.
#[derive(Clone, Debug)]
pub struct McpHandler {
    library: Library,
}

impl McpHandler {
    /// Answers for this library.
    #[must_use]
    pub fn new(library: Library) -> Self {
        Self { library }
    }

    /// Calls a tool. Wrong arguments and a store that fails are results that say so, which the model reads.
    ///
    /// # Errors
    /// -32602 for a name that no tool has.
    pub async fn handle_tool_call(&self, name: &str, arguments: JsonObject) -> Result<CallToolResult, ErrorData> {
        let result = match name {
            "list_sources" => tools::list_sources(&self.library, arguments).await,
            "read_document" => tools::read_document(&self.library, arguments).await,
            "search_docs" => tools::search_docs(&self.library, arguments).await,
            _ => {
                let names = tools::NAMES.join(", ");
                return Err(ErrorData::invalid_params(format!("no tool is called {name:?}; there are: {names}"), None));
            }
        };
        Ok(result.unwrap_or_else(|error| failed(name, &error)))
    }
}

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
    CallToolResult::error(vec![ContentBlock::text(error.to_string())])
}

impl ServerHandler for McpHandler {
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        self.handle_tool_call(&request.name, arguments).await.map(CallToolResponse::from)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::all()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::all().into_iter().find(|tool| tool.name == name)
    }

    fn get_info(&self) -> ServerConfig {
        let mut own = Implementation::new("sidelight-mcp", env!("CARGO_PKG_VERSION"));
        own.title = Some("Sidelight document server".to_owned());
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(own)
            .with_instructions(INSTRUCTIONS)
    }
}

const INSTRUCTIONS: &str = "Searches documents. Ask search_docs first; read_document reads on from where a hit stands; \
                            list_sources says what there is.";
