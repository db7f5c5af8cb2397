//! Recorded conversations, replayed byte for byte in every feature set: a program must not answer differently because it
//! is watched. A file has a line for each message: `> ` what the client says, `< ` what it hears.
//!
//! `UPDATE_CONVERSATIONS=1 cargo test --package mcp conversations` records them anew; the difference is for a person to
//! read.

use crate::{
    running::Server,
    stdio::Client,
    wire::{REVISION, request},
};
use serde_json::Value;
use std::{env, fmt::Write as _, fs, path::Path};

/// Says every message of the file again with `say`, and compares what is heard.
fn replay(name: &str, mut say: impl FnMut(&str) -> Option<String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conversations").join(name);
    let recorded = fs::read_to_string(&path).unwrap();
    let mut heard = String::new();
    let said: Vec<&str> = recorded.lines().filter_map(|line| line.strip_prefix("> ")).collect();
    assert!(!said.is_empty(), "{name} says nothing");
    for message in said {
        let _ = writeln!(heard, "> {message}");
        if let Some(reply) = say(message) {
            let _ = writeln!(heard, "< {reply}");
        }
    }
    if env::var_os("UPDATE_CONVERSATIONS").is_some() {
        return fs::write(&path, heard).unwrap();
    }
    for (at, (heard, recorded)) in heard.lines().zip(recorded.lines()).enumerate() {
        assert_eq!(heard, recorded, "{name}, line {}", at + 1);
    }
    assert_eq!(heard.lines().count(), recorded.lines().count(), "{name}");
}

#[test]
fn a_conversation_over_http_is_the_same_in_every_build() {
    let server = Server::start();
    replay("http.txt", |message| {
        let value: Value = serde_json::from_str(message).unwrap();
        let (method, params) = (value["method"].as_str().unwrap(), &value["params"]);
        let name = params["name"].as_str().or(params["uri"].as_str());
        let name = name.map(|name| format!("mcp-name: {name}\r\n")).unwrap_or_default();
        let headers = format!(
            "content-type: application/json\r\naccept: application/json, text/event-stream\r\n\
             mcp-protocol-version: {REVISION}\r\nmcp-method: {method}\r\n{name}x-correlation-id: recorded\r\n"
        );
        let reply = request(server.mcp, "POST", "/mcp", &headers, message.as_bytes());
        Some(format!("{} {}", reply.status, reply.raw_message()))
    });
}

#[test]
fn a_conversation_over_stdio_is_the_same_in_every_build() {
    let mut client = Client::start();
    replay("stdio.txt", |message| client.say(message));
    let (rest, _) = client.end();
    assert!(rest.is_empty(), "{rest:?}");
}
