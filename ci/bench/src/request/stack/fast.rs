//! `fastrace`: spans in a queue of the thread's own. It writes no lines; what the others write as lines are events of its
//! spans. The request decides whether it is sampled, because this library leaves that to its user.

use super::{CORRELATION_ID, Stack, exporter, resource};
use fastrace::{collector::Config, prelude::*};
use fastrace_opentelemetry::OpenTelemetryReporter;
use opentelemetry::InstrumentationScope;
use std::{borrow::Cow, hint::black_box};

pub(in crate::request) fn start(rate: f64) -> Stack {
    let scope = InstrumentationScope::builder("bench").build();
    let reporter = OpenTelemetryReporter::new(exporter(), Cow::Owned(resource()), scope);
    fastrace::set_reporter(reporter, Config::default());
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates, as it should
    let threshold = (rate * 2_f64.powi(63)) as u128;
    Stack::new(move |units| units.for_each(|at| request(at, threshold)), fastrace::flush)
}

fn request(at: u64, threshold: u128) {
    let context = SpanContext::random();
    let low = context.trace_id.0 & (u128::from(u64::MAX) >> 1);
    let root = Span::root("request", context.sampled(low < threshold)).with_properties(|| {
        [("method", Cow::Borrowed("POST")), ("path", "/mcp".into()), ("correlation_id", CORRELATION_ID.into())]
    });
    let _current = root.set_local_parent();
    child(0, at);
    child(1, at);
    LocalSpan::add_event(
        Event::new("query finished").with_properties(|| [("rows", Cow::Borrowed("3")), ("cached", "false".into())]),
    );
    child(2, at);
    child(3, at);
    LocalSpan::add_event(
        Event::new("request done").with_properties(|| [("status", Cow::Borrowed("200")), ("bytes", text(at))]),
    );
}

#[inline(never)]
fn child(rows: u64, key: u64) {
    let _child = LocalSpan::enter_with_local_parent("query")
        .with_properties(|| [("op", Cow::Borrowed("db.query")), ("rows", text(rows)), ("key", text(key))]);
    black_box(rows);
}

fn text(number: u64) -> Cow<'static, str> {
    number.to_string().into()
}
