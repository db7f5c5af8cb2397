//! What a span says: the conventions' names, its kind, how it ended.

use super::{PARENT, search, traced};
use crate::{
    models::model,
    otlp::{CLIENT, ERROR, SERVER, Span},
    running::has,
    wire::{ask, call, modern, request, send, written},
};
use serde_json::{Value, json};
use std::{collections::HashSet, io::Read as _};

fn says(span: &Span, attributes: &[(&str, &str)]) {
    for (key, value) in attributes {
        assert_eq!(span.attribute(key), *value, "{key} of {}", span.name);
    }
}

#[test]
fn what_a_call_began_ends_before_it_does_also_when_its_client_gives_it_up() {
    let url = model(usize::MAX);
    let (collector, server) = traced("1", &[("EMBEDDINGS_URL", &url), ("EMBEDDINGS_MODEL", "m")]);
    let (headers, body) = modern("tools/call", json!({ "name": "search_docs", "arguments": { "query": "slumber" } }));
    let asked = written(server.mcp, "POST", "/mcp", &headers, body.as_bytes());
    let leaving = send(server.mcp, &asked);
    std::thread::sleep(std::time::Duration::from_millis(500));
    drop(leaving);
    if !has("tracing") {
        return;
    }
    let call = collector.span(|span| span.attribute("error.type") == "cancelled" && span.kind == SERVER);
    let under = collector.span(|span| span.name == "embeddings m" && span.parent() == call.id());
    assert!(under.end <= call.end, "{} ns after its parent", under.end - call.end);
}

#[test]
fn a_call_says_what_the_conventions_ask_for() {
    let (collector, server) = traced("1", &[]);
    assert_eq!(search(&server, "x-correlation-id: c-20\r\n").status, 200);
    if !has("tracing") {
        return;
    }
    let root = collector.span(|span| span.name == "tools/call search_docs");
    assert_eq!((root.kind, root.parent().as_str(), root.status.as_ref().map_or(0, |it| it.code)), (SERVER, "", 0));
    says(
        &root,
        &[
            ("mcp.method.name", "tools/call"),
            ("gen_ai.tool.name", "search_docs"),
            ("gen_ai.operation.name", "execute_tool"),
            ("jsonrpc.request.id", "1"),
            ("mcp.protocol.version", "2026-07-28"),
            ("network.transport", "tcp"),
            ("network.protocol.name", "http"),
            ("correlation_id", "c-20"),
            ("sampling.reason", "head"),
            ("mcp.session.id", ""),
            ("error.type", ""),
        ],
    );
    let query = collector.span(|span| span.name == "full_text");
    assert_eq!((query.kind, query.parent()), (CLIENT, root.id()));
    says(&query, &[("db.system.name", "sqlite"), ("db.operation.name", "full_text"), ("correlation_id", "c-20")]);
    assert!(query.attribute("db.response.returned_rows").parse::<u32>().unwrap() > 0);
    let embedding = collector.span(|span| span.name == "embeddings hashed-ngrams-384");
    assert_eq!((embedding.kind, embedding.parent()), (CLIENT, root.id()));
    says(
        &embedding,
        &[
            ("gen_ai.provider.name", "local"),
            ("gen_ai.operation.name", "embeddings"),
            ("gen_ai.embeddings.batch_size", "1"),
            ("gen_ai.embeddings.dimension.count", "384"),
        ],
    );
    let lookup = collector.span(|span| span.name == "lookup search_results");
    says(&lookup, &[("cache", "search_results"), ("cache.result", "miss")]);
    let stream = collector.span(|span| span.name == "stream" && span.trace() == root.trace());
    assert!(stream.attribute("mcp.stream.bytes").parse::<u32>().unwrap() > 100);
    assert!(root.start <= stream.start && stream.end <= root.end, "a request lasts until its reply is written");
    says(&stream, &[("mcp.stream.end", "complete")]);
}

#[test]
fn a_resource_is_named_by_an_attribute_and_not_by_its_span() {
    let (collector, server) = traced("1", &[]);
    let list = ask(server.mcp, "resources/list", json!({}), "").message();
    let uri = list["result"]["resources"][0]["uri"].as_str().unwrap().to_owned();
    let (headers, body) = modern("resources/read", json!({ "uri": uri }));
    let name = format!("mcp-name: {uri}\r\n");
    let read = request(server.mcp, "POST", "/mcp", &format!("{headers}{name}"), body.as_bytes());
    assert_eq!(read.status, 200, "{}", read.text());
    if has("tracing") {
        says(&collector.span(|span| span.name == "resources/read"), &[("mcp.resource.uri", &uri)]);
    }
}

#[test]
fn a_reading_of_the_documents_has_an_id_and_each_source_a_trace() {
    let url = model(usize::MAX); // another model, so that all is read anew
    let (collector, _server) = traced("1", &[("EMBEDDINGS_URL", &url), ("EMBEDDINGS_MODEL", "small")]);
    if has("tracing") {
        collector.span(|span| span.name == "ingest sidelight"); // the last one
        let ingest = collector.span(|span| span.name.starts_with("ingest "));
        assert_eq!((ingest.parent().as_str(), ingest.attribute("correlation_id").len()), ("", 32));
        let stored = collector.span(|span| span.name == "store" && span.trace() == ingest.trace());
        assert_eq!(stored.parent(), ingest.id());
        let sources: Vec<_> = collector.spans().into_iter().filter(|span| span.name.starts_with("ingest ")).collect();
        let traces: HashSet<String> = sources.iter().map(Span::trace).collect();
        assert!(sources.len() > 1 && traces.len() == sources.len(), "a trace for each source");
        let ids: HashSet<String> = sources.iter().map(|source| source.attribute("correlation_id")).collect();
        assert_eq!(ids.len(), 1, "one id for the whole reading");
    }
}

#[test]
fn failures_say_which_and_have_the_status_of_an_error() {
    let (collector, server) = traced("0", &[]);
    let of = |name: &str, arguments: Value| drop(call(server.mcp, name, &arguments));
    of("no_such_tool", json!({}));
    of("search_docs", json!({}));
    if !has("tracing") {
        return;
    }
    let unknown = collector.span(|span| span.name == "tools/call other");
    says(&unknown, &[("error.type", "-32602"), ("rpc.response.status_code", "-32602"), ("sampling.reason", "error")]);
    let refused = collector.span(|span| span.name == "tools/call search_docs");
    says(&refused, &[("error.type", "tool_error"), ("rpc.response.status_code", ""), ("sampling.reason", "error")]);
    assert_eq!([unknown.status, refused.status].map(|it| it.unwrap().code), [ERROR, ERROR]);
}

#[test]
fn what_was_slow_has_a_trace_at_rate_nought_and_says_so() {
    let url = model(usize::MAX);
    let (collector, server) = traced("0", &[("EMBEDDINGS_URL", &url), ("EMBEDDINGS_MODEL", "small")]);
    let asked = call(server.mcp, "search_docs", &json!({ "query": "slumber" }));
    assert_eq!(asked.message()["result"]["isError"], false, "{}", asked.text());
    if has("tracing") {
        let root = collector.span(|span| span.name == "tools/call search_docs");
        says(&root, &[("sampling.reason", "slow")]);
        assert!(root.end - root.start > 2_000_000_000);
    }
}

#[test]
fn the_message_s_parent_is_followed_and_the_header_s_is_linked_and_the_state_goes_on() {
    let (collector, server) = traced("0", &[]);
    let own = "11111111111111111111111111111111";
    let params = json!({
        "name": "list_sources", "arguments": {},
        "_meta": { "traceparent": format!("00-{own}-2222222222222222-01"), "tracestate": "vendor=1" },
    });
    let headers = format!("traceparent: {PARENT}-01\r\ntracestate: other=2\r\n");
    assert_eq!(ask(server.mcp, "tools/call", params, &headers).status, 200);
    if has("tracing") {
        let root = collector.span(|span| span.name == "tools/call list_sources");
        let link = &root.links[0];
        assert_eq!((root.trace().as_str(), root.parent().as_str()), (own, "2222222222222222"));
        assert_eq!((&link.trace_id[..], root.trace_state.as_str()), (&super::TRACE[..], "vendor=1"));
    }
}

#[test]
fn jaeger_s_own_header_is_a_parent_where_it_is_asked_for() {
    let (collector, server) = traced("0", &[("OTEL_PROPAGATORS", "jaeger")]);
    let headers = "uber-trace-id: 1234567890abcdef:fedcba0987654321:0:1\r\n";
    assert_eq!(search(&server, headers).status, 200);
    if has("tracing") {
        let root = collector.span(|span| span.name == "tools/call search_docs");
        assert_eq!(root.trace(), "00000000000000001234567890abcdef");
        assert_eq!(root.parent(), "fedcba0987654321");
    }
}

#[test]
fn a_session_says_how_long_it_was_and_its_requests_name_it() {
    const ACCEPT: &str = "content-type: application/json\r\naccept: application/json, text/event-stream\r\n";
    let (collector, server) = traced("1", &[]);
    let hello = json!({
        "jsonrpc": "2.0", "id": "seven", "method": "initialize",
        "params": { "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } },
    });
    let reply = request(server.mcp, "POST", "/mcp", ACCEPT, hello.to_string().as_bytes());
    let id = reply.header("mcp-session-id").unwrap().to_owned();
    let headers = format!("{ACCEPT}mcp-session-id: {id}\r\nmcp-protocol-version: 2025-11-25\r\n");
    let done = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string();
    assert_eq!(request(server.mcp, "POST", "/mcp", &headers, done.as_bytes()).status, 202);
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
    assert_eq!(request(server.mcp, "POST", "/mcp", &headers, list.as_bytes()).status, 200);
    let listening = format!("{headers}x-correlation-id: c-22\r\ntraceparent: {PARENT}-01\r\n");
    let mut stream = send(server.mcp, &written(server.mcp, "GET", "/mcp", &listening, b""));
    assert_ne!(stream.read(&mut [0; 1024]).unwrap(), 0, "it is open");
    assert_eq!(request(server.mcp, "DELETE", "/mcp", &headers, b"").status, 200);
    if has("tracing") {
        let stream = collector.span(|span| span.name == "stream" && span.attribute("correlation_id") == "c-22");
        assert_eq!(format!("00-{}-{}", stream.trace(), stream.parent()), PARENT, "it is part of its caller's trace");
        says(&collector.span(|span| span.name == "initialize"), &[("jsonrpc.request.id", "seven")]);
        let list = collector.span(|span| span.name == "tools/list");
        says(&list, &[("mcp.protocol.version", "2025-11-25")]);
        let session = collector.span(|span| span.name == "session");
        says(&session, &[("mcp.session.id", &list.attribute("mcp.session.id")), ("mcp.session.end", "ended")]);
        assert!(!list.attribute("mcp.session.id").contains(&id) && !server.lines().contains(&id), "it is a secret");
        assert!(session.start < list.start && session.end > list.end);
    }
}
