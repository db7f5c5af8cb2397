//! One connection to the public listener: what it is about just now, and its bytes, which keep it within its limits. A head must
//! be whole in time however slowly it drips, a reply must be read, and whoever is refused while still sending gets to read
//! why: the socket is not closed under a body, which would take the refusal back.

use crate::{
    limits::Limits,
    metrics::{CONNECTIONS_CLOSED, ConnectionEnd},
    minutely::Minutely,
};
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// What a connection is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing has come yet.
    Fresh,
    /// A head has begun.
    Head,
    /// The head is there, and the body comes.
    Sending,
    /// The request is being answered.
    Working,
    /// The reply is being written.
    Writing,
    /// It could not be written: the client does not read.
    Stalled,
    /// Between two requests.
    Kept,
    /// All is said; what the client still sends is passed over.
    Lingering,
}

/// What is known of a connection. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Connection(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    evicted: CancellationToken,
}

#[derive(Clone, Copy, Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// Its last reply says that it ends, and its request may not be read to the end.
    ends: bool,
}

impl Connection {
    pub(crate) fn new() -> Self {
        let state = State { phase: Phase::Fresh, since: Instant::now(), ends: false };
        Self(Arc::new(Shared { state: Mutex::new(state), evicted: CancellationToken::new() }))
    }

    /// What it is about, and since when.
    pub(crate) fn phase(&self) -> (Phase, Instant) {
        let state = self.state();
        (state.phase, state.since)
    }

    pub(crate) fn enter(&self, phase: Phase) {
        let mut state = self.state();
        (state.phase, state.since) = (phase, Instant::now());
    }

    fn enter_from(&self, from: &[Phase], to: Phase) {
        if from.contains(&self.state().phase) {
            self.enter(to);
        }
    }

    /// Says that its reply is the last one.
    pub(crate) fn ends(&self) {
        self.state().ends = true;
    }

    /// Whether its client may be in the middle of a request that is not read.
    fn may_still_send(&self) -> bool {
        let state = self.state();
        state.ends || !matches!(state.phase, Phase::Fresh | Phase::Kept)
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.0.evicted.is_cancelled()
    }

    /// Its place is needed.
    pub(crate) fn evict(&self) {
        self.0.evicted.cancel();
    }

    pub(crate) async fn evicted(&self) {
        self.0.evicted.cancelled().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Its bytes.
pub(crate) struct Guarded {
    stream: TcpStream,
    connection: Connection,
    limits: Limits,
    timer: Pin<Box<Sleep>>,
    passed_over: usize,
    shut: Option<Instant>,
    lingers: bool,
}

impl Guarded {
    pub(crate) fn new(stream: TcpStream, connection: Connection, limits: Limits) -> Self {
        let timer = Box::pin(sleep_until(Instant::now()));
        Self { stream, connection, limits, timer, passed_over: 0, shut: None, lingers: false }
    }

    /// Whether the phase has lasted for too long.
    fn is_late(&mut self, limit: Duration, since: Instant, poller: &mut Context<'_>) -> bool {
        let deadline = since + limit;
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        self.timer.as_mut().poll(poller).is_ready()
    }

    fn late(&self, end: ConnectionEnd) -> io::Error {
        closed(end);
        self.connection.enter(Phase::Lingering);
        io::ErrorKind::TimedOut.into()
    }

    /// Nothing has come: either that is fine, or the client is late.
    fn waits(&mut self, poller: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (phase, since) = self.connection.phase();
        let (limit, end) = match phase {
            Phase::Fresh => (self.limits.idle.min(FRESH), ConnectionEnd::Idle),
            Phase::Kept => (self.limits.idle, ConnectionEnd::Idle),
            Phase::Head => (self.limits.head, ConnectionEnd::SlowHead),
            _ => return Poll::Pending,
        };
        if self.is_late(limit, since, poller) { Poll::Ready(Err(self.late(end))) } else { Poll::Pending }
    }

    fn written(&mut self, written: Poll<io::Result<usize>>, poller: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.connection.enter_from(&[Phase::Stalled], Phase::Writing);
            return written;
        }
        self.connection.enter_from(&[Phase::Writing, Phase::Kept, Phase::Working], Phase::Stalled);
        let (phase, since) = self.connection.phase();
        if phase == Phase::Stalled && self.is_late(self.limits.write, since, poller) {
            return Poll::Ready(Err(self.late(ConnectionEnd::Stalled)));
        }
        Poll::Pending
    }

    /// Passes over what the client still sends, for a while.
    fn linger(&mut self, poller: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut part = [0; 16 * 1024];
        while self.passed_over < LINGER_BYTES && self.shut.is_none_or(|shut| shut.elapsed() < LINGER) {
            let (_, since) = self.connection.phase();
            let mut part = ReadBuf::new(&mut part);
            match Pin::new(&mut self.stream).poll_read(poller, &mut part) {
                Poll::Pending if self.is_late(LINGER_IDLE, since, poller) => break,
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !part.filled().is_empty() => {
                    self.passed_over += part.filled().len();
                    self.connection.enter(Phase::Lingering); // anew: it still sends
                }
                Poll::Ready(_) => break, // the client has left
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, poller: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(poller, buffer);
        if read.is_pending() {
            return self.waits(poller);
        }
        if buffer.filled().len() > before {
            self.connection.enter_from(&[Phase::Fresh, Phase::Kept], Phase::Head);
        }
        read
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, poller: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(poller, bytes);
        self.written(written, poller)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        poller: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(poller, bytes);
        self.written(written, poller)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(poller)
    }

    /// Says that nothing more comes, and then waits a little for a client that is still sending: a socket that is closed with
    /// bytes unread is reset, and the client would lose the reply.
    fn poll_shutdown(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.shut.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(poller))?;
            self.shut = Some(Instant::now());
            self.lingers = self.connection.may_still_send();
            self.connection.enter(Phase::Lingering);
        }
        if self.lingers { self.linger(poller) } else { Poll::Ready(Ok(())) }
    }
}

/// How long a client may be connected and say nothing at all.
const FRESH: Duration = Duration::from_mins(1);
/// How long what a refused client sends is passed over, while it sends something, and how much of it. It makes room for others
/// before all.
const LINGER: Duration = Duration::from_secs(30);
const LINGER_IDLE: Duration = Duration::from_secs(3);
const LINGER_BYTES: usize = 64 * 1024 * 1024;

/// A connection was closed by us, for this reason.
pub(crate) fn closed(end: ConnectionEnd) {
    static CROWDED: Minutely = Minutely::new();
    CONNECTIONS_CLOSED.add(end, 1);
    if end == ConnectionEnd::Crowded
        && let Some(times) = CROWDED.tells()
    {
        sidelight::warn!("connections were closed that were idle or slow, as there is no room", times = times);
    }
}
