//! A receiver for OTLP over HTTP that keeps what it gets. Knows protobuf only as bytes in which names and ids stand as they
//! are; a real collector judges the format end to end.

use crate::{running::until, wire::serve};
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
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                thread::spawn(move || answer(&stream, &kept));
            }
        });
        Self { url, received }
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

fn answer(stream: &TcpStream, kept: &Mutex<Vec<Vec<u8>>>) {
    serve(stream, |body| {
        kept.lock().unwrap().push(body);
        Some(DONE.to_owned())
    });
}
