//! Everything that can be observed of an MCP server, in the words of OpenTelemetry's conventions for MCP
//! (<https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md>).

use sidelight::{Counter, Failure, Operation, catalog, labels};

labels! {
    /// The request's method; those that the conventions do not list are named by their own words.
    pub enum Method = "mcp.method.name" {
        /// Is anybody there.
        Ping = "ping",
        /// The handshake of revisions up to 2025-11-25.
        Initialize = "initialize",
        /// What takes its place from 2026-07-28.
        Discover = "server/discover",
        /// Completion of an argument.
        Complete = "completion/complete",
        /// The level of log notifications.
        SetLevel = "logging/setLevel",
        /// One prompt.
        PromptsGet = "prompts/get",
        /// All prompts.
        PromptsList = "prompts/list",
        /// All resources.
        ResourcesList = "resources/list",
        /// All templates of resources.
        TemplatesList = "resources/templates/list",
        /// One resource.
        ResourcesRead = "resources/read",
        /// What lies in a folder of resources.
        DirectoryRead = "resources/directory/read",
        /// News of a resource, please.
        Subscribe = "resources/subscribe",
        /// No more news.
        Unsubscribe = "resources/unsubscribe",
        /// All tools.
        ToolsList = "tools/list",
        /// One call of a tool.
        ToolsCall = "tools/call",
        /// One task.
        TasksGet = "tasks/get",
        /// A change to a task.
        TasksUpdate = "tasks/update",
        /// The end of a task.
        TasksCancel = "tasks/cancel",
        /// All skills.
        SkillsList = "skills/list",
        /// One skill.
        SkillsGet = "skills/get",
        /// News, please, as long as the client listens.
        Listen = "subscriptions/listen",
        /// A method of nobody's specification, or of a request that could not be read.
        Other = "other",
    }
    /// The tool, as it was registered; any other name is `other`.
    pub interned Tool = "gen_ai.tool.name", at most 64;
    /// How a request ended.
    pub enum Ending = "outcome" {
        /// With a result.
        Ok = "ok",
        /// With a protocol error, or with a result that says it is one.
        Error = "error",
        /// The client took it back, or left.
        Cancelled = "cancelled",
        /// It took too long and was given up.
        Timeout = "timeout",
    }
}

catalog! {
    /// One request from an MCP client.
    pub OPERATION: Operation<(Method, Tool), Fault> = "mcp.server.operation";
    /// Requests from MCP clients, by how they ended.
    pub REQUESTS: Counter<(Method, Ending)> = "mcp.server.requests";
}

/// How a request can fail: the JSON-RPC code, or a tool's own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The tool says so in its result.
    ToolError,
    /// The tool says that it took too long: see [`TIMED_OUT`](crate::TIMED_OUT).
    Timeout,
    /// -32602: among others, a tool or a resource that does not exist.
    InvalidParams,
    /// -32601.
    MethodNotFound,
    /// -32603.
    Internal,
    /// Any other code.
    Other,
}

impl Failure for Fault {
    const NAMES: &'static [&'static str] = &["tool_error", "timeout", "-32602", "-32601", "-32603", "_OTHER"];
    fn index(&self) -> usize {
        *self as usize
    }
}
