//! A receiver for OTLP over HTTP that keeps what it gets; a real collector judges the format end to end.

use crate::{
    otlp::{self, Span},
    running::until,
    wire::serve,
};
use std::{
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// Listens until the process ends.
pub(crate) struct Collector {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
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
        let kept = Arc::clone(&received);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                thread::spawn(move || answer(&stream, &kept, reply));
            }
        });
        Self { url, received }
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

fn answer(stream: &TcpStream, kept: &Mutex<Vec<Vec<u8>>>, reply: &str) {
    serve(stream, |_, body| {
        kept.lock().unwrap().push(body);
        Some(reply.to_owned())
    });
}
