//! A TCP acceptor that nobody can hold up: a cap on connections, and limits on how long a connection may idle, take over
//! a request's head, or refuse to take a reply. A reply may take as long as it needs.

use super::{
    idle::{Idle, IdleConnections},
    leavers::Leavers,
};
use crate::metrics::{DENIED, Denial};
use poem::{
    http::uri::Scheme,
    listener::Acceptor,
    web::{LocalAddr, RemoteAddr},
};
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep, timeout},
};

/// Connections at one time; for one more, the one that has waited longest for a request makes room. Where none waits, the
/// new one is closed at once, so that its client sees it.
const CONNECTIONS_MAX: usize = 64;
/// How long room takes to be made.
const ROOM_MAX: Duration = Duration::from_secs(1);
/// From a request head's first byte to its end.
const HEAD_MAX: Duration = Duration::from_secs(5);
/// Before the first request.
const FIRST_MAX: Duration = Duration::from_secs(10);
/// Between requests: longer than any scrape interval in use.
const IDLE_MAX: Duration = Duration::from_secs(150);
/// How long a client may take nothing of a reply.
const STALL_MAX: Duration = Duration::from_secs(15);
/// After a failed accept (no file descriptors left), so as not to spin.
const BREATH: Duration = Duration::from_millis(100);

pub(crate) struct Guarded {
    listener: TcpListener,
    permits: Arc<Semaphore>,
    idle_connections: IdleConnections,
    leavers: Leavers,
}

impl Guarded {
    pub(crate) fn new(listener: TcpListener, leavers: Leavers) -> Self {
        Self {
            listener,
            permits: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            idle_connections: IdleConnections::default(),
            leavers,
        }
    }

    /// Room for one connection more; `None` where it cannot be made.
    async fn room(&self) -> Option<OwnedSemaphorePermit> {
        let permits = Arc::clone(&self.permits);
        if let Ok(permit) = Arc::clone(&permits).try_acquire_owned() {
            return Some(permit);
        }
        DENIED.add(Denial::Crowded, 1);
        if !self.idle_connections.dismiss() {
            return None;
        }
        timeout(ROOM_MAX, permits.acquire_owned()).await.ok()?.ok()
    }
}

impl Acceptor for Guarded {
    type Io = Connection;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.listener.local_addr().map(|address| LocalAddr(address.into())).into_iter().collect()
    }

    async fn accept(&mut self) -> io::Result<(Connection, LocalAddr, RemoteAddr, Scheme)> {
        loop {
            let Ok((stream, remote)) = self.listener.accept().await else {
                sleep(BREATH).await;
                continue;
            };
            let Some(permit) = self.room().await else { continue };
            let (Ok(()), Ok(local)) = (stream.set_nodelay(true), stream.local_addr()) else { continue };
            let connection = Connection {
                stream,
                phase: Phase::Idle,
                idle: Some(self.idle_connections.enter()),
                idle_connections: self.idle_connections.clone(),
                peer: remote,
                leavers: self.leavers.clone(),
                deadline: Box::pin(sleep(FIRST_MAX)),
                stalled: None,
                line_ends: 0,
                preface: Some(0),
                _permit: permit,
            };
            return Ok((connection, LocalAddr(local.into()), RemoteAddr(remote.into()), Scheme::HTTP));
        }
    }
}

/// How a client begins that knows of HTTP/2 without having asked (RFC 9113, 3.4), up to where nothing else begins so.
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// What a connection waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The next request.
    Idle,
    /// The rest of a request's head.
    Head,
    /// The reply: no limit on reading.
    Reply,
}

pub(crate) struct Connection {
    stream: TcpStream,
    phase: Phase,
    /// While it waits for a request, or for the rest of one's head: whoever is slow to ask makes room, too.
    idle: Option<Idle>,
    idle_connections: IdleConnections,
    peer: SocketAddr,
    leavers: Leavers,
    /// The end of `Idle` or `Head`.
    deadline: Pin<Box<Sleep>>,
    /// While the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    /// How many bytes of `\r\n\r\n` were the last ones.
    line_ends: u8,
    /// How many bytes of HTTP/2's own beginning were the first ones of the connection; `None` once others were.
    preface: Option<usize>,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    fn enter(&mut self, phase: Phase, limit: Duration) {
        self.phase = phase;
        if phase == Phase::Idle {
            self.idle = Some(self.idle_connections.enter());
        }
        self.deadline.as_mut().reset(Instant::now() + limit);
    }

    /// HTTP/2 without TLS would go past the limits on heads: none of those who ask here speaks it.
    fn begins_http_2(&mut self, bytes: &[u8]) -> bool {
        let Some(seen) = self.preface else { return false };
        let rest = &PREFACE[seen..];
        let common = rest.iter().zip(bytes).take_while(|(wanted, byte)| wanted == byte).count();
        self.preface = (common == bytes.len() && common < rest.len()).then_some(seen + common);
        common == rest.len()
    }

    fn look_at(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.phase == Phase::Idle {
                if matches!(byte, b'\r' | b'\n') {
                    continue; // line ends before a request are no request, and win no time
                }
                self.line_ends = 0;
                self.enter(Phase::Head, HEAD_MAX);
            }
            self.line_ends = match (self.line_ends, byte) {
                (0 | 2, b'\r') | (1 | 3, b'\n') => self.line_ends + 1,
                (_, b'\r') => 1,
                _ => 0,
            };
            if self.line_ends == 4 {
                self.line_ends = 0;
                (self.phase, self.idle) = (Phase::Reply, None);
            }
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.phase != Phase::Reply && self.deadline.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if self.idle.as_mut().is_some_and(|idle| idle.poll_told(context).is_ready()) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let bytes = &buffer.filled()[before..];
        if bytes.is_empty() {
            self.leavers.say(self.peer);
        }
        if self.begins_http_2(bytes) {
            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
        }
        self.look_at(bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, data) {
            Poll::Ready(written) => {
                self.stalled = None;
                self.enter(Phase::Idle, IDLE_MAX);
                Poll::Ready(written)
            }
            Poll::Pending => {
                let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALL_MAX)));
                ready!(stalled.as_mut().poll(context));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
