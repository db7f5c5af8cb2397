//! What `rmcp` answers by itself, before any handler: a line, a count and a trace as for any other request, with its caller's
//! ids, over each transport.

use super::{PARENT, TRACE, traced};
use crate::{
    collector::Collector,
    lifecycle::session,
    models::model,
    otlp::{ERROR, SERVER, Span},
    running::{Server, has, store},
    stdio::{Client, HANDSHAKE},
    wire::{Reply, ask, modern, modern_of, request},
};
use serde_json::{Value, json};

/// What a client says of itself by headers, with this correlation id.
fn ids(id: &str) -> String {
    format!("x-correlation-id: {id}\r\ntraceparent: {PARENT}-00\r\n")
}

/// The lines of requests that have this correlation id.
fn lines(said: &str, id: &str) -> Vec<Value> {
    let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["message"] == "request" && line["correlation_id"] == id).collect()
}

/// One line and one span, the caller's, of a failure; what the span says of it.
fn is_seen(server: &Server, collector: &Collector, id: &str, method: &str) -> Span {
    server.line(&format!("\"correlation_id\":\"{id}\""));
    let span = collector.span(|span| span.attribute("correlation_id") == id);
    let seen = lines(&server.lines(), id);
    assert_eq!(seen.len(), 1, "{seen:?}");
    let line = &seen[0];
    assert_eq!((&line["method"], &line["outcome"]), (&json!(method), &json!("error")), "{line}");
    assert_eq!((&line["trace_id"], &line["span_id"]), (&json!(span.trace()), &json!(span.id())));
    assert_eq!((span.trace_id.as_slice(), span.parent().as_str()), (&TRACE[..], "b7ad6b7169203331"));
    assert_eq!((span.kind, span.status.as_ref().unwrap().code), (SERVER, ERROR));
    assert_eq!(span.attribute("mcp.method.name"), method);
    assert_eq!(span.attribute("sampling.reason"), "error");
    span
}

#[test]
fn without_a_session_what_is_refused_is_seen_with_its_caller_s_ids() {
    let (collector, server) = traced("0", &[]);
    let of = |revision, method: &str, more: &str| {
        let (headers, body) = modern_of(revision, method, json!({ "taskId": "t-1" }));
        request(server.mcp, "POST", "/mcp", &format!("{headers}mcp-name: t-1\r\n{more}"), body.as_bytes()).message()
    };
    let revision = of("2031-01-01", "tools/list", &ids("c-revision"));
    let task = of("2026-07-28", "tasks/get", &ids("c-task"));
    let ping = of("2026-07-28", "ping", &ids("c-ping"));
    assert_eq!([&task, &ping].map(|reply| &reply["error"]["code"]), [-32601, -32601]);
    if !has("tracing") {
        return;
    }
    let span = is_seen(&server, &collector, "c-revision", "tools/list");
    assert_eq!(span.attribute("rpc.response.status_code"), revision["error"]["code"].to_string());
    assert_eq!(span.attribute("http.response.status_code"), "400");
    assert_eq!(span.attribute("mcp.protocol.version"), "2031-01-01");
    for (id, method) in [("c-task", "tasks/get"), ("c-ping", "ping")] {
        let span = is_seen(&server, &collector, id, method);
        assert_eq!((span.attribute("error.type"), span.attribute("jsonrpc.request.id")), ("-32601".into(), "1".into()));
        assert_eq!(span.attribute("network.protocol.name"), "http");
    }
    assert_eq!(lines(&server.lines(), "c-task")[0]["client"], "test/0");
}

#[test]
fn the_parent_that_a_refused_message_names_goes_before_the_header_s_which_is_linked() {
    let (collector, server) = traced("0", &[]);
    let meta = json!({ "traceparent": "00-11111111111111111111111111111111-2222222222222222-00" });
    ask(
        server.mcp,
        "tasks/get",
        json!({ "taskId": "t-1", "_meta": meta }),
        &format!("mcp-name: t-1\r\n{}", ids("c-own")),
    );
    if has("tracing") {
        let span = collector.span(|span| span.name == "tasks/get");
        assert_eq!((span.trace(), span.parent()), ("1".repeat(32), "2".repeat(16)));
        assert_eq!(span.links.iter().map(|link| &link.trace_id[..]).collect::<Vec<_>>(), [TRACE]);
        assert_eq!(lines(&server.lines(), "c-own")[0]["trace_id"], "1".repeat(32));
    }
}

#[test]
fn what_the_transport_does_not_even_read_is_seen_as_a_method_of_nobody() {
    let (collector, server) = traced("0", &[]);
    let (headers, body) = modern("tools/list", json!({}));
    let (deaf, sure) = (headers.replace("text/event-stream", "text/html"), headers.as_str());
    let post = |headers: &str, id: &str, body: &[u8]| {
        request(server.mcp, "POST", "/mcp", &format!("{headers}{}", ids(id)), body)
    };
    let long = format!("{}{body}", " ".repeat(2 * 1024 * 1024));
    let refused = [
        ("c-deaf", "406", post(&deaf, "c-deaf", body.as_bytes())),
        ("c-words", "400", post(sure, "c-words", b"{these are words")),
        ("c-long", "413", post(sure, "c-long", long.as_bytes())),
    ];
    for (id, status, reply) in refused {
        assert_eq!(reply.status.to_string(), status, "{id}: {}", reply.text());
        assert!(!reply.body.is_empty(), "the client still reads why");
        if has("tracing") {
            let span = is_seen(&server, &collector, id, "other");
            assert_eq!(
                (span.attribute("http.response.status_code"), span.attribute("error.type")),
                (status.into(), "_OTHER".into())
            );
        }
    }
}

#[test]
fn in_a_session_what_is_refused_is_seen_with_its_caller_s_ids() {
    let (collector, server) = traced("0", &[]);
    let session = session(server.mcp);
    let post = |revision: &str, id: &str, body: &Value| -> Reply {
        let headers = format!(
            "content-type: application/json\r\naccept: application/json, text/event-stream\r\n\
             mcp-protocol-version: {revision}\r\nmcp-session-id: {session}\r\n{}",
            ids(id)
        );
        request(server.mcp, "POST", "/mcp", &headers, body.to_string().as_bytes())
    };
    let task = json!({ "jsonrpc": "2.0", "id": "t", "method": "tasks/get", "params": { "taskId": "t-1" } });
    let reply = post("2025-11-25", "c-task", &task);
    assert_eq!((reply.status, &reply.message()["error"]["code"]), (200, &json!(-32601)));
    let revision = "2024-01-01";
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": revision });
    let of_it = json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/list", "params": { "_meta": meta } });
    assert_eq!(post(revision, "c-revision", &of_it).message()["error"]["code"], -32022);
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/progress" });
    post("2025-11-25", "c-note", &note);
    if !has("tracing") {
        return;
    }
    let span = is_seen(&server, &collector, "c-task", "tasks/get");
    assert_eq!(span.attribute("jsonrpc.request.id"), "t");
    assert!(span.attribute("mcp.session.id").len() == 16 && !session.contains(&span.attribute("mcp.session.id")));
    assert_eq!(span.attribute("rpc.response.status_code"), "-32601");
    let stream = collector.span(|it| it.name == "stream" && it.attribute("correlation_id") == "c-task");
    assert_eq!((stream.trace(), stream.parent()), (span.trace(), span.id()));
    assert!(stream.end <= span.end);
    is_seen(&server, &collector, "c-revision", "tools/list");
    assert_eq!(lines(&server.lines(), "c-note"), Vec::<Value>::new(), "a notification asks for nothing");
}

#[test]
fn over_stdio_what_is_answered_before_the_handshake_and_after_it_is_seen_once() {
    let mut client = Client::start();
    let meta = |id: &str| json!({ "sidelight/correlationId": id, "traceparent": format!("{PARENT}-00") });
    let of = |id: &str, method: &str| {
        let message =
            json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": { "_meta": meta(id), "taskId": "t" } });
        message.to_string()
    };
    let early = client.say(&of("c-early", "tools/list")).unwrap();
    let ping = client.say(r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#).unwrap();
    assert!(early.contains("-32602") && ping.contains("\"result\":{}"), "{early} {ping}");
    client.say(HANDSHAKE[0]);
    client.say(HANDSHAKE[1]);
    let task = client.say(&of("c-task", "tasks/get")).unwrap();
    assert!(task.contains("-32601"), "{task}");
    client.say(&of("c-list", "tools/list"));
    let (_, said) = client.end();
    if !has("tracing") {
        return assert!(!said.contains("c-task"), "{said}");
    }
    for (id, method, outcome) in
        [("c-early", "tools/list", "error"), ("c-task", "tasks/get", "error"), ("c-list", "tools/list", "ok")]
    {
        let seen = lines(&said, id);
        assert_eq!(seen.len(), 1, "{said}");
        assert_eq!((&seen[0]["method"], &seen[0]["outcome"]), (&json!(method), &json!(outcome)));
        assert_eq!(seen[0]["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    }
    assert_eq!(lines(&said, "c-task")[0]["client"], "test/0");
    let pings = said.lines().filter(|line| line.contains("\"method\":\"ping\"") && line.contains("\"outcome\":\"ok\""));
    assert_eq!(pings.count(), 1, "{said}");
}

#[test]
fn each_request_has_one_line_also_when_its_id_is_in_use_or_it_is_taken_back() {
    let mut client = Client::start();
    client.say(HANDSHAKE[0]);
    client.say(HANDSHAKE[1]);
    let taken_back =
        |id: i32| json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } });
    let mut asked = 0;
    for id in 1..=15 {
        // no more than a pipe holds that nobody reads before the end
        for (at, method) in ["tasks/get", "tools/list", "tasks/get"].into_iter().enumerate() {
            let meta = json!({ "sidelight/correlationId": format!("c-{id}-{at}") });
            let message =
                json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": { "taskId": "t", "_meta": meta } });
            client.tell(&message.to_string());
            asked += 1;
        }
        client.tell(&taken_back(id).to_string());
    }
    let (_, said) = client.end();
    if has("tracing") {
        let all = said.lines().filter(|line| line.contains("\"message\":\"request\"") && line.contains("\"c-"));
        let mut ids: Vec<Value> =
            all.map(|line| serde_json::from_str::<Value>(line).unwrap()["correlation_id"].take()).collect();
        ids.retain(|id| id != "c-0"); // the handshake's
        let lines = ids.len();
        ids.sort_by_key(ToString::to_string);
        ids.dedup();
        assert_eq!((lines, ids.len()), (asked, asked));
    }
}

#[test]
fn calls_that_hang_at_the_end_have_their_lines() {
    let ((folder, url), model) = (store(), model(usize::MAX));
    let mut client = Client::on(folder, &url, &[("EMBEDDINGS_URL", &model), ("EMBEDDINGS_MODEL", "small")]);
    client.say(HANDSHAKE[0]);
    client.say(HANDSHAKE[1]);
    for id in 1..=40 {
        let params = json!({ "name": "search_docs", "arguments": { "query": "neverland" } });
        client.tell(&json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string());
    }
    client.say(r#"{"jsonrpc":"2.0","id":99,"method":"ping"}"#); // all are under way
    client.signal();
    let (_, said) = client.end();
    if has("tracing") {
        let calls = said.lines().filter(|line| line.contains("\"method\":\"tools/call\""));
        assert_eq!(calls.count(), 40, "{said}");
    }
}

#[test]
fn a_client_that_does_not_say_who_it_is_has_no_name() {
    let server = Server::start();
    let (headers, body) = modern("tools/list", json!({}));
    let mut body: Value = serde_json::from_str(&body).unwrap();
    body["params"]["_meta"].as_object_mut().unwrap().remove("io.modelcontextprotocol/clientInfo").unwrap();
    let headers = format!("{headers}x-correlation-id: c-nameless\r\n");
    request(server.mcp, "POST", "/mcp", &headers, body.to_string().as_bytes());
    if has("tracing") {
        server.line("c-nameless");
        assert_eq!(lines(&server.lines(), "c-nameless")[0].get("client"), None);
    }
}
