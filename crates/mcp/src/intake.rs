//! What a request to the endpoint is before the SDK's transport sees it: what its client takes for an answer, and a body that is
//! there in time, is not too long, and is a message. What cannot be is refused with a sentence, from the head where that is
//! enough.

use crate::{
    connection::{Connection, Phase},
    hints,
    message::{self, Readable, Unreadable},
    refusal::{Refusal, TRANSPORT, worded},
    uploads::{Upload, Uploads},
};
use axum::{
    body::{Body, Bytes, HttpBody as _},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http_body_util::BodyExt as _;
use serde_json::Value;
use sidelight_rmcp::RequestSlot;
use std::time::Duration;
use tokio::time::timeout;

/// How bodies are read. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Intake {
    time: Duration,
    uploads: Uploads,
}

impl Intake {
    /// Each body in so much time.
    pub(crate) fn new(time: Duration) -> Self {
        Self { time, uploads: Uploads::default() }
    }
}

pub(crate) async fn take(State(intake): State<Intake>, request: Request, next: Next) -> Response {
    match *request.method() {
        Method::POST => match post(&intake, request).await {
            Ok((request, id)) => {
                let (response, found) = hints::noticing_found(next.run(request)).await;
                let response = worded(response, id.clone()).await;
                if found && response.status() == StatusCode::NOT_FOUND { crowded(id) } else { response }
            }
            Err(refused) => refused,
        },
        Method::GET => match get(request) {
            Ok(request) => stream(request, next).await,
            Err(refused) => refused.unread(),
        },
        Method::DELETE => ended(worded(hints::by_client(next.run(request)).await, Value::Null).await),
        _ => worded(next.run(request).await, Value::Null).await,
    }
}

/// The request with a body that is a message, and the message's id.
async fn post(intake: &Intake, mut request: Request) -> Result<(Request, Value), Response> {
    is_acceptable(request.headers(), request.body()).map_err(Refusal::unread)?;
    request.headers_mut().insert(header::ACCEPT, BOTH);
    let (parts, body) = request.into_parts();
    let bytes = intake.body(body, parts.extensions.get()).await.map_err(Refusal::unread)?;
    if let Some(connection) = parts.extensions.get::<Connection>() {
        connection.enter(Phase::Working);
    }
    let Readable { bytes: message, id } = message::read(&bytes).map_err(|why| unreadable(why).into_response())?;
    let message = match message {
        std::borrow::Cow::Borrowed(_) => bytes.clone(),
        std::borrow::Cow::Owned(message) => message.into(),
    };
    Ok((Request::from_parts(parts, Body::from(message)), id))
}

fn unreadable(Unreadable { code, why, id }: Unreadable) -> Refusal {
    Refusal { id, ..Refusal::new(StatusCode::BAD_REQUEST, code, why) }
}

/// What can be refused from the head alone.
fn is_acceptable(headers: &HeaderMap, body: &Body) -> Result<(), Refusal> {
    if !(takes(headers, "application", "json") && takes(headers, "text", "event-stream")) {
        let why = "the client must accept application/json and text/event-stream";
        return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, TRANSPORT, why));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        let why = "the Content-Type must be application/json";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, TRANSPORT, why));
    }
    if body.size_hint().lower() > BODY_BYTES_MAX as u64 { Err(too_long()) } else { Ok(()) }
}

impl Intake {
    async fn body(&self, body: Body, slot: Option<&RequestSlot>) -> Result<Bytes, Refusal> {
        let upload = self.uploads.begin();
        let whole = collected(body, Heard { bytes: Vec::new(), slot: slot.cloned() }, &upload);
        let whole = async {
            tokio::select! {
                whole = timeout(self.time, whole) => Some(whole),
                () = upload.given_up() => None,
            }
        };
        match whole.await {
            Some(Ok(Ok(Some(body)))) => Ok(body),
            Some(Ok(Ok(None))) => Err(too_long()),
            Some(Ok(Err(_))) => {
                let why = "the body broke off, or its transfer encoding is wrong";
                Err(Refusal::new(StatusCode::BAD_REQUEST, TRANSPORT, why))
            }
            Some(Err(_)) => {
                let why = format!("the body was not there after {} seconds", self.time.as_secs());
                Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, TRANSPORT, why))
            }
            None => {
                let why = "the body came too slowly, and others need the room";
                Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, TRANSPORT, why))
            }
        }
    }
}

/// What has come of a body. In one buffer: a piece of a byte may lie in one of kilobytes, and is not kept. Its slot hears it at
/// the end, also where that comes early.
struct Heard {
    bytes: Vec<u8>,
    slot: Option<RequestSlot>,
}

impl Drop for Heard {
    fn drop(&mut self) {
        if let Some(slot) = &self.slot {
            slot.hear(&self.bytes);
        }
    }
}

/// All of a body; `None` if it is too long.
async fn collected(mut body: Body, mut heard: Heard, upload: &Upload) -> Result<Option<Bytes>, axum::Error> {
    while let Some(frame) = body.frame().await {
        if let Some(piece) = frame?.data_ref() {
            if heard.bytes.len() + piece.len() > BODY_BYTES_MAX {
                return Ok(None);
            }
            if heard.bytes.is_empty() {
                let whole = body.size_hint().upper().and_then(|rest| usize::try_from(rest).ok()).unwrap_or_default();
                heard.bytes.reserve_exact(piece.len() + whole.min(BODY_BYTES_MAX));
            }
            heard.bytes.extend_from_slice(piece);
            upload.holds(heard.bytes.capacity());
        }
    }
    if let Some(slot) = heard.slot.take() {
        slot.hear(&heard.bytes);
    }
    Ok(Some(std::mem::take(&mut heard.bytes).into()))
}

fn too_long() -> Refusal {
    let why = format!("a message has at most {BODY_BYTES_MAX} bytes");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, TRANSPORT, why)
}

fn get(mut request: Request) -> Result<Request, Refusal> {
    if !takes(request.headers(), "text", "event-stream") {
        let why = "the client must accept text/event-stream";
        return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, TRANSPORT, why));
    }
    request.headers_mut().insert(header::ACCEPT, EVENTS);
    Ok(request)
}

/// A stream that is taken up again where it is not known, or any more, is refused: an empty one would say that nothing is
/// missing.
async fn stream(request: Request, next: Next) -> Response {
    let (response, lost) = hints::noticing_lost(next.run(request)).await;
    if lost {
        let why =
            "the stream of this Last-Event-ID is not here: it has ended, or belongs to another replica; ask again";
        return Refusal::new(StatusCode::GONE, TRANSPORT, why).into_response();
    }
    worded(response, Value::Null).await
}

/// A session that the store keeps, and that made room for another before it could be used, is not one that has ended.
fn crowded(id: Value) -> Response {
    let why = "more sessions are at work at once than there may be (MCP_MAX_SESSIONS); ask again";
    let refusal = Refusal { id, ..Refusal::new(StatusCode::SERVICE_UNAVAILABLE, TRANSPORT, why) };
    let mut response = refusal.into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// A session that was ended: every client takes 200 for what it is; some warn of the transport's 202, one of 204.
fn ended(mut response: Response) -> Response {
    if response.status() == StatusCode::ACCEPTED {
        *response.status_mut() = StatusCode::OK;
    }
    response
}

/// Whether a client takes this media type (RFC 9110, 12.5.1): the most specific range that fits it says so. Without the header
/// it takes anything.
fn takes(headers: &HeaderMap, kind: &str, subtype: &str) -> bool {
    let ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = ranges.flat_map(|value| value.split(',')).map(str::trim).filter(|it| !it.is_empty()).peekable();
    if ranges.peek().is_none() {
        return !headers.contains_key(header::ACCEPT)
            || headers.get_all(header::ACCEPT).iter().all(HeaderValue::is_empty);
    }
    let fitting = ranges.filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let (k, s) = parts.next()?.split_once('/')?;
        let how = match (k.trim(), s.trim()) {
            (k, s) if k.eq_ignore_ascii_case(kind) && s.eq_ignore_ascii_case(subtype) => 3,
            (k, "*") if k.eq_ignore_ascii_case(kind) => 2,
            ("*", "*") => 1,
            _ => return None,
        };
        let weight = parts.filter_map(|it| it.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
        let is_nought = weight.is_some_and(|(_, weight)| weight.trim().parse::<f32>().is_ok_and(|it| it <= 0.0));
        Some((how, !is_nought))
    });
    fitting.max().is_some_and(|(_, taken)| taken)
}

const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
/// The longest JSON-RPC message: a question is some hundred bytes.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn accepting(accept: &[&str]) -> HeaderMap {
        accept.iter().map(|value| (header::ACCEPT, HeaderValue::from_str(value).unwrap())).collect()
    }

    fn both(accept: &[&str]) -> bool {
        let headers = accepting(accept);
        takes(&headers, "application", "json") && takes(&headers, "text", "event-stream")
    }

    #[test]
    fn wildcards_take_both_types_and_only_a_type_that_is_excluded_is_not_taken() {
        for taken in [
            &[][..],
            &[""],
            &["*/*"],
            &["application/json, text/event-stream"],
            &["application/json", "text/event-stream"],
            &["Application/JSON;q=0.5 , TEXT/*"],
            &["application/*, text/*;q=0.001"],
            &["text/event-stream;q=0.9, */*;q=0.1"],
            &["application/json; charset=utf-8, text/event-stream"],
            &["text/html, */*;q=nonsense"],
        ] {
            assert!(both(taken), "{taken:?}");
        }
        for refused in [
            &["application/json"][..],
            &["text/event-stream"],
            &["text/html"],
            &["*/*, text/event-stream;q=0"],
            &["*/*, application/*;q=0"],
            &["*/*;q=0"],
            &["json"],
        ] {
            assert!(!both(refused), "{refused:?}");
        }
    }

    proptest! {
        #[test]
        fn an_exclusion_weighs_more_than_any_wildcard(others in prop::collection::vec("(\\*/\\*|text/\\*|a/b)(;q=[01])?", 0..4), at in 0_usize..4) {
            let mut ranges = others;
            ranges.insert(at.min(ranges.len()), "text/event-stream;q=0".to_owned());
            prop_assert!(!takes(&accepting(&[&ranges.join(", ")]), "text", "event-stream"));
        }
    }
}
