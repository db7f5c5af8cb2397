//! HTTP and MCP by hand: JSON in, JSON out, of revision 2026-07-28.

use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

pub(crate) const REVISION: &str = "2026-07-28";

/// A reply over HTTP.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The JSON-RPC message, plain or as the last one of an event stream, as it was sent.
    pub(crate) fn raw_message(&self) -> String {
        let text = self.text();
        let last = text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim).rfind(|it| !it.is_empty());
        last.map_or_else(|| text.trim().to_owned(), str::to_owned)
    }

    pub(crate) fn message(&self) -> Value {
        serde_json::from_str(&self.raw_message()).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// The connection of a request that is on its way.
pub(crate) fn send(address: SocketAddr, request: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let _ = stream.write_all(request); // a server that refuses early need not read it all
    stream
}

/// One request on a connection of its own, as it stands.
pub(crate) fn raw(address: SocketAddr, request: &[u8]) -> Reply {
    let mut stream = send(address, request);
    let mut bytes = Vec::new();
    let mut part = [0; 16 * 1024];
    while let Ok(count @ 1..) = stream.read(&mut part) {
        bytes.extend_from_slice(&part[..count]);
    }
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase().replace('\r', "");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = if head.contains("transfer-encoding: chunked") {
        dechunked(&bytes[end + 4..])
    } else {
        bytes[end + 4..].to_vec()
    };
    Reply { status, head, body }
}

fn dechunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(line) = bytes.windows(2).position(|window| window == b"\r\n") {
        let length = std::str::from_utf8(&bytes[..line]).ok().and_then(|it| usize::from_str_radix(it.trim(), 16).ok());
        let Some(length @ 1..) = length else { break };
        let start = line + 2;
        let end = (start + length).min(bytes.len());
        body.extend_from_slice(&bytes[start..end]);
        bytes = bytes.get(end + 2..).unwrap_or_default();
    }
    body
}

/// A request with these headers, each with its line end; `host` is added.
pub(crate) fn request(address: SocketAddr, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
    raw(address, &written(address, method, path, headers, body))
}

/// A request as it stands on the wire.
pub(crate) fn written(address: SocketAddr, method: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Reply {
    request(address, "GET", path, "", b"")
}

/// Headers and body of an MCP request.
pub(crate) fn modern(method: &str, params: Value) -> (String, String) {
    modern_of(REVISION, method, params)
}

pub(crate) fn modern_of(revision: &str, method: &str, mut params: Value) -> (String, String) {
    let own = json!({
        "io.modelcontextprotocol/protocolVersion": revision,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "0" },
    });
    let meta = params.as_object_mut().unwrap().entry("_meta").or_insert_with(|| json!({}));
    meta.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    let name = params["name"].as_str().map(|name| format!("mcp-name: {name}\r\n")).unwrap_or_default();
    let headers = format!(
        "content-type: application/json\r\naccept: application/json, text/event-stream\r\n\
         mcp-protocol-version: {revision}\r\nmcp-method: {method}\r\n{name}"
    );
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    (headers, body.to_string())
}

/// Asks a method of MCP.
pub(crate) fn ask(mcp: SocketAddr, method: &str, params: Value, more_headers: &str) -> Reply {
    let (headers, body) = modern(method, params);
    request(mcp, "POST", "/mcp", &format!("{headers}{more_headers}"), body.as_bytes())
}

/// Calls a tool.
pub(crate) fn call(mcp: SocketAddr, name: &str, arguments: &Value) -> Reply {
    ask(mcp, "tools/call", json!({ "name": name, "arguments": arguments }), "")
}

/// Serves one connection of a test's own server: a reply, head and body, for each request that has a body (its head is given
/// too), until there is
/// none or the client leaves.
pub(crate) fn serve(stream: &TcpStream, mut reply: impl FnMut(&str, Vec<u8>) -> Option<String>) {
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    loop {
        let (mut line, mut head, mut length) = (String::new(), String::new(), 0);
        while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            head.push_str(&line);
            line.clear();
        }
        let mut body = vec![0; length];
        if length == 0 || reader.read_exact(&mut body).is_err() {
            return;
        }
        let Some(reply) = reply(&head, body) else { return };
        if writer.write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}
