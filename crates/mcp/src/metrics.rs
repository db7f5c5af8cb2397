//! Everything that can be observed of this program itself. What every MCP server has (requests, their outcome and
//! duration) is declared in `sidelight-rmcp`; what the store and the embedder have, in their crates.

use sidelight::{Counter, Gauge, catalog, labels};

labels! {
    /// Why a session ended.
    pub enum SessionEnd = "reason" {
        /// Its client ended it, or did not use it any more.
        Ended = "ended",
        /// Others needed its place.
        Crowded = "crowded",
    }
    /// Why the server ended a stream.
    pub enum StreamEnd = "reason" {
        /// Others needed its place.
        Crowded = "crowded",
        /// The server ended.
        Ending = "ending",
    }
}

catalog! {
    /// Requests on the public listener that are being answered.
    pub HTTP_ACTIVE: Gauge<()> = "http.server.active_requests";
    /// Connections to the public listener.
    pub CONNECTIONS: Gauge<()> = "mcp.active_connections";
    /// Replies that are streams and still open.
    pub STREAMS: Gauge<()> = "mcp.active_streams";
    /// Streams that the server ended before they were done.
    pub STREAMS_CLOSED: Counter<StreamEnd> = "mcp.streams.closed";
    /// Sessions of revisions up to 2025-11-25.
    pub SESSIONS: Gauge<()> = "mcp.active_sessions";
    /// Sessions that ended.
    pub SESSIONS_CLOSED: Counter<SessionEnd> = "mcp.sessions.closed";
}
