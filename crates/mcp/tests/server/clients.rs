//! What clients of many families send and expect, each by plain HTTP: revisions, headers, bodies, browsers, sessions.

use crate::{
    lifecycle::{LIST, busy, in_session, session},
    models::model,
    running::{Server, binary, has, until},
    wire::{Reply, ask, call, modern, raw, request, send},
};
use serde_json::{Value, json};
use std::{
    io::Read as _,
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

const JSON: &str = "content-type: application/json\r\naccept: application/json, text/event-stream\r\n";

fn hello(revision: &str) -> String {
    let params =
        json!({ "protocolVersion": revision, "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }).to_string()
}

fn post(mcp: SocketAddr, headers: &str, body: &str) -> Reply {
    request(mcp, "POST", "/mcp", headers, body.as_bytes())
}

/// The code and the sentence of an error, which is JSON.
fn error(reply: &Reply) -> (i64, String) {
    assert_eq!(reply.header("content-type"), Some("application/json"), "{}", reply.text());
    let message = reply.message();
    let said = message["error"]["message"].as_str().unwrap_or_else(|| panic!("{message}")).to_owned();
    assert!(said.contains(' '), "a sentence: {said}");
    (message["error"]["code"].as_i64().unwrap(), said)
}

#[test]
fn no_client_gets_a_retry_and_only_those_that_know_it_an_event_without_data() {
    let server = Server::start();
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let begun = post(server.mcp, JSON, &hello(revision));
        let id = begun.header("mcp-session-id").unwrap().to_owned();
        let headers = format!("{JSON}mcp-session-id: {id}\r\nmcp-protocol-version: {revision}\r\n");
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string();
        assert_eq!(post(server.mcp, &headers, &initialized).status, 202);
        let listed = post(server.mcp, &headers, LIST);
        for (text, may_be_primed) in [(begun.text(), false), (listed.text(), revision == "2025-11-25")] {
            assert!(!text.contains("retry:"), "{revision}: {text}");
            let events = text.split("\n\n").filter(|event| event.lines().any(|line| line.starts_with("id:")));
            let empty = events.filter(|event| !event.contains("jsonrpc")).count();
            assert_eq!(empty, usize::from(may_be_primed), "{revision}: {text}");
        }
    }
}

#[test]
fn whole_numbers_are_taken_however_they_are_written() {
    let server = Server::start();
    let (headers, body) =
        modern("tools/call", json!({ "name": "search_docs", "arguments": { "query": "a", "limit": 7 } }));
    for (written, fails) in
        [("5.0", false), ("5e0", false), ("50.00", false), ("5.5", true), ("51.0", true), ("-1.0", true)]
    {
        let body = body.replace("\"limit\":7", &format!("\"limit\":{written}")).replace("\"id\":1", "\"id\":1.0");
        let message = post(server.mcp, &headers, &body).message();
        assert_eq!((&message["id"], message["result"]["isError"] == true), (&json!(1), fails), "{written}: {message}");
    }
}

#[test]
fn every_client_can_load_the_tools() {
    fn plain(schema: &Value, at: &str) {
        assert!(!schema["type"].is_array() && schema.get("$ref").is_none(), "{at}: {schema}");
        assert!(schema["type"] != "object" || schema["properties"].is_object(), "{at}: {schema}");
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            plain(property, name);
        }
        if schema["items"].is_object() {
            plain(&schema["items"], at);
        }
    }
    let server = Server::start();
    for tool in ask(server.mcp, "tools/list", json!({}), "").message()["result"]["tools"].as_array().unwrap() {
        plain(&tool["inputSchema"], &tool["name"].to_string());
        plain(&tool["outputSchema"], &tool["name"].to_string());
    }
}

#[test]
fn wildcards_and_a_slash_are_taken_and_what_excludes_a_type_is_refused() {
    let server = Server::start();
    for (accept, status) in [
        ("*/*", 200),
        ("application/*, text/*;q=0.5", 200),
        ("application/json", 406),
        ("*/*, text/event-stream;q=0", 406),
    ] {
        let headers = format!("content-type: application/json\r\naccept: {accept}\r\n");
        assert_eq!(post(server.mcp, &headers, &hello("2025-06-18")).status, status, "{accept}");
    }
    assert_eq!(post(server.mcp, "content-type: application/json\r\n", &hello("2025-06-18")).status, 200);
    assert_eq!(request(server.mcp, "POST", "/mcp/", JSON, hello("2025-06-18").as_bytes()).status, 200);
    assert_eq!(post(server.mcp, "content-type: text/plain\r\n", &hello("2025-06-18")).status, 415);
}

#[test]
fn a_body_that_is_no_message_is_400_and_says_why() {
    let mut server = Server::start();
    for (body, wanted) in [
        ("", -32_700),
        ("not json", -32_700),
        (r#"{"jsonrpc":"2.0","id":1,"#, -32_700),
        ("[]", -32_600),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32_600),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32_600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":7}"#, -32_600),
    ] {
        let reply = post(server.mcp, JSON, body);
        let (code, said) = error(&reply);
        assert_eq!((reply.status, code), (400, wanted), "{body:?}: {said}");
    }
    let broken =
        format!("POST /mcp HTTP/1.1\r\nhost: {}\r\n{JSON}transfer-encoding: chunked\r\n\r\nzz\r\n", server.mcp);
    let reply = raw(server.mcp, broken.as_bytes());
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert!(server.lives());
}

#[test]
fn a_page_of_an_allowed_origin_may_call_and_no_other() {
    let server = Server::start();
    let preflight = |origin: &str| {
        let headers = format!(
            "origin: {origin}\r\naccess-control-request-method: POST\r\naccess-control-request-headers: content-type,mcp-session-id\r\n"
        );
        request(server.mcp, "OPTIONS", "/mcp", &headers, b"")
    };
    let allowed = preflight("http://localhost:6274");
    assert!(allowed.status == 200 || allowed.status == 204);
    assert_eq!(allowed.header("access-control-allow-origin"), Some("http://localhost:6274"));
    assert!(allowed.header("access-control-allow-headers").unwrap().contains("mcp-session-id"));
    assert_eq!(allowed.header("access-control-allow-credentials"), None);
    let refused = preflight("https://elsewhere.example");
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (403, None));
    assert!(!refused.head.contains("access-control-"), "{}", refused.head);
    let reply = post(server.mcp, &format!("{JSON}origin: http://127.0.0.1:5173\r\n"), &hello("2025-06-18"));
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, Some("http://127.0.0.1:5173")));
    assert!(reply.header("access-control-expose-headers").unwrap().contains("mcp-session-id"));
}

#[test]
fn what_is_refused_is_told_by_a_sentence_with_a_code() {
    let server = Server::start();
    let unknown = error(&ask(server.mcp, "prompts/list", json!({}), ""));
    assert!(unknown.0 == -32_601 && unknown.1.contains("prompts/list") && unknown.1.contains("tools"), "{unknown:?}");
    let of_nobody = in_session(server.mcp, "no-such-session", LIST);
    assert_eq!((of_nobody.status, error(&of_nobody).0), (404, -32_001));
    let without = post(server.mcp, JSON, LIST);
    assert_eq!((without.status, error(&without).1.contains("Mcp-Session-Id")), (400, true));
    let id = session(server.mcp);
    let destroyed = in_session(server.mcp, &id, r#"{"jsonrpc":"2.0","id":4,"method":"tools/destroy"}"#).message();
    assert!(destroyed["error"]["message"].as_str().unwrap().contains("no method \"tools/destroy\""), "{destroyed}");
    let nameless =
        in_session(server.mcp, &id, r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"arguments":{}}}"#)
            .message();
    assert_eq!(nameless["error"]["code"], -32_602, "{nameless}");
    let elsewhere = request(server.mcp, "POST", "/", JSON, b"{}");
    assert!(elsewhere.status == 404 && error(&elsewhere).1.contains("/mcp"));
}

#[test]
fn a_refused_host_or_origin_names_the_setting_and_what_came() {
    let server = Server::start();
    let (headers, body) = modern("tools/list", json!({}));
    let length = body.len();
    let of = |host: &str, origin: &str| {
        let text = format!(
            "POST /mcp HTTP/1.1\r\n{host}{origin}connection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        raw(server.mcp, text.as_bytes())
    };
    let good = format!("host: {}\r\n", server.mcp);
    for (host, origin, status, named) in [
        ("host: docs.example.org\r\n", "", 403, "MCP_ALLOWED_HOSTS"),
        (good.as_str(), "origin: https://page.example\r\n", 403, "MCP_ALLOWED_ORIGINS"),
        ("host: localhost:x\r\n", "", 400, "Host"),
        (good.as_str(), "origin: http://localhost\r\norigin: http://localhost\r\n", 400, "several"),
    ] {
        let reply = of(host, origin);
        let (_, said) = error(&reply);
        assert!(reply.status == status && said.contains(named), "{host}{origin}: {} {said}", reply.status);
    }
    if has("tracing") {
        assert!(server.line("MCP_ALLOWED_HOSTS").contains("docs.example.org"));
    }
}

/// The lines that would wake somebody.
fn alarms(server: &Server) -> Vec<String> {
    let is_alarm = |line: &&str| line.contains("\"WARN\"") || line.contains("\"ERROR\"");
    server.lines().lines().filter(is_alarm).map(str::to_owned).collect()
}

#[test]
fn a_client_that_gives_up_or_is_refused_wakes_nobody() {
    let url = model(usize::MAX);
    let server = Server::with(&[("EMBEDDINGS_URL", &url), ("EMBEDDINGS_MODEL", "small")]);
    let (headers, body) =
        modern("tools/call", json!({ "name": "search_docs", "arguments": { "query": "slumber one" } }));
    let wanted = crate::wire::written(server.mcp, "POST", "/mcp", &headers, body.as_bytes());
    let leaves = send(server.mcp, &wanted);
    thread::sleep(Duration::from_millis(500));
    drop(leaves);
    ask(server.mcp, "prompts/list", json!({}), "");
    ask(server.mcp, "tools/call", json!({ "name": "no_such_tool", "arguments": {} }), "");
    call(server.mcp, "search_docs", &json!({ "query": 7 }));
    let id = session(server.mcp);
    in_session(server.mcp, &id, r#"{"jsonrpc":"2.0","id":4,"method":"prompts/list"}"#);
    in_session(server.mcp, "nobody", LIST);
    thread::sleep(Duration::from_millis(500));
    assert_eq!(alarms(&server), Vec::<String>::new());
    if has("tracing") {
        assert!(server.line("\"cancelled\"").contains("\"tools/call\""));
        assert!(server.line("-32601").contains("\"outcome\":\"error\""), "and each is a line of its own");
    }
}

#[test]
fn the_end_of_a_session_takes_its_calls_back_and_is_taken_for_what_it_is() {
    let url = model(usize::MAX);
    let server = Server::with(&[("EMBEDDINGS_URL", &url), ("EMBEDDINGS_MODEL", "small")]);
    let (mcp, id) = (server.mcp, session(server.mcp));
    let slow = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"search_docs","arguments":{"query":"slumber two"}}}"#;
    let asked = thread::spawn({
        let id = id.clone();
        move || (Instant::now(), in_session(mcp, &id, slow)).0.elapsed()
    });
    thread::sleep(Duration::from_millis(500));
    let headers = format!("mcp-protocol-version: 2025-11-25\r\nmcp-session-id: {id}\r\n");
    assert_eq!(request(mcp, "DELETE", "/mcp", &headers, b"").status, 200);
    assert!(asked.join().unwrap() < Duration::from_secs(2), "the model takes 2.5 s");
    assert_eq!(in_session(mcp, &id, LIST).status, 404);
    if has("tracing") {
        server.line("\"cancelled\"");
    }
}

#[test]
fn a_session_outlives_a_restart() {
    let (folder, url) = crate::running::store();
    let lines = folder.path().join("lines");
    let other = tempfile::tempdir().unwrap();
    let server = Server::logging_to(lines, other, &url, &[]);
    let id = session(server.mcp);
    assert!(server.end().0.success());
    let again = Server::logging_to(folder.path().join("lines-2"), folder, &url, &[]);
    assert_eq!(in_session(again.mcp, &id, LIST).status, 200);
}

#[test]
fn a_stream_that_is_not_here_is_refused_and_not_given_empty() {
    let server = Server::start();
    let id = session(server.mcp);
    let headers = format!(
        "accept: text/event-stream\r\nmcp-protocol-version: 2025-11-25\r\nmcp-session-id: {id}\r\nlast-event-id: 0/77\r\n"
    );
    let reply = request(server.mcp, "GET", "/mcp", &headers, b"");
    assert_eq!((reply.status, error(&reply).1.contains("Last-Event-ID")), (410, true));
    assert_eq!(reply.header("cache-control"), Some("no-store"), "a cache before us may keep a 410 otherwise");
}

/// The ids of the events of a reply.
fn ids(reply: &Reply) -> Vec<String> {
    let body = String::from_utf8_lossy(&reply.body);
    body.lines().filter_map(|line| line.strip_prefix("id:")).map(|id| id.trim().to_owned()).collect()
}

#[test]
fn an_event_s_id_never_names_the_answer_to_a_call_of_another_run() {
    let (folder, url) = crate::running::store();
    let server = Server::logging_to(folder.path().join("lines"), tempfile::tempdir().unwrap(), &url, &[]);
    let id = session(server.mcp);
    let before = ids(&in_session(server.mcp, &id, LIST));
    assert!(server.end().0.success());
    let again = Server::logging_to(folder.path().join("lines-2"), folder, &url, &[]);
    let after = ids(&in_session(again.mcp, &id, LIST));
    assert!(!before.is_empty() && before.iter().all(|id| !after.contains(id)), "{before:?} and {after:?}");
    for old in before {
        let headers = format!(
            "accept: text/event-stream\r\nmcp-protocol-version: 2025-11-25\r\nmcp-session-id: {id}\r\nlast-event-id: {old}\r\n"
        );
        assert_eq!(request(again.mcp, "GET", "/mcp", &headers, b"").status, 410, "{old}");
    }
}

#[test]
fn a_session_that_cannot_be_ended_goes_on_and_its_client_is_told() {
    let (folder, url) = crate::running::store();
    let server = Server::logging_to(folder.path().join("lines"), folder, &url, &[]);
    let id = session(server.mcp);
    let headers = format!("mcp-protocol-version: 2025-11-25\r\nmcp-session-id: {id}\r\n");
    let end = || request(server.mcp, "DELETE", "/mcp", &headers, b"");
    let refused = busy(&url, end);
    assert_eq!(
        (refused.status, error(&refused).1.contains("goes on; ask again: the document store is busy")),
        (503, true)
    );
    assert_eq!(in_session(server.mcp, &id, LIST).status, 200);
    assert_eq!((end().status, in_session(server.mcp, &id, LIST).status), (200, 404));
}

#[test]
fn a_reply_to_http_1_0_ends_with_its_connection() {
    let server = Server::start();
    let (headers, body) = modern("tools/list", json!({}));
    let text = format!(
        "POST /mcp HTTP/1.0\r\nhost: localhost\r\nconnection: keep-alive\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    let mut stream = send(server.mcp, text.as_bytes());
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.contains("search_docs") && !said.to_lowercase().contains("keep-alive"), "{said}");
}

#[test]
fn variables_that_say_nothing_are_unset() {
    for variables in [
        &[
            ("MCP_PORT", "tcp://10.96.0.12:3000"),
            ("PORT", ""),
            ("MCP_MAX_SESSIONS", ""),
            ("RUST_LOG", " "),
            ("MCP_ALLOWED_HOSTS", ""),
        ][..],
        &[
            ("MCP_ADDR", ""),
            ("MCP_HOST", ""),
            ("ADMIN_ADDR", ""),
            ("ADMIN_TOKEN", ""),
            ("EMBEDDINGS_URL", ""),
            ("TOOLS_CONFIG", ""),
            ("LOG_FORMAT", ""),
            ("ENABLE_PROFILING", ""),
        ],
    ] {
        let output = binary().arg("catalog").envs(variables.iter().copied()).output().unwrap();
        let is_built = output.status.success() || !has("metrics");
        assert!(is_built && output.status.code() != Some(64) || !has("metrics"), "{variables:?}: {output:?}");
    }
}

#[test]
fn help_shows_no_value_of_the_environment() {
    let secrets = [
        ("ADMIN_TOKEN", "s3cret-1"),
        ("EMBEDDINGS_API_KEY", "s3cret-2"),
        ("DATABASE_URL", "postgres://me:s3cret-3@h/d"),
        ("EMBEDDINGS_URL", "http://me:s3cret-4@h/"),
    ];
    let output = binary().arg("--help").envs(secrets).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("ADMIN_TOKEN") && !said.contains("s3cret"), "{said}");
}

#[test]
fn two_that_begin_at_once_on_a_new_store_both_begin() {
    for _ in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("new/a.db").display());
        let begun = |_| binary().arg("ingest").env("DATABASE_URL", &url).spawn().unwrap();
        let children: Vec<_> = (0..3).map(begun).collect();
        for mut child in children {
            let ended = until(|| child.try_wait().unwrap()).expect("it ends");
            assert!(ended.success(), "{ended}");
        }
    }
}
