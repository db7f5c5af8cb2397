//! What is counted: exactly as often as it happens. In a build without the feature the page must say that it is missing;
//! there is nothing else to see.

mod catalog;
mod edge;
mod forms;
mod itself;
mod outcomes;
mod store;

use crate::{
    models::model,
    running::{Server, has, until},
    wire::{Reply, ask, call, get, modern, send, written},
};
use serde_json::json;

/// The page; `None` in a build that has none, and says so.
fn page(server: &Server) -> Option<String> {
    let reply = get(server.admin()?, "/metrics");
    if !has("metrics") {
        assert_eq!((reply.status, reply.text().contains("`metrics`")), (501, true));
        return None;
    }
    assert_eq!(reply.status, 200);
    Some(reply.text())
}

/// The number of a series that has these labels, in this order.
fn value(page: &str, series: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |number| number.parse().unwrap())
}

/// Runs some work, and checks by how much each series grew; waits, because a count may come a moment after its reply.
fn grows(server: &Server, work: impl Fn(), series: &[(&str, f64)]) {
    let Some(before) = page(server) else { return work() };
    work();
    for (name, by) in series {
        let grown = |page: &str| value(page, name) - value(&before, name);
        let seen = until(|| page(server).filter(|page| (grown(page) - by).abs() < 1e-9));
        assert!(seen.is_some(), "{name} grew by {} and not by {by}", grown(&page(server).unwrap()));
    }
}

const SEARCHES: &str =
    r#"mcp_server_operation_duration_seconds_count{mcp_method_name="tools/call",gen_ai_tool_name="search_docs"}"#;

fn search(server: &Server) -> Reply {
    call(server.mcp, "search_docs", &json!({ "query": "borrow" }))
}

#[test]
fn a_question_that_was_asked_before_is_a_hit() {
    let server = Server::start();
    let lookups = |result: &str| format!(r#"cache_requests_total{{cache="search_results",result="{result}"}}"#);
    let (hits, misses) = (lookups("hit"), lookups("miss"));
    let work = || (0..3).for_each(|_| drop(search(&server)));
    grows(&server, work, &[(&misses, 1.0), (&hits, 2.0), (r#"cache_entries{cache="search_results"}"#, 1.0)]);
}

#[test]
fn a_call_is_counted_once_and_timed_under_its_tool() {
    let server = Server::start();
    let calls = r#"mcp_server_requests_total{mcp_method_name="tools/call",outcome="ok"}"#;
    let three = || (0..3).for_each(|_| assert_eq!(search(&server).status, 200));
    grows(&server, three, &[(calls, 3.0), (SEARCHES, 3.0)]);
}

#[test]
fn other_methods_are_counted_under_their_own_names() {
    let server = Server::start();
    let listed = r#"mcp_server_requests_total{mcp_method_name="tools/list",outcome="ok"}"#;
    let discovered = r#"mcp_server_requests_total{mcp_method_name="server/discover",outcome="ok"}"#;
    let work = || {
        assert_eq!(ask(server.mcp, "tools/list", json!({}), "").status, 200);
        assert_eq!(ask(server.mcp, "server/discover", json!({}), "").status, 200);
    };
    grows(&server, work, &[(listed, 1.0), (discovered, 1.0)]);
}

#[test]
fn a_result_that_says_it_failed_is_an_error_though_its_status_is_200() {
    let server = Server::start();
    let errors = r#"mcp_server_requests_total{mcp_method_name="tools/call",outcome="error"}"#;
    let timed = r#"mcp_server_operation_duration_seconds_count{mcp_method_name="tools/call",gen_ai_tool_name="search_docs",error_type="tool_error"}"#;
    let work = || assert_eq!(call(server.mcp, "search_docs", &json!({})).status, 200);
    grows(&server, work, &[(errors, 1.0), (timed, 1.0), (SEARCHES, 0.0)]);
}

#[test]
fn a_client_cannot_create_a_series() {
    let server = Server::start();
    let other = r#"mcp_server_operation_duration_seconds_count{mcp_method_name="tools/call",gen_ai_tool_name="other",error_type="-32602"}"#;
    let unknown = |at: usize| drop(call(server.mcp, &format!("tool_{at}"), &json!({})));
    unknown(0);
    let series = || page(&server).map(|page| page.lines().filter(|line| line.starts_with("mcp_")).count());
    let before = series();
    grows(&server, || (1..21).for_each(unknown), &[(other, 20.0)]);
    assert_eq!(series(), before);
}

#[test]
fn every_query_of_a_search_is_timed() {
    let server = Server::start();
    let query = |name: &str| {
        format!(r#"db_client_operation_duration_seconds_count{{db_operation_name="{name}",db_system_name="sqlite"}}"#)
    };
    let (words, passages) = (query("full_text"), query("passages"));
    grows(&server, || drop(search(&server)), &[(&words, 1.0), (&passages, 1.0)]);
}

#[test]
fn every_embedding_of_a_question_is_timed() {
    let server = Server::start();
    let labels = r#"{gen_ai_provider_name="local",gen_ai_request_model="hashed-ngrams-384"}"#;
    let timed = format!("gen_ai_client_embeddings_duration_seconds_count{labels}");
    let texts = format!("gen_ai_client_embeddings_batch_size_sum{labels}");
    let batches = format!("gen_ai_client_embeddings_batch_size_count{labels}");
    grows(&server, || drop(search(&server)), &[(&timed, 1.0), (&texts, 1.0), (&batches, 1.0)]);
}

#[test]
fn a_call_whose_client_leaves_is_given_up_with_whatever_it_waits_for() {
    let url = model(usize::MAX);
    let server = Server::with(&[("EMBEDDINGS_URL", &url), ("EMBEDDINGS_MODEL", "small")]);
    if let Some(admin) = server.admin() {
        until(|| (get(admin, "/readyz").status == 200).then_some(())).expect("no document is embedded any more");
    }
    let in_flight = r#"gen_ai_client_embeddings_in_flight{gen_ai_provider_name="openai",gen_ai_request_model="small"}"#;
    let embedded = r#"gen_ai_client_embeddings_duration_seconds_count{gen_ai_provider_name="openai",gen_ai_request_model="small",error_type="cancelled"}"#;
    let cancelled = r#"mcp_server_requests_total{mcp_method_name="tools/call",outcome="cancelled"}"#;
    let work = || {
        let params = json!({ "name": "search_docs", "arguments": { "query": "neverland" } });
        let (headers, body) = modern("tools/call", params);
        let client = send(server.mcp, &written(server.mcp, "POST", "/mcp", &headers, body.as_bytes()));
        let waits = |page: &String| {
            let calls =
                r#"mcp_server_operation_in_flight{mcp_method_name="tools/call",gen_ai_tool_name="search_docs"}"#;
            [in_flight, calls, "http_server_active_requests"].iter().all(|name| value(page, name) > 0.5)
        };
        assert!(page(&server).is_none() || until(|| page(&server).filter(waits)).is_some());
        drop(client);
    };
    let edge = r#"http_server_request_duration_seconds_count{http_request_method="POST",http_route="/mcp"}"#;
    grows(&server, work, &[(cancelled, 1.0), (embedded, 1.0), (edge, 1.0)]);
}

#[test]
fn nothing_is_in_flight_when_nothing_is_asked() {
    let server = Server::start();
    drop(search(&server));
    let Some(_) = page(&server) else { return };
    let calls = r#"mcp_server_operation_in_flight{mcp_method_name="tools/call",gen_ai_tool_name="search_docs"}"#;
    let idle = |page: &String| {
        page.contains(calls) && value(page, calls) == 0.0 && value(page, "http_server_active_requests") == 0.0
    };
    assert!(until(|| page(&server).filter(idle)).is_some(), "{:?}", page(&server));
}

#[test]
fn the_page_has_the_type_that_prometheus_asks_for_and_every_line_is_well_formed() {
    let server = Server::start();
    drop(search(&server));
    let Some(page) = page(&server) else { return };
    let reply = get(server.admin().unwrap(), "/metrics");
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(page.ends_with('\n'));
    for line in page.lines() {
        let is_comment = line.starts_with("# HELP ") || line.starts_with("# TYPE ");
        let is_sample = line.rsplit_once(' ').is_some_and(|(_, number)| number.parse::<f64>().is_ok());
        assert!(is_comment || is_sample, "{line}");
    }
}

#[test]
fn the_asked_for_bounds_are_in_every_duration_histogram() {
    let server = Server::start();
    drop(search(&server));
    let Some(page) = page(&server) else { return };
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" histogram"));
    let names: Vec<&str> = types.filter(|name| name.ends_with("_duration_seconds")).collect();
    assert!(names.len() >= 3, "{names:?}");
    for name in names {
        for bound in ["0.1", "0.5", "1", "2", "5", "+Inf"] {
            let bucket =
                |line: &str| line.starts_with(&format!("{name}_bucket")) && line.contains(&format!("le=\"{bound}\""));
            assert!(page.lines().any(bucket), "{name} has no bound {bound}");
        }
    }
}

#[test]
fn every_series_says_what_it_is() {
    let server = Server::start();
    drop(search(&server));
    let Some(page) = page(&server) else { return };
    for name in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
        assert!(page.contains(&format!("# HELP {name} ")), "{name}");
    }
}

#[test]
fn what_was_read_at_the_first_start_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("new.db").display());
    let server = Server::with(&[("DATABASE_URL", &url)]);
    let Some(_) = page(&server) else { return };
    let stored = r#"ingest_documents_total{source="documents",outcome="stored"}"#;
    let read = until(|| page(&server).filter(|page| value(page, stored) > 2.5));
    assert!((value(&read.unwrap(), stored) - 3.0).abs() < 1e-9);
}
