//! What every HTTP request passes before MCP: its correlation id is kept or made, and goes back in the reply; its trace
//! begins; a reply that is a stream is watched. Part of every build. Host, Origin and the length of the body are checked by
//! `rmcp`'s transport, behind this.

use crate::{
    metrics::{HTTP_ACTIVE, HTTP_DURATION, HttpMethod, HttpRoute, HttpStatus},
    server::ENDPOINT,
    streams::Streams,
};
use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode},
    middleware::Next,
    response::Response,
};
use sidelight::{CorrelationId, correlation, metrics::Stopwatch};
use sidelight_rmcp::Seat;

pub(crate) async fn correlate(State(streams): State<Streams>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(correlation::HEADER).and_then(|value| value.to_str().ok());
    let id = given.and_then(CorrelationId::accept).unwrap_or_else(CorrelationId::generate);
    let header = HeaderValue::from_str(id.as_str()).expect("an id has no character that a header may not have");
    request.extensions_mut().insert(id.clone());
    let seat = Seat::begin(request.headers(), &id, request.method() == Method::GET);
    request.extensions_mut().insert(seat.clone());
    let (method, route) = (method(request.method()), route(request.uri().path()));
    let mut active = Active::new(method, route);
    let mut response = seat.http().clone().scope(next.run(request)).await;
    active.status = status(response.status());
    drop(active);
    response.headers_mut().insert(HeaderName::from_static(correlation::HEADER), header);
    streams.watch(response, seat)
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
