//! Streams that are too many, silent, large or not read.

use super::*;
use axum::http::HeaderMap;
use http_body_util::BodyExt as _;
use sidelight::{CorrelationId, metrics::sample};

fn slot() -> RequestSlot {
    RequestSlot::begin(&HeaderMap::new(), CorrelationId::generate(), false)
}

fn stream(streams: &Streams, body: Body) -> Response {
    streams.watch(Response::builder().header(CONTENT_TYPE, "text/event-stream").body(body).unwrap(), slot(), false)
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
    assert_eq!(streams.open().streams.values().filter(|entry| !entry.told).count(), 2);
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
    let counted = || sample("mcp_streams_closed_total{reason=\"ending\"}").unwrap_or(0.0);
    let before = counted();
    streams.end_all();
    // the count is the process's, and others end theirs beside this one
    assert_eq!(counted() > before, sidelight::metrics::COMPILED);
    assert_eq!(open.into_body().collect().await.unwrap().to_bytes(), LAST_WORDS);
    assert_eq!(streams.open().streams.len(), 0);
}

#[tokio::test]
async fn a_large_piece_is_handed_on_bit_by_bit_and_whole() {
    let (streams, large) = (Streams::new(9), vec![b'x'; 5 * BIT + 7]);
    let mut body = stream(&streams, Body::from(large.clone())).into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!((first.len(), streams.open().unread), (BIT, large.len()));
    let rest = body.collect().await.unwrap().to_bytes();
    assert_eq!([first, rest].concat(), large);
    assert_eq!(streams.open().unread, 0);
}

#[tokio::test]
async fn too_much_that_is_not_read_is_taken_from_whoever_reads_least() {
    let (streams, large) = (Streams::new(9), UNREAD_BYTES_MAX / 2);
    let begun = || async {
        let mut body = stream(&streams, Body::from(vec![b'x'; large])).into_body();
        body.frame().await.unwrap().unwrap();
        tokio::time::sleep(SLOW * 2).await;
        body
    };
    let (mut first, mut second) = (begun().await, begun().await);
    first.frame().await.unwrap().unwrap();
    let third = begun().await;
    assert!(second.frame().await.unwrap().is_err(), "it read least");
    assert!(streams.open().unread <= UNREAD_BYTES_MAX);
    assert!(first.collect().await.is_ok() && third.collect().await.is_ok());
    drop(second);
    assert_eq!(streams.open().unread, 0);
}

#[tokio::test]
async fn streams_that_answer_nothing_are_ended_first() {
    let streams = Streams::new(9);
    let response = Response::builder().header(CONTENT_TYPE, "text/event-stream").body(silent()).unwrap();
    let lasting = streams.watch(response, slot(), true);
    let answer = stream(&streams, Body::from("data: x\n\n"));
    streams.end_lasting();
    assert_eq!(lasting.into_body().collect().await.unwrap().to_bytes(), LAST_WORDS);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "data: x\n\n");
}

#[tokio::test]
async fn what_is_said_passes_untouched() {
    let streams = Streams::new(9);
    let said = stream(&streams, Body::from("data: x\n\n")).into_body().collect().await.unwrap().to_bytes();
    assert_eq!(said, "data: x\n\n");
    let plain = streams.watch(Response::new(Body::from("plain")), slot(), false);
    assert_eq!((plain.into_body().collect().await.unwrap().to_bytes(), streams.open().next), ("plain".into(), 1));
}
