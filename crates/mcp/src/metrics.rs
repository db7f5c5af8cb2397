//! Everything that can be observed of this program itself. What every MCP server has (requests, their outcome and
//! duration) is declared in `sidelight-rmcp`; what the store and the embedder have, in their crates.

use sidelight::{Counter, Gauge, Histogram, Operation, catalog, labels, metrics::Seconds};

labels! {
    /// The method of a request; `_OTHER` is the conventions' word for any that is none of HTTP's.
    pub enum HttpMethod = "http.request.method" {
        /// A stream, please.
        Get = "GET",
        /// A message.
        Post = "POST",
        /// The end of a session.
        Delete = "DELETE",
        /// What is allowed.
        Options = "OPTIONS",
        /// A head without a body.
        Head = "HEAD",
        /// Not answered here.
        Put = "PUT",
        /// Not answered here.
        Patch = "PATCH",
        /// Any other word.
        Other = "_OTHER",
    }
    /// The route that took the request; left out where none did.
    pub enum HttpRoute = "http.route" {
        /// The endpoint.
        Mcp = "/mcp",
        /// None.
        Unknown = "",
    }
    /// The status of a reply, as far as this listener gives it.
    pub enum HttpStatus = "http.response.status_code" {
        /// OK.
        S200 = "200",
        /// Accepted: a notification.
        S202 = "202",
        /// No content.
        S204 = "204",
        /// Bad request.
        S400 = "400",
        /// Unauthorized.
        S401 = "401",
        /// Forbidden: Host or Origin.
        S403 = "403",
        /// Not found: no such route, or no such session.
        S404 = "404",
        /// Method not allowed.
        S405 = "405",
        /// Not acceptable.
        S406 = "406",
        /// The body came too slowly.
        S408 = "408",
        /// Conflict.
        S409 = "409",
        /// Gone: a stream that is taken up again too late, or elsewhere.
        S410 = "410",
        /// Too large a body.
        S413 = "413",
        /// Not JSON.
        S415 = "415",
        /// Unprocessable.
        S422 = "422",
        /// Too many.
        S429 = "429",
        /// Our own failure.
        S500 = "500",
        /// Not in this server.
        S501 = "501",
        /// Not now.
        S503 = "503",
        /// Any other.
        Other = "other",
        /// None: the client left before, or the server broke. Left out.
        None = "",
    }
    /// Why the server closed a connection.
    pub enum ConnectionEnd = "reason" {
        /// There was no room, and it was idle or slow.
        Crowded = "crowded",
        /// Nothing came for too long.
        Idle = "idle",
        /// A head was not whole in time.
        SlowHead = "slow_head",
        /// Its client did not read.
        Stalled = "stalled",
    }
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
        /// Its client did not read, and what it was to get took more room than there is.
        Unread = "unread",
    }
}

catalog! {
    /// One request to the public listener, up to the head of its reply: a stream may last as long as it likes.
    pub HTTP_DURATION: Histogram<(HttpMethod, HttpRoute, HttpStatus), Seconds> = "http.server.request.duration";
    /// Requests on the public listener that are being answered.
    pub HTTP_ACTIVE: Gauge<()> = "http.server.active_requests";
    /// Connections to the public listener.
    pub CONNECTIONS: Gauge<()> = "mcp.active_connections";
    /// Connections that the server closed though nothing was wrong with their requests.
    pub CONNECTIONS_CLOSED: Counter<ConnectionEnd> = "mcp.connections.closed";
    /// Replies that are streams and still open.
    pub STREAMS: Gauge<()> = "mcp.active_streams";
    /// One reply that is a stream, from its head to its end.
    pub STREAM: Operation<()> = "mcp.stream";
    /// Streams that the server ended before they were done.
    pub STREAMS_CLOSED: Counter<StreamEnd> = "mcp.streams.closed";
    /// Bytes of replies that their clients have not taken yet.
    pub UNREAD: Gauge<()> = "mcp.replies.unread_bytes";
    /// Sessions of revisions up to 2025-11-25.
    pub SESSIONS: Gauge<()> = "mcp.active_sessions";
    /// One session, from its first message to its end.
    pub SESSION: Operation<()> = "mcp.server.session";
    /// Sessions that ended.
    pub SESSIONS_CLOSED: Counter<SessionEnd> = "mcp.sessions.closed";
}
