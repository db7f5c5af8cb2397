//! What most programs set up: the JSON formatter of `tracing-subscriber`, and with it `tracing-opentelemetry` before the SDK's
//! batch processor. All options as they are by default. Lines are written by the thread that has them: the usual writer
//! behind a queue is the dearer one, because it copies each line and wakes a thread. Spans are entered and left once, without
//! a future around them, which is the cheapest way.

use super::{CORRELATION_ID, Stack, exporter, resource};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use std::{hint::black_box, ops::Range};
use tracing::{info, info_span, level_filters::LevelFilter, subscriber};
use tracing_subscriber::{fmt, layer::SubscriberExt as _, registry};

/// Lines only.
pub(in crate::request) fn json(_: f64) -> Stack {
    install();
    Stack::new(|units| units.for_each(request), || ())
}

/// Lines and spans.
pub(in crate::request) fn with_opentelemetry(rate: f64) -> Stack {
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(rate)));
    let provider = SdkTracerProvider::builder()
        .with_sampler(sampler)
        .with_resource(resource())
        .with_batch_exporter(exporter())
        .build();
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
    let stack = registry().with(LevelFilter::INFO).with(fmt::layer().json()).with(spans);
    subscriber::set_global_default(stack).expect("a process of its own");
    let flush = move || provider.shutdown().expect("the receiver takes everything");
    Stack::new(|units| units.for_each(request), flush)
}

/// A line outside any span.
pub(in crate::request) fn json_line(_: f64) -> Stack {
    install();
    Stack::new(lines, || ())
}

/// A line inside the root.
pub(in crate::request) fn json_line_in_request(_: f64) -> Stack {
    install();
    Stack::new(|units| root().in_scope(|| lines(units)), || ())
}

fn install() {
    let stack = registry().with(LevelFilter::INFO).with(fmt::layer().json());
    subscriber::set_global_default(stack).expect("a process of its own");
}

/// The unit.
pub(super) fn request(at: u64) {
    let _root = root().entered();
    child(0, at);
    child(1, at);
    info!(rows = 3_u64, cached = false, "query finished");
    child(2, at);
    child(3, at);
    info!(status = 200_u64, bytes = at, "request done");
}

fn root() -> tracing::Span {
    info_span!("request", method = "POST", path = "/mcp", correlation_id = CORRELATION_ID)
}

#[inline(never)]
fn child(rows: u64, key: u64) {
    let _child = info_span!("query", op = "db.query", rows, key).entered();
    black_box(rows);
}

fn lines(units: Range<u64>) {
    for at in units {
        info!(status = 200_u64, bytes = at, "request done");
    }
}
