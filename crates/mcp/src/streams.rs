//! Replies that are streams: counted, at most so many at a time (the one that said nothing for the longest time is ended
//! first), and all ended with a last comment when the server ends. Other replies pass through untouched.

use crate::metrics::{STREAM, STREAMS, STREAMS_CLOSED, StreamEnd};
use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderValue, header::CONTENT_TYPE},
    response::Response,
};
use http_body::{Frame, SizeHint};
use sidelight::operation::Begun;
use sidelight_rmcp::Seat;
use std::{
    collections::BTreeMap,
    convert::Infallible,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Instant,
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
    streams: BTreeMap<u64, (Instant, CancellationToken)>,
}

impl Streams {
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Shared { open: Mutex::default(), most }))
    }

    /// Takes a reply under watch, if it is a stream.
    pub(crate) fn watch(&self, response: Response, seat: Seat) -> Response {
        let is_stream = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        if !is_stream.is_some_and(|it| it.starts_with(b"text/event-stream")) {
            return response;
        }
        let (number, ended) = self.enter();
        let place = Place { streams: self.clone(), number };
        response.map(|body| {
            Body::new(Watched {
                body,
                ended: Box::pin(ended.clone().cancelled_owned()),
                token: ended,
                said: false,
                place,
                seen: Seen { run: Some(STREAM.begin(())), seat, bytes: 0, end: "client" },
            })
        })
    }

    /// Ends every stream.
    pub(crate) fn end_all(&self) {
        for (_, ended) in mem::take(&mut self.open().streams).into_values() {
            STREAMS_CLOSED.add(StreamEnd::Ending, 1);
            ended.cancel();
        }
    }

    fn enter(&self) -> (u64, CancellationToken) {
        let mut open = self.open();
        if open.streams.len() >= self.0.most
            && let Some(silent) = open.streams.iter().min_by_key(|(_, (spoke, _))| *spoke).map(|(number, _)| *number)
            && let Some((_, ended)) = open.streams.remove(&silent)
        {
            STREAMS_CLOSED.add(StreamEnd::Crowded, 1);
            ended.cancel();
        }
        let (number, ended) = (open.next, CancellationToken::new());
        open.next += 1;
        open.streams.insert(number, (Instant::now(), ended.clone()));
        STREAMS.add((), 1);
        (number, ended)
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream's entry; gone with the stream, or before, when the stream is told to end: a client that does not read may take
/// long to notice.
struct Place {
    streams: Streams,
    number: u64,
}

impl Place {
    fn spoke(&self) {
        if let Some((spoke, _)) = self.streams.open().streams.get_mut(&self.number) {
            *spoke = Instant::now();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.streams.open().streams.remove(&self.number);
        STREAMS.add((), -1);
    }
}

/// A stream under watch.
struct Watched {
    body: Body,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    token: CancellationToken,
    said: bool,
    place: Place,
    seen: Seen,
}

/// What is told of a stream when it is over, in the trace of the request whose reply it was.
struct Seen {
    run: Option<Begun<Infallible>>,
    seat: Seat,
    bytes: u64,
    /// Who ended it: it was `complete`, the `client` left, or the `server` needed its place.
    end: &'static str,
}

impl Drop for Seen {
    fn drop(&mut self) {
        let Some(run) = self.run.take() else { return };
        let notes = [("mcp.stream.bytes", self.bytes.into()), ("mcp.stream.end", self.end.into())];
        self.seat.context().run(|| run.end(&Ok(()), &notes));
    }
}

/// A comment, which a client's parser passes over and a person's eye finds.
const LAST_WORDS: &[u8] = b": the server ends this stream; ask again\n\n";

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        poller: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.said {
            return Poll::Ready(None);
        }
        if self.token.is_cancelled() || self.ended.as_mut().poll(poller).is_ready() {
            (self.said, self.seen.end) = (true, "server");
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(LAST_WORDS)))));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(poller));
        self.place.spoke();
        match &frame {
            Some(Ok(frame)) => self.seen.bytes += frame.data_ref().map_or(0, Bytes::len) as u64,
            None => self.seen.end = "complete",
            Some(Err(_)) => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderMap;
    use http_body_util::BodyExt as _;
    use sidelight::{CorrelationId, metrics::sample};

    fn seat() -> Seat {
        Seat::begin(&HeaderMap::new(), CorrelationId::generate(), false)
    }

    fn stream(streams: &Streams, body: Body) -> Response {
        streams.watch(Response::builder().header(CONTENT_TYPE, "text/event-stream").body(body).unwrap(), seat())
    }

    /// A stream that never says anything.
    fn silent() -> Body {
        Body::new(http_body_util::StreamBody::new(Never))
    }

    struct Never;
    impl futures_core::Stream for Never {
        type Item = Result<Frame<Bytes>, axum::Error>;
        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn one_too_many_ends_the_one_that_was_silent_longest() {
        let streams = Streams::new(2);
        let first = stream(&streams, silent());
        let _second = stream(&streams, silent());
        let _third = stream(&streams, silent());
        let said = first.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(said, LAST_WORDS);
        assert_eq!(streams.open().streams.len(), 2);
    }

    #[tokio::test]
    async fn one_that_was_told_to_end_and_is_not_read_does_not_stand_for_others() {
        let streams = Streams::new(2);
        let first = stream(&streams, silent());
        let second = stream(&streams, silent());
        let _others = [stream(&streams, silent()), stream(&streams, silent())];
        for told in [first, second] {
            assert_eq!(told.into_body().collect().await.unwrap().to_bytes(), LAST_WORDS);
        }
    }

    #[tokio::test]
    async fn all_are_ended_with_a_last_comment() {
        let streams = Streams::new(9);
        let open = stream(&streams, silent());
        let counted = || sample("mcp_streams_closed_total{reason=\"ending\"}");
        assert_eq!(counted(), None);
        streams.end_all();
        assert_eq!(counted(), sidelight::metrics::COMPILED.then_some(1.0));
        assert_eq!(open.into_body().collect().await.unwrap().to_bytes(), LAST_WORDS);
        assert_eq!(streams.open().streams.len(), 0);
    }

    #[tokio::test]
    async fn what_is_said_passes_untouched() {
        let streams = Streams::new(9);
        let said = stream(&streams, Body::from("data: x\n\n")).into_body().collect().await.unwrap().to_bytes();
        assert_eq!(said, "data: x\n\n");
        let plain = streams.watch(Response::new(Body::from("plain")), seat());
        assert_eq!((plain.into_body().collect().await.unwrap().to_bytes(), streams.open().next), ("plain".into(), 1));
    }
}
