//! What every HTTP request passes before MCP: its correlation id is kept or made, and goes back in the reply; its trace
//! begins; a request that no handler saw is recorded when it is refused; a reply that is a stream is watched. Part of every
//! build. Host, Origin and the length of the body are checked by `rmcp`'s transport, behind this.

use crate::{
    metrics::{HTTP_ACTIVE, HTTP_DURATION, HttpMethod, HttpRoute, HttpStatus},
    server::ENDPOINT,
    streams::Streams,
};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode},
    middleware::Next,
    response::Response,
};
use http_body_util::BodyExt as _;
use sidelight::{CorrelationId, correlation, metrics::Stopwatch};
use sidelight_rmcp::Seat;

pub(crate) async fn correlate(State(streams): State<Streams>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(correlation::HEADER).and_then(|value| value.to_str().ok());
    let id = given.and_then(CorrelationId::accept).unwrap_or_else(CorrelationId::generate);
    let header = HeaderValue::from_str(id.as_str()).expect("an id has no character that a header may not have");
    let seat = Seat::begin(request.headers(), id, request.method() == Method::GET);
    request.extensions_mut().insert(seat.clone());
    let (method, route) = (method(request.method()), route(request.uri().path()));
    let asks = method == HttpMethod::Post && route == HttpRoute::Mcp;
    if asks {
        request = request.map(|body| heard(body, seat.clone()));
    }
    let mut active = Active::new(method, route);
    let mut response = seat.http().clone().scope(next.run(request)).await;
    active.status = status(response.status());
    drop(active);
    if asks && (response.status().is_client_error() || response.status().is_server_error()) {
        response = refused(response, &seat).await;
    }
    response.headers_mut().insert(HeaderName::from_static(correlation::HEADER), header);
    streams.watch(response, seat)
}

/// A body that the seat hears, until somebody takes the request. Its transport says how long it may be.
fn heard(body: Body, seat: Seat) -> Body {
    Body::new(body.inspect_frame(move |frame| {
        if let Some(piece) = frame.data_ref() {
            seat.hear(piece);
        }
    }))
}

/// The same reply, recorded if no handler gave it.
async fn refused(response: Response, seat: &Seat) -> Response {
    let (head, body) = response.into_parts();
    let reply = body.collect().await.expect("a reply that refuses is whole in memory").to_bytes();
    seat.refused(head.status, &reply);
    Response::from_parts(head, reply.into())
}

fn method(method: &Method) -> HttpMethod {
    HttpMethod::of_word(method.as_str()).unwrap_or(HttpMethod::Other)
}

fn route(path: &str) -> HttpRoute {
    if path == ENDPOINT { HttpRoute::Mcp } else { HttpRoute::Unknown }
}

fn status(status: StatusCode) -> HttpStatus {
    HttpStatus::of_word(status.as_str()).unwrap_or(HttpStatus::Other)
}

/// One request, timed and in the gauge, also when its future is dropped: a client that leaves before the head has no status.
struct Active {
    method: HttpMethod,
    route: HttpRoute,
    status: HttpStatus,
    stopwatch: Stopwatch,
}

impl Active {
    fn new(method: HttpMethod, route: HttpRoute) -> Self {
        HTTP_ACTIVE.add((), 1);
        Self { method, route, status: HttpStatus::None, stopwatch: Stopwatch::start() }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        HTTP_ACTIVE.add((), -1);
        HTTP_DURATION.record((self.method, self.route, self.status), self.stopwatch.elapsed());
    }
}
