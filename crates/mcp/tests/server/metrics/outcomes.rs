//! How operations can end: ok, an error of each kind, cancelled, timed out.

use super::{grows, page};
use crate::{
    collector::Collector,
    lifecycle::{in_session, session},
    models::model,
    running::{Server, store, until},
    stdio,
    wire::{ask, call, get, request},
};
use documents::{Library, Location};
use embeddings::LocalEmbedder;
use mcp::{McpHandler, Progress};
use serde_json::json;
use sidelight::metrics::sample;
use std::sync::Arc;

fn on_a_server(more: &[(&str, &str)]) -> Server {
    let url = model(usize::MAX);
    let mut variables = vec![("EMBEDDINGS_URL", url.as_str()), ("EMBEDDINGS_MODEL", "small")];
    variables.extend(more);
    let server = Server::with(&variables);
    if let Some(admin) = server.admin() {
        until(|| (get(admin, "/readyz").status == 200).then_some(())).expect("no document is embedded any more");
    }
    server
}

fn search(server: &Server, query: &str) -> bool {
    let found = call(server.mcp, "search_docs", &json!({ "query": query })).message();
    found["result"]["isError"].as_bool().unwrap()
}

#[test]
fn a_call_that_takes_too_long_is_a_timeout_and_the_client_is_told_nothing_of_how_it_is_counted() {
    let server = on_a_server(&[("MCP_TOOL_TIMEOUT", "1")]);
    let counted = r#"mcp_server_requests_total{mcp_method_name="tools/call",outcome="timeout"}"#;
    let errors = r#"mcp_server_requests_total{mcp_method_name="tools/call",outcome="error"}"#;
    let timed = r#"mcp_server_operation_duration_seconds_count{mcp_method_name="tools/call",gen_ai_tool_name="search_docs",error_type="timeout"}"#;
    let work = || {
        let reply = call(server.mcp, "search_docs", &json!({ "query": "neverland" })).message();
        assert_eq!(reply["result"]["isError"], true);
        assert!(!reply.to_string().contains("timedOut"), "{reply}");
    };
    grows(&server, work, &[(counted, 1.0), (timed, 1.0), (errors, 0.0)]);
}

#[test]
fn texts_and_tokens_of_a_model_on_a_server_are_counted_and_so_is_what_it_refuses() {
    let server = on_a_server(&[]);
    let labels = r#"{gen_ai_provider_name="openai",gen_ai_request_model="small"}"#;
    let of = |name: &str| format!("gen_ai_client_embeddings_{name}{labels}");
    let (count, tokens, sum) =
        (of("batch_size_count"), of("operation_input_tokens_count"), of("operation_input_tokens_sum"));
    let refused = of("refused_total");
    let work = || {
        assert!(!search(&server, "one"));
        assert!(!search(&server, "two"));
        (0..3).for_each(|at| assert!(!search(&server, &format!("nonsense {at}")), "it is found by its words"));
    };
    grows(&server, work, &[(&count, 2.0), (&tokens, 2.0), (&sum, 2.0), (&refused, 3.0)]);
}

#[test]
fn protocol_errors_are_counted_by_their_code() {
    let server = Server::start();
    let of = |labels: &str| format!("mcp_server_operation_duration_seconds_count{{{labels}}}");
    let unknown = of(r#"mcp_method_name="other",error_type="-32601""#);
    let parameters = of(r#"mcp_method_name="resources/read",error_type="-32602""#);
    let counted = r#"mcp_server_requests_total{mcp_method_name="resources/read",outcome="error"}"#;
    let wrong = of(r#"mcp_method_name="tools/call",error_type="-32602""#);
    let work = || {
        drop(ask(server.mcp, "tools/call", json!({ "name": 7 }), "mcp-name: 7\r\n"));
        (0..2).for_each(|_| drop(ask(server.mcp, "no/such/method", json!({}), "")));
        (0..3).for_each(|_| {
            drop(ask(server.mcp, "resources/read", json!({ "uri": "nowhere" }), "mcp-name: nowhere\r\n"));
        });
    };
    grows(&server, work, &[(&unknown, 2.0), (&parameters, 3.0), (counted, 3.0), (&wrong, 1.0)]);
}

#[test]
fn a_call_over_stdio_is_counted_as_one_over_http_is() {
    let Some((page, replies)) = stdio::page_after(3) else { return };
    assert_eq!(replies, 3);
    let counted = r#"mcp_server_requests_total{mcp_method_name="tools/call",outcome="ok"} 3"#;
    assert!(page.lines().any(|line| line == counted), "{page}");
}

#[tokio::test]
async fn a_call_that_no_client_made_is_counted_once_too() {
    let (folder, _) = store();
    let location = Location::File(folder.path().join("a.db"));
    let handler = McpHandler::new(Library::open(&location, Arc::new(LocalEmbedder::new())).await.unwrap());
    let counted = || {
        let calls = r#"mcp_server_requests_total{mcp_method_name="tools/call",outcome="ok"}"#;
        let timed =
            r#"mcp_server_operation_duration_seconds_count{mcp_method_name="tools/call",gen_ai_tool_name="other"}"#;
        [calls, timed].map(|name| sample(name).unwrap_or(0.0))
    };
    let before = counted();
    for _ in 0..2 {
        let arguments = serde_json::Map::new();
        handler.handle_tool_call("list_sources", arguments, &Progress::of_nobody()).await.unwrap();
    }
    let wanted = if sidelight::metrics::COMPILED { 2.0 } else { 0.0 };
    for (now, before) in counted().into_iter().zip(before) {
        assert!((now - before - wanted).abs() < 0.5, "{now} after {before}");
    }
}

#[test]
fn an_exemplar_leads_to_a_trace_that_the_collector_has() {
    let collector = Collector::start();
    let server = Server::with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url), ("OTEL_TRACE_SAMPLE_RATE", "1")]);
    let Some(admin) = server.admin() else { return };
    assert!(!search(&server, "borrow"));
    let Some(_) = page(&server) else { return };
    let exemplar = || {
        let headers = "accept: application/openmetrics-text; version=1.0.0\r\n";
        let page = request(admin, "GET", "/metrics", headers, b"").text();
        let line = page.lines().find(|line| line.starts_with("mcp_server_operation") && line.contains("trace_id"))?;
        Some(line.split_once("trace_id=\"")?.1[..32].to_owned())
    };
    if !crate::running::has("tracing") {
        assert_eq!(exemplar(), None);
        return;
    }
    let trace = until(exemplar).expect("an exemplar");
    let bytes: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&trace[2 * at..2 * at + 2], 16).unwrap()).collect();
    assert!(collector.holds(&bytes), "{trace} is at the collector before it is on the page");
}

#[test]
fn what_no_handler_sees_is_counted_once_over_http_with_a_session_and_without() {
    let server = Server::start();
    let session = session(server.mcp);
    let task = r#"{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"t"}}"#;
    let counted = |method: &str| format!(r#"mcp_server_requests_total{{mcp_method_name="{method}",outcome="error"}}"#);
    let timed = r#"mcp_server_operation_duration_seconds_count{mcp_method_name="tasks/get",error_type="-32601"}"#;
    let work = || {
        (0..2).for_each(|_| drop(ask(server.mcp, "tasks/get", json!({ "taskId": "t" }), "mcp-name: t\r\n")));
        drop(in_session(server.mcp, &session, task));
        assert_eq!(request(server.mcp, "POST", "/mcp", "", task.as_bytes()).status, 415);
        let deaf = "accept: text/html\r\n";
        assert_eq!(request(server.mcp, "GET", "/mcp", deaf, b"").status, 406, "and a GET is no request of MCP");
    };
    grows(&server, work, &[(&counted("tasks/get"), 3.0), (timed, 3.0), (&counted("other"), 1.0)]);
}
