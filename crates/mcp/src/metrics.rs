//! Everything that can be observed of this program itself. What every MCP server has (requests, their outcome and
//! duration) is declared in `sidelight-rmcp`; what the store and the embedder have, in their crates.

use sidelight::{Gauge, catalog};

catalog! {
    /// Requests on the public listener that are being answered.
    pub HTTP_ACTIVE: Gauge<()> = "http.server.active_requests";
}
