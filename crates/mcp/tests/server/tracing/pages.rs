//! What an operator sees and changes while the program runs.

use super::search;
use crate::{
    collector::Collector,
    models::model,
    running::{Server, has, until},
    wire::{Reply, ask, call, get, request},
};
use serde_json::{Value, json};
use std::thread;

fn put(server: &Server, path: &str, body: &str) -> Reply {
    request(server.admin().unwrap(), "PUT", path, "", body.as_bytes())
}

fn requests(server: &Server) -> Value {
    serde_json::from_str(&get(server.admin().unwrap(), "/debug/requests").text()).unwrap()
}

#[test]
fn a_request_is_seen_while_it_flies_and_where_it_stands_and_when_it_failed() {
    let url = model(usize::MAX);
    let server = Server::with(&[("EMBEDDINGS_URL", &url), ("EMBEDDINGS_MODEL", "small"), ("MCP_TOOL_TIMEOUT", "3")]);
    if !has("tracing") {
        if let Some(admin) = server.admin() {
            let reply = get(admin, "/debug/requests");
            assert_eq!((reply.status, reply.text().contains("`tracing`")), (501, true));
        }
        return;
    }
    thread::scope(|scope| {
        scope.spawn(|| {
            let params = json!({ "name": "search_docs", "arguments": { "query": "neverland" } });
            drop(ask(server.mcp, "tools/call", params, "x-correlation-id: flying\r\n"));
        });
        let flying = || {
            let page = requests(&server);
            let all = page["in_flight"]["oldest"].as_array().unwrap().clone();
            // the server's own reading of its documents may be at the same place
            let stands =
                |it: &Value| it["at"].as_array().unwrap().iter().any(|at| at["operation"] == "embeddings small");
            all.into_iter().find(|it| it["correlation_id"] == "flying" && stands(it))
        };
        let seen = until(flying).expect("it is seen where it stands");
        assert_eq!(seen["request"], "tools/call search_docs");
        assert!(seen["age_seconds"].as_f64().is_some_and(|age| age > 0.0), "{seen}");
    });
    let failed = || {
        let page = requests(&server);
        let all = page["operations"].as_array().unwrap().clone();
        let of_tool = all.into_iter().find(|it| it["name"] == "tools/call search_docs")?;
        of_tool["failed"].as_array()?.first().cloned()
    };
    let failed = until(failed).expect("it is among the failed");
    assert_eq!((&failed["correlation_id"], &failed["error_type"]), (&json!("flying"), &json!("timeout")));
}

#[test]
fn the_slowest_are_few_and_in_order_however_many_there_were() {
    let server = Server::start();
    let Some(_) = server.admin().filter(|_| has("tracing")) else { return };
    (0..30).for_each(|_| drop(call(server.mcp, "list_sources", &json!({}))));
    let page = requests(&server);
    let row = page["operations"].as_array().unwrap().iter().find(|it| it["name"] == "tools/call list_sources").unwrap();
    let took: Vec<f64> =
        row["slowest"].as_array().unwrap().iter().filter_map(|it| it["duration_seconds"].as_f64()).collect();
    assert!(took.len() == 8 && took.is_sorted_by(|one, other| one >= other), "{took:?}");
    assert_eq!(row["failed"], json!([]));
}

#[test]
fn the_filter_is_changed_for_a_while_and_goes_back_by_itself() {
    let server = Server::start();
    if !has("tracing") {
        return if server.admin().is_some() {
            assert_eq!(put(&server, "/log/filter", "debug").status, 501);
        };
    }
    let filter = || -> Value { serde_json::from_str(&get(server.admin().unwrap(), "/log/filter").text()).unwrap() };
    let before = filter();
    assert_eq!(put(&server, "/log/filter?seconds=5", "off,sidelight_admin=info").status, 200);
    assert_eq!(filter()["filter"], "off,sidelight_admin=info");
    assert_eq!(search(&server, "x-correlation-id: unseen\r\n").status, 200);
    assert!(until(|| (filter() == before).then_some(())).is_some(), "it goes back");
    assert_eq!(search(&server, "x-correlation-id: seen\r\n").status, 200);
    server.line("\"seen\"");
    assert!(!server.lines().contains("\"unseen\""), "{}", server.lines());
    let audit = server.line("audit: a change was asked for");
    assert!(audit.contains("/log/filter") && audit.contains("\"peer\":\"127.0.0.1\""), "{audit}");
    assert_eq!(put(&server, "/log/filter?seconds=1", "off").status, 200);
    server.line("\"to\":\"off\""); // no filter takes an audit line away
    let bad = put(&server, "/log/filter", "info,mcp=loud");
    assert_eq!((bad.status, bad.text().contains("debug, trace")), (400, true));
}

#[test]
fn the_sampling_rate_is_changed_for_a_while() {
    let collector = Collector::start();
    let server = Server::with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url), ("OTEL_TRACE_SAMPLE_RATE", "0")]);
    let Some(admin) = server.admin().filter(|_| has("tracing")) else { return };
    assert_eq!(search(&server, "x-correlation-id: before\r\n").status, 200);
    let reply = put(&server, "/trace/sampling?seconds=60", "1");
    assert_eq!(reply.status, 200);
    assert_eq!(serde_json::from_str::<Value>(&reply.text()).unwrap()["rate"], 1.0);
    assert_eq!(search(&server, "x-correlation-id: after\r\n").status, 200);
    assert!(collector.gets(b"after"));
    assert!(!collector.holds(b"before"));
    for bad in ["2", "-1", "NaN", ""] {
        assert_eq!(put(&server, "/trace/sampling", bad).status, 400, "{bad}");
    }
    assert_eq!(put(&server, "/trace/sampling?seconds=90000", "1").status, 400);
    assert_eq!(get(admin, "/trace/sampling?rate=1").status, 400, "a GET changes nothing");
}
