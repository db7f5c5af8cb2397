//! What every HTTP request passes before MCP: its correlation id is kept or made, and goes back in the reply; its trace
//! begins; a request that no handler saw is recorded when it is refused; a reply that is a stream is watched. Part of every
//! build. Who may call is `admission`'s, what a body says `intake`'s.

use crate::{
    admission::{Admission, Denied},
    endpoint::is_endpoint,
    metrics::{HTTP_ACTIVE, HTTP_DURATION, HttpMethod, HttpRoute, HttpStatus},
    refusal::{Refusal, TRANSPORT},
    streams::Streams,
};
use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, Version, header::CACHE_CONTROL},
    middleware::Next,
    response::Response,
};
use http_body_util::BodyExt as _;
use sidelight::{CorrelationId, correlation, metrics::Stopwatch};
use sidelight_rmcp::RequestSlot;
use std::{sync::Arc, time::Duration};
use tower_http::cors::{AllowOrigin, CorsLayer};

pub(crate) async fn correlate(State(streams): State<Streams>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(correlation::HEADER).and_then(|value| value.to_str().ok());
    let id = given.and_then(CorrelationId::accept).unwrap_or_else(CorrelationId::generate);
    let header = HeaderValue::from_str(id.as_str()).expect("an id has no character that a header may not have");
    let slot = RequestSlot::begin(request.headers(), id, request.method() == Method::GET);
    request.extensions_mut().insert(slot.clone());
    let (method, route, version) = (method(request.method()), route(request.uri().path()), request.version());
    let asks = method == HttpMethod::Post && route == HttpRoute::Mcp;
    let mut active = Active::new(method, route);
    let mut response = slot.http().clone().scope(next.run(request)).await;
    active.status = status(response.status());
    drop(active);
    if asks && (response.status().is_client_error() || response.status().is_server_error()) {
        response = refused(response, &slot).await;
    }
    response.headers_mut().insert(HeaderName::from_static(correlation::HEADER), header);
    // what is refused is one client's, too: a cache may keep a 404 or a 410 that does not say so (RFC 9110, 15.1)
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if version == Version::HTTP_10 {
        // a reply without a length ends with its connection there, which so cannot be kept: of this version, hyper keeps none
        *response.version_mut() = version;
    }
    streams.watch(response, slot, method == HttpMethod::Get)
}

/// The same reply, recorded if no handler gave it.
async fn refused(response: Response, slot: &RequestSlot) -> Response {
    let (head, body) = response.into_parts();
    let reply = body.collect().await.expect("a reply that refuses is whole in memory").to_bytes();
    slot.refused(head.status, &reply);
    slot.written(reply.len() as u64);
    Response::from_parts(head, reply.into())
}

/// Answers those whose Host and Origin are allowed.
pub(crate) async fn admit(State(admission): State<Arc<Admission>>, request: Request, next: Next) -> Response {
    let Err(denied) = admission.admit(request.uri(), request.headers()) else { return next.run(request).await };
    let why = denied.to_string();
    sidelight::warn!("a request is refused", why = why.as_str());
    let status = match denied {
        Denied::Malformed(_) => StatusCode::BAD_REQUEST,
        Denied::NotAllowed { .. } => StatusCode::FORBIDDEN,
    };
    Refusal::new(status, TRANSPORT, why).unread()
}

/// What a browser is told of pages that may call. Only those come so far: see [`admit`].
pub(crate) fn cors() -> CorsLayer {
    let headers = [
        "accept",
        "authorization",
        "content-type",
        "last-event-id",
        "mcp-method",
        "mcp-name",
        "mcp-protocol-version",
        "mcp-session-id",
        "traceparent",
        "tracestate",
        correlation::HEADER,
    ];
    CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(headers.map(HeaderName::from_static))
        .expose_headers([HeaderName::from_static("mcp-session-id"), HeaderName::from_static(correlation::HEADER)])
        .allow_private_network(true)
        .max_age(PREFLIGHT)
}

/// How long a browser may remember what is allowed: an hour.
const PREFLIGHT: Duration = Duration::from_hours(1);

fn method(method: &Method) -> HttpMethod {
    HttpMethod::of_word(method.as_str()).unwrap_or(HttpMethod::Other)
}

fn route(path: &str) -> HttpRoute {
    if is_endpoint(path) { HttpRoute::Mcp } else { HttpRoute::Unknown }
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
