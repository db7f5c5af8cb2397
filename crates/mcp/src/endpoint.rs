//! The one path of the public port that speaks MCP.

/// Where MCP is spoken.
pub(crate) const ENDPOINT: &str = "/mcp";
/// Some clients add a slash to every address.
pub(crate) const ENDPOINT_SLASH: &str = "/mcp/";

pub(crate) fn is_endpoint(path: &str) -> bool {
    path == ENDPOINT || path == ENDPOINT_SLASH
}
