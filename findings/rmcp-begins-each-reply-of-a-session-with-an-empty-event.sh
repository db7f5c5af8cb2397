#!/usr/bin/env bash
# rmcp 3.11.0 begins each reply of a session with an event that has an id, empty data and `retry: 3000`, by default and in
# every revision of the protocol.
#
# The specification asks for such an event from 2025-11-25 on; a client that agreed on 2025-06-18 gets it as well, and some
# clients of that time cannot read it. The service's `with_sse_retry` and the session manager's `sse_retry` turn it off.
#
# Seen, for a client that asks for 2025-06-18:
#       data: 
#       id: 0
#       retry: 3000
# Exits 1 when the reply begins otherwise.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
mkdir src

cat > Cargo.toml <<'TOML'
[package]
name = "plain"
version = "0.1.0"
edition = "2024"

[dependencies]
axum = { version = "=0.8.9", default-features = false, features = ["http1", "tokio"] }
rmcp = { version = "=3.11.0", default-features = false, features = ["server", "transport-streamable-http-server"] }
tokio = { version = "1", features = ["macros", "net", "rt-multi-thread"] }
TOML

cat > src/main.rs <<'RUST'
use rmcp::{
    ServerHandler,
    transport::streamable_http_server::{StreamableHttpService, session::local::LocalSessionManager},
};

#[derive(Clone)]
struct Plain;
impl ServerHandler for Plain {}

#[tokio::main]
async fn main() {
    let service = StreamableHttpService::new(|| Ok(Plain), LocalSessionManager::default().into(), Default::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    axum::serve(listener, axum::Router::new().nest_service("/mcp", service)).await.unwrap();
}
RUST

CARGO_TARGET_DIR="$folder/target" cargo build --quiet 2> build.log || { cat build.log; exit 2; }
timeout 60 target/debug/plain > port &
server=$!
while [ ! -s port ]; do sleep 0.1; done

python3 - "$(cat port)" <<'PYTHON'
import json, sys, urllib.request

body = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "plain", "version": "1"}},
}
headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
request = urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}/mcp", json.dumps(body).encode(), headers)
with urllib.request.urlopen(request, timeout=10) as reply:
    event = []
    while line := reply.readline().decode().rstrip("\n"):
        event.append(line)
    agreed = reply.readline().decode() + reply.readline().decode()
print("\n".join(event))
kind = sorted(line.split(":")[0] for line in event)
empty = any(line.rstrip() == "data:" for line in event)
sys.exit(0 if kind == ["data", "id", "retry"] and empty and "2025-06-18" in agreed else 1)
PYTHON
