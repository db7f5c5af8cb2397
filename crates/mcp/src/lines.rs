//! MCP over standard input and output: a message a line. A line that is no message is answered, so that a client that waits for
//! its reply learns why there is none.

use crate::{
    intake::BODY_BYTES_MAX,
    message::{self, Unreadable},
    refusal::{INVALID_REQUEST, Refusal},
};
use axum::http::StatusCode;
use rmcp::{
    RoleServer,
    model::{ClientJsonRpcMessage, ClientNotification, RequestId, ServerJsonRpcMessage},
    transport::Transport,
};
use std::{
    collections::HashSet,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    sync::{Notify, mpsc, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// The transport of one client.
pub(crate) struct Lines<R> {
    input: BufReader<R>,
    line: Vec<u8>,
    /// The line is longer than any may be, and is passed over to its end.
    is_passed_over: bool,
    /// A client has asked something. What it tells before that is of no handshake, and is passed over.
    has_begun: bool,
    /// A reply that is still to be sent: `receive` may be given up at any time.
    reply: Option<Vec<u8>>,
    output: mpsc::Sender<Line>,
    open: Arc<Open>,
    told: CancellationToken,
    grace: Duration,
}

/// Requests that are not answered yet.
#[derive(Default)]
struct Open {
    requests: Mutex<HashSet<RequestId>>,
    fewer: Notify,
}

impl Open {
    fn requests(&self) -> MutexGuard<'_, HashSet<RequestId>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrives(&self, message: &ClientJsonRpcMessage) {
        match message {
            ClientJsonRpcMessage::Request(request) => drop(self.requests().insert(request.id.clone())),
            ClientJsonRpcMessage::Notification(note) => {
                if let ClientNotification::CancelledNotification(taken_back) = &note.notification {
                    taken_back.params.request_id.iter().for_each(|id| self.ends(id)); // it is not answered
                }
            }
            _ => {}
        }
    }

    fn ends(&self, id: &RequestId) {
        self.requests().remove(id);
        self.fewer.notify_waiters();
    }

    async fn none(&self) {
        loop {
            let fewer = self.fewer.notified();
            if self.requests().is_empty() {
                return;
            }
            fewer.await;
        }
    }
}

struct Line {
    bytes: Vec<u8>,
    written: Option<oneshot::Sender<io::Result<()>>>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(input: R, output: impl AsyncWrite + Unpin + Send + 'static) -> Self {
        let (sender, lines) = mpsc::channel(WAITING_MAX);
        tokio::spawn(write(lines, output));
        Self {
            input: BufReader::new(input),
            line: Vec::new(),
            is_passed_over: false,
            has_begun: false,
            reply: None,
            output: sender,
            open: Arc::default(),
            told: CancellationToken::new(),
            grace: Duration::ZERO,
        }
    }

    /// Ends when it is told to: what is asked already is answered, if that takes no longer than the grace.
    pub(crate) fn until(self, told: CancellationToken, grace: Duration) -> Self {
        Self { told, grace, ..self }
    }

    /// A whole line, or `None` at the end. Given up half-way, it goes on where it was.
    async fn read(&mut self) -> io::Result<Option<()>> {
        loop {
            let available = self.input.fill_buf().await?;
            if available.is_empty() {
                // the last line may lack its end
                let is_there = self.is_passed_over || !self.line.is_empty();
                return Ok(is_there.then_some(()));
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(available.len());
            if self.line.len() + taken > LINE_BYTES_MAX {
                self.is_passed_over = true;
                self.line = Vec::new();
            }
            if !self.is_passed_over {
                self.line.extend_from_slice(&available[..taken]);
            }
            self.input.consume(taken + usize::from(end.is_some()));
            if end.is_some() {
                return Ok(Some(()));
            }
        }
    }

    /// The message of the line that was read; `None` for an empty one.
    fn message(&mut self) -> Option<Result<ClientJsonRpcMessage, Unreadable>> {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.is_passed_over) {
            let why = format!("a message has at most {LINE_BYTES_MAX} bytes");
            return Some(Err(Unreadable { code: INVALID_REQUEST, why, id: serde_json::Value::Null }));
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        Some(message::read(&line).and_then(|read| {
            serde_json::from_slice(&read.bytes).map_err(|error| {
                let why = format!("it is no request, notification or reply that MCP knows: {error}");
                Unreadable { code: INVALID_REQUEST, why, id: read.id }
            })
        }))
    }
}

impl<R: AsyncRead + Unpin + Send> Transport<RoleServer> for Lines<R> {
    type Error = io::Error;

    fn send(&mut self, message: ServerJsonRpcMessage) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let (output, open) = (self.output.clone(), Arc::clone(&self.open));
        let id = match &message {
            ServerJsonRpcMessage::Response(reply) => Some(reply.id.clone()),
            ServerJsonRpcMessage::Error(reply) => reply.id.clone(),
            _ => None,
        };
        async move {
            let bytes = serde_json::to_vec(&message)?;
            let (written, told) = oneshot::channel();
            let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
            output.send(Line { bytes, written: Some(written) }).await.map_err(|_| gone())?;
            let result = told.await.map_err(|_| gone());
            if let Some(id) = &id {
                open.ends(id);
            }
            result?
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            if self.reply.is_some() {
                let place = self.output.reserve().await.ok()?;
                place.send(Line { bytes: self.reply.take()?, written: None });
            }
            let told = self.told.clone();
            let read = tokio::select! {
                read = self.read() => read,
                () = told.cancelled() => {
                    let _ = timeout(self.grace, self.open.none()).await; // or they are given up
                    return None;
                }
            };
            match read {
                Ok(Some(())) => {}
                Ok(None) => return None,
                Err(error) => {
                    sidelight::warn!("standard input cannot be read", error = error.to_string());
                    return None;
                }
            }
            match self.message() {
                Some(Ok(message)) => {
                    self.has_begun |= matches!(message, ClientJsonRpcMessage::Request(_));
                    if !self.has_begun {
                        continue;
                    }
                    self.open.arrives(&message);
                    return Some(message);
                }
                Some(Err(Unreadable { code, why, id })) => {
                    sidelight::warn!("a line is no message", why = why.as_str());
                    let refusal = Refusal { id, ..Refusal::new(StatusCode::BAD_REQUEST, code, why) };
                    self.reply = Some(refusal.message().to_string().into_bytes());
                }
                None => {}
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn write(mut lines: mpsc::Receiver<Line>, mut output: impl AsyncWrite + Unpin) {
    while let Some(Line { mut bytes, written }) = lines.recv().await {
        bytes.push(b'\n');
        let result = match output.write_all(&bytes).await {
            Ok(()) => output.flush().await,
            failed => failed,
        };
        let is_gone = result.is_err();
        if let Some(written) = written {
            let _ = written.send(result); // whoever sent it has given up
        }
        if is_gone {
            return; // nobody reads any more
        }
    }
}

/// The longest line: as long as a body over HTTP.
const LINE_BYTES_MAX: usize = BODY_BYTES_MAX;
/// Replies that wait to be written.
const WAITING_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};

    /// What is received of these lines, and what is answered by itself.
    async fn said(lines: &[u8]) -> (Vec<Value>, Vec<Value>) {
        let (output, mut answers): (DuplexStream, _) = duplex(1 << 20);
        let mut transport = Lines::new(lines, output);
        let mut received = Vec::new();
        while let Some(message) = transport.receive().await {
            received.push(serde_json::to_value(message).unwrap());
        }
        drop(transport);
        let mut text = String::new();
        answers.read_to_string(&mut text).await.unwrap();
        (received, text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    #[tokio::test]
    async fn a_line_that_is_no_message_is_answered_and_the_next_one_is_read() {
        let ping = json!({ "jsonrpc": "2.0", "id": 8, "method": "ping" });
        for (bad, code) in [
            (&b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/li"[..], -32_700),
            (b"\xe9", -32_700),
            (b"[]", -32_600),
            (b"{\"jsonrpc\":\"2.0\",\"id\":7}", -32_600),
        ] {
            let (received, answered) = said(&[bad, b"\n\r\n", ping.to_string().as_bytes(), b"\n"].concat()).await;
            assert_eq!((received.len(), answered.len()), (1, 1), "{answered:?}");
            assert_eq!((&received[0]["id"], &answered[0]["error"]["code"]), (&json!(8), &json!(code)));
        }
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_answered_without_being_kept() {
        let long = [vec![b' '; 3 * LINE_BYTES_MAX], b"\n{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"ping\"}\n".to_vec()]
            .concat();
        let (received, answered) = said(&long).await;
        assert_eq!((received.len(), answered.len()), (1, 1));
        assert!(answered[0]["error"]["message"].as_str().unwrap().contains("at most"));
    }

    #[tokio::test]
    async fn the_last_line_is_a_message_without_its_end_and_one_that_is_torn_is_told() {
        let (received, answered) = said(br#"{"jsonrpc":"2.0","id":8,"method":"ping"}"#).await;
        assert_eq!((received.len(), answered.len()), (1, 0));
        let (received, answered) = said(br#"{"jsonrpc":"2.0","id":8,"met"#).await;
        assert_eq!((received.len(), &answered[0]["error"]["code"]), (0, &json!(-32_700)));
    }

    #[tokio::test]
    async fn what_is_told_before_the_first_request_is_passed_over_and_so_is_a_byte_order_mark() {
        let note = b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";
        let ping = b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"ping\"}\n";
        let (received, answered) = said(&[&note[..], ping, note].concat()).await;
        assert_eq!((received.len(), answered.len()), (2, 0));
        assert_eq!(received[0]["id"], 8);
    }

    #[tokio::test]
    async fn whole_numbers_are_taken_however_they_are_written() {
        let (received, _) = said(b"{\"jsonrpc\":\"2.0\",\"id\":8.0,\"method\":\"ping\"}\n").await;
        assert_eq!(received[0]["id"], 8);
    }
}
