//! Collectors that refuse, and what is told of it. What they do to latency and memory is measured end to end.

use super::search;
use crate::{
    collector::Collector,
    running::{Server, has, until},
    wire::get,
};
use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    time::Duration,
};

const LATER: &str = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 60\r\ncontent-length: 0\r\n\r\n";
/// `partial_success { rejected_spans: 1, error_message: "no" }`.
const PARTIAL: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 8\r\n\r\n\
                       \x0a\x06\x08\x01\x12\x02no";

fn traced(reply: &'static str) -> (Collector, Server) {
    let collector = Collector::replying(reply);
    let own = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()), ("OTEL_TRACE_SAMPLE_RATE", "1")];
    let server = Server::with(&own);
    (collector, server)
}

#[test]
fn a_collector_that_asks_for_patience_is_left_alone_until_the_end() {
    let (collector, server) = traced(LATER);
    (0..3).for_each(|_| assert_eq!(search(&server, "").status, 200));
    if !has("tracing") {
        return;
    }
    server.line("traces cannot be exported");
    let tried = collector.exports();
    (0..20).for_each(|_| assert_eq!(search(&server, "").status, 200));
    std::thread::sleep(Duration::from_millis(1_500)); // longer than it would wait by itself
    assert_eq!(collector.exports(), tried, "it was told to come back in a minute");
    assert_eq!(server.lines().matches("traces cannot be exported").count(), 1, "one line for the change");
    let (status, took) = server.end();
    assert!(status.success() && took < Duration::from_secs(10), "{status} after {took:?}");
    assert!(collector.exports() > tried, "at the end it is asked once more");
}

#[test]
fn what_the_standard_variables_say_of_an_export_is_done() {
    let collector = Collector::start();
    let server = Server::with(&[
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &format!("{}/elsewhere", collector.url)),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-team=docs%20and%20more"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_TRACE_SAMPLE_RATE", "1"),
    ]);
    assert_eq!(search(&server, "").status, 200);
    if has("tracing") {
        collector.span(|span| span.name == "tools/call search_docs");
        let heads = collector.heads();
        let all = |wanted: &str| heads.iter().all(|head| head.contains(wanted));
        assert!(all("post /elsewhere ") && all("x-team: docs and more") && all("content-encoding: gzip"), "{heads:?}");
    }
}

#[test]
fn a_proxy_carries_https_and_nothing_else() {
    let (collector, proxy) = (Collector::start(), TcpListener::bind("127.0.0.1:0").unwrap());
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let with = |endpoint: &str| {
        let proxy = [("ALL_PROXY", address.as_str()), ("NO_PROXY", "")];
        let own = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("OTEL_TRACE_SAMPLE_RATE", "1")];
        let server = Server::with(&[proxy, own].concat());
        assert_eq!(search(&server, "").status, 200);
        server
    };
    let _plain = with(&collector.url);
    if has("tracing") {
        collector.span(|span| span.name == "tools/call search_docs");
        assert!(proxy.accept().is_err(), "nobody came");
        let _secret = with("https://collector.invalid:4318");
        let (stream, _) = until(|| proxy.accept().ok()).expect("it is asked for a way");
        stream.set_nonblocking(false).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        assert!(line.starts_with("CONNECT collector.invalid:4318 "), "{line}");
    }
}

#[test]
fn a_collector_that_redirects_gets_the_keys_of_nobody_to_follow_it() {
    const ELSEWHERE: &str =
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/v1/traces\r\ncontent-length: 0\r\n\r\n";
    let (_collector, server) = traced(ELSEWHERE);
    assert_eq!(search(&server, "").status, 200);
    if has("tracing") {
        let line = server.line("traces cannot be exported");
        assert!(line.contains("307"), "{line}");
    }
}

#[test]
fn an_address_that_is_none_is_told_and_nothing_waits_for_it() {
    let server = Server::with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense"), ("OTEL_TRACE_SAMPLE_RATE", "1")]);
    assert_eq!(search(&server, "").status, 200);
    if has("tracing") {
        assert!(server.line("traces are not exported").contains("OTEL_EXPORTER_OTLP_ENDPOINT"));
    }
    let (status, took) = server.end();
    assert!(status.success() && took < Duration::from_secs(10), "{status} after {took:?}");
}

#[test]
fn spans_that_a_collector_rejects_are_counted_and_told_and_are_no_exemplars() {
    let (_collector, server) = traced(PARTIAL);
    assert_eq!(search(&server, "").status, 200);
    if !has("tracing") {
        return;
    }
    let line = server.line("the collector rejects spans");
    assert!(line.contains("\"why\":\"no\""), "{line}");
    if has("metrics") {
        let admin = server.admin().unwrap();
        let rejected = r#"sidelight_dropped_total{signal="traces",reason="rejected"} 1"#;
        assert!(until(|| get(admin, "/metrics").text().contains(rejected).then_some(())).is_some());
        let accept = "accept: application/openmetrics-text\r\n";
        let page = crate::wire::request(admin, "GET", "/metrics", accept, b"").text();
        assert!(page.contains("# EOF") && !page.contains("trace_id="), "nobody knows which ones are there");
    }
}
