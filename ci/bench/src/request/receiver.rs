//! A receiver of OTLP over HTTP that takes everything at once, in a process of its own so that its CPU time is nobody's. It
//! counts spans, and keeps none. Knows one path and no compression.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use std::{
    env,
    io::{self, BufRead, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
};

/// A receiver that runs.
#[derive(Debug)]
pub(crate) struct Receiver {
    process: Child,
    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` has to say.
    pub(crate) endpoint: String,
}

impl Receiver {
    pub(crate) fn start() -> Result<Self, String> {
        let why = |error: io::Error| format!("the receiver cannot be started: {error}");
        let program = env::current_exe().map_err(why)?;
        let mut command = Command::new(program);
        let mut process = command.arg("receive").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(why)?;
        let said = process.stdout.as_mut().map(|it| BufReader::with_capacity(1, it)); // nothing is read ahead
        let mut endpoint = String::new();
        said.expect("it is piped").read_line(&mut endpoint).map_err(why)?;
        Ok(Self { process, endpoint: endpoint.trim().to_owned() })
    }

    /// Ends it, and gives the spans that it was sent.
    pub(crate) fn end(self) -> Result<u64, String> {
        // its standard input is closed by waiting, which ends it
        let output = self.process.wait_with_output().map_err(|error| format!("the receiver: {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        said.trim().parse().map_err(|_| format!("the receiver said no number: {said}"))
    }
}

/// The receiver's process: says where it listens, and how many spans it was sent once its standard input is closed.
///
/// # Errors
/// When it cannot listen.
pub fn receive() -> Result<(), String> {
    let why = |error: io::Error| format!("the receiver: {error}");
    let listener = TcpListener::bind("127.0.0.1:0").map_err(why)?;
    say(&format!("http://{}", listener.local_addr().map_err(why)?)).map_err(why)?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(&stream));
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink()).map_err(why)?;
    say(&SPANS.load(Relaxed).to_string()).map_err(why)
}

static SPANS: AtomicU64 = AtomicU64::new(0);

fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

/// Answers one connection until it is closed.
fn serve(stream: &TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(body) = body(&mut reader)? {
        SPANS.fetch_add(spans(&body), Relaxed);
        let mut writer = stream;
        writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")?;
    }
    Ok(())
}

/// The body of the next request; `None` when there is none.
fn body(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap_or_default();
            }
            None if line == "\r\n" => break,
            _ => (),
        }
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    Ok(Some(body))
}

fn spans(body: &[u8]) -> u64 {
    let request = ExportTraceServiceRequest::decode(body).unwrap_or_default();
    let scopes = request.resource_spans.iter().flat_map(|it| &it.scope_spans);
    scopes.map(|it| it.spans.len() as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

    #[test]
    fn spans_of_all_scopes_are_counted() {
        let scope = |spans| ScopeSpans { spans: vec![Span::default(); spans], ..ScopeSpans::default() };
        let resource = ResourceSpans { scope_spans: vec![scope(2), scope(3)], ..ResourceSpans::default() };
        let request = ExportTraceServiceRequest { resource_spans: vec![resource.clone(), resource] };
        assert_eq!(spans(&request.encode_to_vec()), 10);
    }

    #[test]
    fn bodies_follow_each_other_on_a_connection() {
        let mut sent =
            &b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nabPOST / HTTP/1.1\r\ncontent-length: 1\r\n\r\nc"[..];
        assert_eq!(body(&mut sent).unwrap().unwrap(), b"ab");
        assert_eq!(body(&mut sent).unwrap().unwrap(), b"c");
        assert!(body(&mut sent).unwrap().is_none());
    }
}
