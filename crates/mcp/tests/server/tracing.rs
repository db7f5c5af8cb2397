//! Lines, ids and exported traces. The correlation id is part of every build; lines and traces are there only with the
//! feature, and without it nothing is written and nothing is sent.

mod interleaved;
mod outbound;
mod pages;
mod receivers;
mod spans;
mod unhandled;

use crate::{
    collector::Collector,
    running::{Server, has, refused},
    wire::{ask, call},
};
use serde_json::{Value, json};
use std::{net::TcpListener, time::Duration};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
const TRACE: [u8; 16] =
    [0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c];

/// A server that sends its traces of this rate, and where it sends them to.
fn traced(rate: &str, more: &[(&str, &str)]) -> (Collector, Server) {
    let collector = Collector::start();
    let own = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()), ("OTEL_TRACE_SAMPLE_RATE", rate)];
    let server = Server::with(&[own.as_slice(), more].concat());
    (collector, server)
}

fn search(server: &Server, headers: &str) -> crate::wire::Reply {
    let params = json!({ "name": "search_docs", "arguments": { "query": "borrow" } });
    ask(server.mcp, "tools/call", params, headers)
}

/// A search with this correlation id, and the line that it left; `None` in a build that writes none.
fn line_of(server: &Server, id: &str, headers: &str) -> Option<Value> {
    assert_eq!(search(server, &format!("x-correlation-id: {id}\r\n{headers}")).status, 200);
    if has("tracing") {
        return Some(serde_json::from_str(&server.line(&format!("\"correlation_id\":\"{id}\""))).unwrap());
    }
    assert_eq!(server.lines(), "", "a build without lines writes none");
    None
}

#[test]
fn a_request_leaves_one_line_of_json_with_every_key_of_the_contract() {
    let server = Server::with(&[("ENVIRONMENT", "test"), ("OTEL_SERVICE_NAME", "docs")]);
    let Some(line) = line_of(&server, "c-1", "") else { return };
    for key in ["timestamp", "level", "message", "target", "service_name", "version", "environment", "trace_id"] {
        assert!(line[key].is_string(), "{key}: {line}");
    }
    assert_eq!((&line["service_name"], &line["environment"]), (&json!("docs"), &json!("test")));
    assert_eq!((&line["method"], &line["tool"]), (&json!("tools/call"), &json!("search_docs")));
    assert_eq!((&line["outcome"], &line["client"]), (&json!("ok"), &json!("test/0")));
    assert!(line["span_id"].is_string() && line["bytes"].as_u64() > Some(100), "{line}");
    assert!(line["duration_seconds"].as_f64().is_some_and(|took| (0.0..60.0).contains(&took)), "{line}");
}

#[test]
fn every_line_is_an_object_of_its_own() {
    let server = Server::start();
    for at in 0..3 {
        line_of(&server, &format!("c-{at}"), "");
    }
    for line in server.lines().lines() {
        assert!(serde_json::from_str::<Value>(line).unwrap().is_object(), "{line}");
    }
}

#[test]
fn the_correlation_id_comes_back_in_the_header_and_in_the_result() {
    let server = Server::start();
    let reply = search(&server, "x-correlation-id: Order-7.b_2\r\n");
    assert_eq!(reply.header("x-correlation-id"), Some("order-7.b_2"), "the head is read in lower case");
    assert_eq!(reply.message()["result"]["_meta"]["sidelight/correlationId"], "Order-7.b_2");
}

#[test]
fn an_id_that_could_forge_a_line_is_replaced() {
    let server = Server::start();
    for id in ["a b", "a\"b", "", &"x".repeat(65), "a\u{e9}"] {
        let reply = search(&server, &format!("x-correlation-id: {id}\r\n"));
        let made = reply.header("x-correlation-id").unwrap();
        assert_eq!((made.len(), made == id), (32, false), "{id:?} became {made:?}");
        assert_eq!(reply.message()["result"]["_meta"]["sidelight/correlationId"], made);
    }
}

#[test]
fn a_caller_s_trace_is_the_trace_of_the_line() {
    let server = Server::start();
    let Some(line) = line_of(&server, "c-9", &format!("traceparent: {PARENT}-00\r\n")) else { return };
    assert_eq!(line["trace_id"], "0af7651916cd43dd8448eb211c80319c");
}

#[test]
fn the_message_s_own_parent_goes_before_the_header_s() {
    let server = Server::start();
    let params = json!({
        "name": "list_sources", "arguments": {},
        "_meta": { "traceparent": "00-11111111111111111111111111111111-2222222222222222-00" },
    });
    let headers = format!("x-correlation-id: c-10\r\ntraceparent: {PARENT}-00\r\n");
    assert_eq!(ask(server.mcp, "tools/call", params, &headers).status, 200);
    if has("tracing") {
        let line: Value = serde_json::from_str(&server.line("c-10")).unwrap();
        assert_eq!(line["trace_id"], "1".repeat(32));
    }
}

#[test]
fn a_sampled_request_is_exported_with_its_queries_and_its_ids() {
    let collector = Collector::start();
    let server = Server::with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url), ("OTEL_TRACE_SAMPLE_RATE", "1")]);
    assert_eq!(search(&server, &format!("x-correlation-id: c-11\r\ntraceparent: {PARENT}-01\r\n")).status, 200);
    if !has("tracing") {
        assert!(server.end().0.success());
        return assert!(!collector.holds(b""), "a build without traces sends none");
    }
    assert!(collector.gets(&TRACE));
    for name in [&b"tools/call search_docs"[..], b"full_text", b"gen_ai.request.model", b"c-11", b"service.name"] {
        assert!(collector.holds(name), "{}", String::from_utf8_lossy(name));
    }
}

#[test]
fn at_rate_nought_only_what_failed_is_exported() {
    let collector = Collector::start();
    let server = Server::with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url), ("OTEL_TRACE_SAMPLE_RATE", "0")]);
    assert_eq!(search(&server, "x-correlation-id: went-well\r\n").status, 200);
    let params = json!({ "name": "search_docs", "arguments": {} });
    assert_eq!(ask(server.mcp, "tools/call", params, "x-correlation-id: went-wrong\r\n").status, 200);
    if has("tracing") {
        assert!(collector.gets(b"went-wrong") && collector.holds(b"tool_error"));
    }
    assert!(server.end().0.success());
    assert!(!collector.holds(b"went-well"));
}

#[test]
fn a_collector_that_never_answers_holds_up_neither_a_request_nor_the_end() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let server = Server::with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url), ("OTEL_TRACE_SAMPLE_RATE", "1")]);
    for _ in 0..5 {
        assert_eq!(call(server.mcp, "list_sources", &json!({})).status, 200);
    }
    let (status, took) = server.end();
    assert!(status.success() && took < Duration::from_secs(10), "{status} after {took:?}");
}

#[test]
fn the_filter_decides_which_lines_are_written() {
    let server = Server::with(&[("RUST_LOG", "off")]);
    assert_eq!(search(&server, "x-correlation-id: c-12\r\n").status, 200);
    assert!(server.end().0.success());
    let server = Server::with(&[("RUST_LOG", "warn,sidelight_rmcp=info")]);
    assert_eq!(search(&server, "x-correlation-id: c-13\r\n").status, 200);
    if has("tracing") {
        server.line("c-13");
        assert!(!server.lines().contains("\"target\":\"mcp::"), "{}", server.lines());
    }
}

#[test]
fn a_filter_that_is_none_is_refused_where_lines_are_written() {
    let (code, said) = refused(&["stdio"], &[("RUST_LOG", "info,mcp=loud")]);
    let wanted = if has("tracing") { 64 } else { 0 };
    assert_eq!(code, Some(wanted), "{said}");
    assert_eq!(said.contains("RUST_LOG"), has("tracing"), "{said}");
}
