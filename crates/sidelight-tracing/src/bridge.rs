//! Spans that others make (`#[tracing::instrument]` in a tool, a dependency's own) join the request's trace, below the
//! operation in which they were made. They exist only while the request is sampled: see [`crate::gate`].

use crate::{Context, export, foreign::tamed};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracer, SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use std::time::Duration;
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

/// The layer. Location, threads and timing are left out: they cost more than the span.
pub(crate) fn layer<S>() -> OpenTelemetryLayer<S, SdkTracer>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let provider = SdkTracerProvider::builder().with_span_processor(Gather).build();
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("tracing"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_context_activation(true) // without it, operations inside foreign spans are flattened
}

/// Puts finished spans into their request's arena.
#[derive(Debug)]
struct Gather;

impl SpanProcessor for Gather {
    fn on_start(&self, _: &mut Span, _: &opentelemetry::Context) {}
    fn on_end(&self, span: SpanData) {
        if let Some(span) = Context::gather(tamed(span)) {
            export::span(span); // it ended outside its request's poll
        }
    }
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
