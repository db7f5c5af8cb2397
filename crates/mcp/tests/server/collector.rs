//! A receiver for OTLP over HTTP that keeps what it gets; a real collector judges the format end to end.

use crate::{
    otlp::{self, Span},
    running::until,
    wire::serve,
};
use std::{
    io::Read as _,
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// Listens until the process ends.
pub(crate) struct Collector {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        Self::replying(DONE)
    }

    /// One that gives this reply to each export.
    pub(crate) fn replying(reply: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (kept, kept_heads) = (Arc::clone(&received), Arc::clone(&heads));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (kept, heads) = (Arc::clone(&kept), Arc::clone(&kept_heads));
                thread::spawn(move || answer(&stream, &kept, &heads, reply));
            }
        });
        Self { url, received, heads }
    }

    /// Every span so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.received.lock().unwrap().iter().flat_map(|export| otlp::spans(export)).collect()
    }

    /// Waits until a span is there that is like this.
    pub(crate) fn span(&self, is: impl Fn(&Span) -> bool) -> Span {
        until(|| self.spans().into_iter().find(|span| is(span))).unwrap_or_else(|| {
            let names: Vec<String> = self.spans().into_iter().map(|span| span.name).collect();
            panic!("no such span among {names:?}")
        })
    }

    /// The heads of all exports so far, in lower case.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// How many exports came so far.
    pub(crate) fn exports(&self) -> usize {
        self.received.lock().unwrap().len()
    }

    /// Whether any export so far holds these bytes.
    pub(crate) fn holds(&self, bytes: &[u8]) -> bool {
        let received = self.received.lock().unwrap();
        received.iter().any(|export| export.windows(bytes.len()).any(|window| window == bytes))
    }

    /// Waits until one does.
    pub(crate) fn gets(&self, bytes: &[u8]) -> bool {
        until(|| self.holds(bytes).then_some(())).is_some()
    }
}

const DONE: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";

fn answer(stream: &TcpStream, kept: &Mutex<Vec<Vec<u8>>>, heads: &Mutex<Vec<String>>, reply: &str) {
    serve(stream, |head, body| {
        let head = head.to_lowercase();
        kept.lock().unwrap().push(if head.contains("content-encoding: gzip") { unpacked(&body) } else { body });
        heads.lock().unwrap().push(head);
        Some(reply.to_owned())
    });
}

fn unpacked(body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut whole).unwrap();
    whole
}
