//! Replies that are streams: counted, at most so many at a time (the one that said nothing for the longest time is ended
//! first), and all ended with a last comment when the server ends. What their clients have not taken yet is bounded in all:
//! a large piece is handed on bit by bit, and when too much is held, the client that took nothing for the longest time
//! loses its reply. Other replies pass through untouched.

use crate::{
    metrics::{STREAM, STREAMS, STREAMS_CLOSED, StreamEnd, UNREAD},
    minutely::Minutely,
};
use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderValue, header::CONTENT_TYPE},
    response::Response,
};
use http_body::{Frame, SizeHint};
use sidelight::operation::Begun;
use sidelight_rmcp::RequestSlot;
use std::{
    collections::BTreeMap,
    convert::Infallible,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// The open streams of this process. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Streams(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    open: Mutex<Open>,
    most: usize,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    streams: BTreeMap<u64, Entry>,
    /// Those that were not told to end.
    counted: usize,
    unread: usize,
}

#[derive(Debug)]
struct Entry {
    spoke: Instant,
    ended: CancellationToken,
    /// Open for as long as its client likes.
    lasting: bool,
    /// It was told to end, and does not count any more.
    told: bool,
    /// What is left of a large piece, and how much memory that takes.
    rest: Bytes,
    held: usize,
    /// Its rest was taken away.
    is_lost: bool,
}

impl Streams {
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Shared { open: Mutex::default(), most }))
    }

    /// Takes a reply under watch, if it is a stream; one that is `lasting` answers no request.
    pub(crate) fn watch(&self, response: Response, slot: RequestSlot, lasting: bool) -> Response {
        let is_stream = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        if !is_stream.is_some_and(|it| it.starts_with(b"text/event-stream")) {
            slot.written(response.body().size_hint().exact().unwrap_or_default());
            return response;
        }
        let (number, ended) = self.enter(lasting);
        let place = Place { streams: self.clone(), number };
        response.map(|body| {
            Body::new(Watched {
                body,
                ended: Box::pin(ended.clone().cancelled_owned()),
                token: ended,
                said: false,
                has_rest: false,
                place,
                seen: Seen { run: lasting.then(|| STREAM.begin(())), slot, bytes: 0, end: "client" },
            })
        })
    }

    /// Ends every stream that answers no request: it would never end by itself.
    pub(crate) fn end_lasting(&self) {
        self.end(|entry| entry.lasting);
    }

    /// Ends every stream.
    pub(crate) fn end_all(&self) {
        self.end(|_| true);
    }

    fn end(&self, which: impl Fn(&Entry) -> bool) {
        let mut open = self.open();
        for entry in open.streams.values_mut().filter(|entry| !entry.told && which(entry)) {
            entry.tell(StreamEnd::Ending);
        }
        open.counted = open.streams.values().filter(|entry| !entry.told).count();
    }

    fn enter(&self, lasting: bool) -> (u64, CancellationToken) {
        let mut open = self.open();
        if open.counted >= self.0.most
            // those that answer nothing before those that do
            && let Some(silent) = open.streams.values_mut().filter(|it| !it.told).min_by_key(|it| (!it.lasting, it.spoke))
        {
            silent.tell(StreamEnd::Crowded);
            open.counted -= 1;
        }
        open.counted += 1;
        let (number, ended) = (open.next, CancellationToken::new());
        open.next += 1;
        let (spoke, rest) = (Instant::now(), Bytes::new());
        let entry = Entry { spoke, ended: ended.clone(), lasting, told: false, rest, held: 0, is_lost: false };
        open.streams.insert(number, entry);
        STREAMS.add((), 1);
        (number, ended)
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn tell(&mut self, end: StreamEnd) {
        static CROWDED: Minutely = Minutely::new();
        static UNREAD: Minutely = Minutely::new();
        let (often, why) = match end {
            StreamEnd::Unread => (Some(&UNREAD), "replies were broken off whose clients did not read them"),
            StreamEnd::Crowded => (Some(&CROWDED), "streams were ended, as there are as many as there may be"),
            StreamEnd::Ending => (None, ""),
        };
        if let Some(times) = often.and_then(Minutely::tells) {
            sidelight::warn!("there is no room", why = why, times = times);
        }
        STREAMS_CLOSED.add(end, 1);
        self.told = true;
        self.ended.cancel();
    }

    /// Its rest is gone; gives how much that was.
    fn lose(&mut self) -> usize {
        self.is_lost = true;
        self.rest = Bytes::new();
        self.tell(StreamEnd::Unread);
        std::mem::take(&mut self.held)
    }
}

impl Open {
    /// Holds a large piece, and makes room for it.
    fn hold(&mut self, number: u64, piece: Bytes) {
        self.release(number);
        self.unread += piece.len();
        if let Some(entry) = self.streams.get_mut(&number) {
            (entry.held, entry.rest) = (piece.len(), piece);
        }
        while self.unread > UNREAD_BYTES_MAX {
            let others = self.streams.iter_mut().filter(|(other, entry)| **other != number && entry.held > 0);
            let slowest = others.map(|(_, entry)| entry).min_by_key(|entry| entry.spoke);
            let Some(slowest) = slowest.filter(|entry| entry.spoke.elapsed() > SLOW) else { break };
            self.counted -= usize::from(!slowest.told);
            self.unread -= slowest.lose();
        }
        self.show();
    }

    fn release(&mut self, number: u64) {
        if let Some(entry) = self.streams.get_mut(&number) {
            self.unread -= std::mem::take(&mut entry.held);
            self.show();
        }
    }

    fn show(&self) {
        UNREAD.set((), i64::try_from(self.unread).unwrap_or(i64::MAX));
    }
}

/// A stream's entry; gone with the stream.
struct Place {
    streams: Streams,
    number: u64,
}

impl Place {
    fn spoke(&self) {
        if let Some(entry) = self.streams.open().streams.get_mut(&self.number) {
            entry.spoke = Instant::now();
        }
    }

    /// A large piece is handed on bit by bit.
    fn first_of(&self, piece: &[u8]) -> Bytes {
        // a copy: what it was written into may be twice as large
        self.streams.open().hold(self.number, Bytes::copy_from_slice(piece));
        self.next().unwrap_or_default()
    }

    /// The next bit of a large piece; `None` if it was taken away.
    fn next(&self) -> Option<Bytes> {
        let mut open = self.streams.open();
        let entry = open.streams.get_mut(&self.number).filter(|entry| !entry.is_lost)?;
        entry.spoke = Instant::now();
        let bit = entry.rest.split_to(BIT.min(entry.rest.len()));
        if entry.rest.is_empty() {
            open.release(self.number);
        }
        Some(bit)
    }

    fn has_rest(&self) -> bool {
        self.streams.open().streams.get(&self.number).is_some_and(|entry| !entry.rest.is_empty() || entry.is_lost)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.open();
        open.release(self.number);
        let gone = open.streams.remove(&self.number);
        open.counted -= usize::from(gone.is_some_and(|entry| !entry.told));
        STREAMS.add((), -1);
    }
}

/// A stream under watch.
struct Watched {
    body: Body,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    token: CancellationToken,
    said: bool,
    /// Something of a large piece may be left.
    has_rest: bool,
    place: Place,
    seen: Seen,
}

/// What is told of a stream when it is over, in the trace of the request whose reply it was: which ends here, too.
struct Seen {
    run: Option<Begun<Infallible>>,
    slot: RequestSlot,
    bytes: u64,
    /// Who ended it: it was `complete`, the `client` left, or the `server` needed its place.
    end: &'static str,
}

impl Seen {
    /// A reply begins with its first message: in a session its head, and an event that names it, are there before anybody has
    /// the request.
    fn give(&mut self, bytes: Bytes) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.run.is_none() && bytes.windows(MESSAGE.len()).any(|part| part == MESSAGE) {
            self.run = Some(STREAM.begin(()));
        }
        self.bytes += bytes.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        let silent = || (self.bytes > 0).then(|| STREAM.begin(())); // it never had a message
        if let Some(run) = self.run.take().or_else(silent) {
            let notes = [("mcp.stream.bytes", self.bytes.into()), ("mcp.stream.end", self.end.into())];
            self.slot.context().run(|| run.end(&Ok(()), &notes));
        }
        self.slot.written(self.bytes);
    }
}

/// How the data of an event that is a message begins.
const MESSAGE: &[u8] = b"data: {";
/// A comment, which a client's parser passes over and a person's eye finds.
const LAST_WORDS: &[u8] = b": the server ends this stream; ask again\n\n";

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        poller: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if this.said {
            return Poll::Ready(None);
        }
        if this.has_rest {
            let Some(bit) = this.place.next() else {
                this.seen.end = "server";
                let lost = io::Error::other("the client did not read");
                return Poll::Ready(Some(Err(axum::Error::new(lost))));
            };
            this.has_rest = this.place.has_rest();
            return this.seen.give(bit);
        }
        if this.token.is_cancelled() || this.ended.as_mut().poll(poller).is_ready() {
            (this.said, this.seen.end) = (true, "server");
            return this.seen.give(Bytes::from_static(LAST_WORDS));
        }
        match ready!(Pin::new(&mut this.body).poll_frame(poller)) {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(bytes) if bytes.len() > BIT => {
                    this.has_rest = true;
                    let bit = this.place.first_of(&bytes);
                    this.seen.give(bit)
                }
                Ok(bytes) => {
                    this.place.spoke();
                    this.seen.give(bytes)
                }
                Err(other) => Poll::Ready(Some(Ok(other))),
            },
            None => {
                this.seen.end = "complete";
                Poll::Ready(None)
            }
            failed @ Some(Err(_)) => Poll::Ready(failed),
        }
    }

    fn is_end_stream(&self) -> bool {
        !self.has_rest && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// A larger piece is handed on in bits of this size: as much as a connection takes at once.
const BIT: usize = 64 * 1024;
/// What clients in all may leave unread of large pieces.
const UNREAD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Whoever takes a bit now and then keeps its reply.
const SLOW: Duration = Duration::from_millis(100);

#[cfg(test)]
#[path = "streams_test.rs"]
mod tests;
