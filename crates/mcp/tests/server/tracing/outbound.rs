//! What a call that leaves the process carries: the trace, its state, the correlation id.

use super::{PARENT, search};
use crate::{
    collector::Collector,
    running::{Server, has},
    wire::serve,
};
use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

/// A model that keeps the heads of its requests.
fn model() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/embeddings", listener.local_addr().unwrap());
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heads);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let kept = Arc::clone(&kept);
            thread::spawn(move || {
                serve(&stream, |head, body| {
                    kept.lock().unwrap().push(head.to_lowercase());
                    let texts = String::from_utf8_lossy(&body).matches("\\n").count().max(1);
                    let asked: serde_json::Value = serde_json::from_slice(&body).unwrap();
                    let count = asked["input"].as_array().map_or(texts, Vec::len);
                    let data: Vec<_> = (0..count)
                        .map(|index| serde_json::json!({ "index": index, "embedding": [1.0, 0.5] }))
                        .collect();
                    let reply = serde_json::json!({ "data": data }).to_string();
                    Some(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{reply}", reply.len()))
                });
            });
        }
    });
    (url, heads)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn a_call_to_a_model_is_part_of_its_request_and_carries_its_id() {
    let (collector, (url, heads)) = (Collector::start(), model());
    let server = Server::with(&[
        ("EMBEDDINGS_URL", &url),
        ("EMBEDDINGS_MODEL", "small"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url),
        ("OTEL_PROPAGATORS", "tracecontext,jaeger"),
    ]);
    let sent = format!("x-correlation-id: out-1\r\ntraceparent: {PARENT}-01\r\ntracestate: vendor=1\r\n");
    assert_eq!(search(&server, &sent).status, 200);
    let heads = heads.lock().unwrap();
    let own = heads.iter().find(|head| header(head, "x-correlation-id") == Some("out-1"));
    assert_eq!(own.is_some(), has("tracing"));
    let Some(own) = own else { return };
    let embedding =
        collector.span(|span| span.name == "embeddings small" && span.attribute("correlation_id") == "out-1");
    let (trace, span) = (embedding.trace(), embedding.id());
    assert_eq!(header(own, "traceparent"), Some(&*format!("00-{trace}-{span}-01")));
    assert_eq!(header(own, "tracestate"), Some("vendor=1"));
    assert_eq!(header(own, "uber-trace-id"), Some(&*format!("{trace}:{span}:0:1")));
}
