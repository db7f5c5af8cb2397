//! Fifty requests at once, each of which works in tasks, on blocking threads and among other tasks: no span and no line may
//! carry another request's ids. The server is the example `work`.

use crate::{
    collector::Collector,
    otlp::Span,
    running::{has, until},
    wire::{self, request},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashSet},
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};
use tempfile::TempDir;

const REQUESTS: u64 = 50;

/// The example, running; its lines go to a file.
struct Work {
    child: Child,
    is_http: bool,
    collector: Collector,
    lines: PathBuf,
    _folder: TempDir,
}

impl Work {
    fn start(how: &str) -> Self {
        let binary = Path::new(env!("CARGO_BIN_EXE_mcp")).with_file_name("examples").join("work");
        assert!(binary.exists(), "`cargo build --example work` makes what this test runs");
        let (collector, folder) = (Collector::start(), tempfile::tempdir().unwrap());
        let lines = folder.path().join("lines");
        let mut command = Command::new(binary);
        command.arg(how).env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url).env_remove("RUST_LOG");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(fs::File::create(&lines).unwrap());
        Self { child: command.spawn().unwrap(), is_http: how == "http", collector, lines, _folder: folder }
    }

    fn address(&self) -> SocketAddr {
        let address = || {
            let said = fs::read_to_string(&self.lines).unwrap();
            let line = said.lines().find_map(|line| line.strip_prefix("work http://"))?;
            line.strip_suffix("/mcp")?.parse().ok()
        };
        until(address).expect("it says where it is")
    }

    /// Ends it, so that all spans are sent; gives them and the lines.
    fn end(mut self) -> (Vec<Span>, Vec<Value>) {
        drop(self.child.stdin.take());
        if self.is_http {
            let pid = self.child.id().to_string();
            assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        }
        until(|| self.child.try_wait().unwrap()).expect("it ends");
        let said = fs::read_to_string(&self.lines).unwrap();
        let lines = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        (self.collector.spans(), lines)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn job(number: u64) -> String {
    format!("job-{number}")
}
fn trace(number: u64) -> String {
    format!("{:032x}", 0xa000_0000_0000_0000_u64 + number)
}
fn caller(number: u64) -> String {
    format!("{:016x}", 0xb000_0000_0000_0000_u64 + number)
}

fn params(number: u64) -> Value {
    let traceparent = format!("00-{}-{}-01", trace(number), caller(number));
    let meta = json!({ "traceparent": traceparent, "sidelight/correlationId": job(number) });
    json!({ "name": "work", "arguments": { "job": job(number) }, "_meta": meta })
}

#[test]
fn interleaved_requests_of_2026_07_28_keep_their_ids() {
    let work = Work::start("http");
    let address = work.address();
    at_once(|number| wire::ask(address, "tools/call", params(number), "").message());
    judge(work);
}

#[test]
fn interleaved_requests_in_a_session_of_2025_11_25_keep_their_ids() {
    const ACCEPT: &str = "content-type: application/json\r\naccept: application/json, text/event-stream\r\n";
    let work = Work::start("http");
    let address = work.address();
    let hello = json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": { "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } },
    });
    let hello = request(address, "POST", "/mcp", ACCEPT, hello.to_string().as_bytes());
    let id = hello.header("mcp-session-id").unwrap().to_owned();
    let headers = format!("{ACCEPT}mcp-session-id: {id}\r\nmcp-protocol-version: 2025-11-25\r\n");
    let done = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string();
    assert_eq!(request(address, "POST", "/mcp", &headers, done.as_bytes()).status, 202);
    at_once(|number| {
        let call = json!({ "jsonrpc": "2.0", "id": number + 1, "method": "tools/call", "params": params(number) });
        request(address, "POST", "/mcp", &headers, call.to_string().as_bytes()).message()
    });
    judge(work);
}

#[test]
fn interleaved_requests_over_stdio_keep_their_ids() {
    let mut work = Work::start("stdio");
    let mut to = work.child.stdin.take().unwrap();
    let mut from = BufReader::new(work.child.stdout.take().unwrap()).lines().map(Result::unwrap);
    for line in crate::stdio::HANDSHAKE {
        writeln!(to, "{line}").unwrap();
    }
    assert!(from.next().unwrap().contains("protocolVersion"));
    for number in 0..REQUESTS {
        let call = json!({ "jsonrpc": "2.0", "id": number + 1, "method": "tools/call", "params": params(number) });
        writeln!(to, "{call}").unwrap();
    }
    for reply in from.by_ref().take(usize::try_from(REQUESTS).unwrap()) {
        let reply: Value = serde_json::from_str(&reply).unwrap();
        fits(&reply, reply["id"].as_u64().unwrap() - 1);
    }
    drop(to); // a client that leaves is the end
    judge(work);
}

/// Asks all of them at the same time.
fn at_once(ask: impl Fn(u64) -> Value + Sync) {
    thread::scope(|scope| {
        for number in 0..REQUESTS {
            let ask = &ask;
            scope.spawn(move || fits(&ask(number), number));
        }
    });
}

/// A reply belongs to its request.
fn fits(reply: &Value, number: u64) {
    assert_eq!(reply["result"]["content"][0]["text"], job(number), "{reply}");
    assert!(reply["result"]["_meta"]["sidelight/correlationId"].is_string(), "{reply}");
}

/// Who is whose child in a trace, by name.
const TREE: [(&str, &str); 7] = [
    ("plan", "tools/call work"),
    ("step asked", "plan"),
    ("step blocking", "tools/call work"),
    ("step joined", "tools/call work"),
    ("step joined", "tools/call work"),
    ("step spawned", "tools/call work"),
    ("tools/call work", ""),
];

fn judge(work: Work) {
    let (spans, lines) = work.end();
    if !has("tracing") {
        return assert!(spans.is_empty() && lines.is_empty());
    }
    let mut traces: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    for span in spans {
        traces.entry(span.trace()).or_default().push(span);
    }
    for number in 0..REQUESTS {
        let spans = traces.remove(&trace(number)).unwrap_or_default();
        let names: BTreeMap<String, &str> = spans.iter().map(|span| (span.id(), span.name.as_str())).collect();
        let mut tree: Vec<(&str, &str)> = spans
            .iter()
            .map(|span| (span.name.as_str(), names.get(&span.parent()).copied().unwrap_or_default()))
            .collect();
        tree.sort_unstable();
        assert_eq!(tree, TREE, "the trace of {}", job(number));
        let root = spans.iter().find(|span| span.name == "tools/call work").unwrap();
        assert_eq!(root.parent(), caller(number));
        let strangers = spans.iter().filter(|span| !["", &job(number)].contains(&span.attribute("job").as_str()));
        assert_eq!(strangers.count(), 0, "no span is another request's");
        assert_eq!(spans.iter().filter(|span| span.attribute("job") == job(number)).count(), 6);
        lines_fit(&lines, number, &names);
    }
    // the handshake has a trace of its own
    assert!(traces.values().flatten().all(|span| span.name == "initialize"), "{:?}", traces.keys());
}

/// Each step has its line, with the ids of its own span.
fn lines_fit(lines: &[Value], number: u64, names: &BTreeMap<String, &str>) {
    let of_job: Vec<&Value> = lines.iter().filter(|line| line["job"] == job(number)).collect();
    assert_eq!(of_job.len(), 5, "{of_job:?}");
    let ids: HashSet<&str> = of_job.iter().filter_map(|line| line["span_id"].as_str()).collect();
    assert_eq!(ids.len(), 5, "each step is a span of its own");
    for line in of_job {
        assert_eq!(line["trace_id"], trace(number), "{line}");
        let span = names.get(line["span_id"].as_str().unwrap()).copied().unwrap_or_default();
        assert!(span.starts_with("step "), "{span:?}: {line}");
    }
    let of_request = |line: &&Value| line["message"] == "request" && line["trace_id"] == trace(number);
    let requests: Vec<&Value> = lines.iter().filter(of_request).collect();
    assert_eq!(requests.len(), 1, "one line a request");
    let root = requests[0]["span_id"].as_str().unwrap();
    assert_eq!(names.get(root), Some(&"tools/call work"));
    let id = &requests[0]["correlation_id"];
    let others = lines.iter().filter(|line| line["trace_id"] == trace(number) && line["correlation_id"] != *id);
    assert_eq!(others.count(), 0, "every line of the request has its id");
}

#[test]
fn a_panic_is_a_line_with_the_ids_of_its_request_and_the_server_lives_on() {
    let work = Work::start("http");
    let address = work.address();
    let params = json!({ "name": "work", "arguments": { "job": "panic" } });
    let headers = "x-correlation-id: c-panic\r\n";
    let (own, body) = wire::modern("tools/call", params);
    let stream =
        wire::send(address, &wire::written(address, "POST", "/mcp", &format!("{own}{headers}"), body.as_bytes()));
    let panicked = || {
        let said = fs::read_to_string(&work.lines).unwrap();
        said.lines().find(|line| line.contains("\"panicked\"")).map(str::to_owned)
    };
    if has("tracing") {
        let line: Value = serde_json::from_str(&until(panicked).expect("a line")).unwrap();
        assert_eq!((&line["error"], &line["level"]), (&json!("as it was asked"), &json!("ERROR")));
        assert!(line["location"].as_str().is_some_and(|place| place.contains("work.rs")), "{line}");
        let root = work.collector.span(|span| span.name == "tools/call work");
        assert_eq!(
            (root.attribute("error.type").as_str(), line["trace_id"].as_str()),
            ("_OTHER", Some(&*root.trace()))
        );
        assert_eq!(line["span_id"], root.id());
    }
    drop(stream);
    let alive = json!({ "name": "work", "arguments": { "job": "alive" } });
    assert_eq!(wire::ask(address, "tools/call", alive, "").message()["result"]["content"][0]["text"], "alive");
}
