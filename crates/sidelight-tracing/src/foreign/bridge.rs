//! Spans that others make (`#[tracing::instrument]` in a tool, a dependency's own) join the request's trace, below the
//! operation in which they were made. They exist only while the request is sampled: the gate of the log room sees to it.

use super::tame::tamed;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracer, SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use std::time::Duration;
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

/// What becomes of a finished span.
pub(crate) type Take = fn(SpanData);

/// The layer; `take` gets each span when it has ended. Location, threads and timing are left out: they cost more than the span.
pub(crate) fn layer<S>(take: Take) -> OpenTelemetryLayer<S, SdkTracer>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let provider = SdkTracerProvider::builder().with_span_processor(Gather { take }).build();
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("tracing"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_context_activation(true) // without it, operations inside foreign spans are flattened
}

/// Tames finished spans and hands them on.
#[derive(Debug)]
struct Gather {
    take: Take,
}

impl SpanProcessor for Gather {
    fn on_start(&self, _: &mut Span, _: &opentelemetry::Context) {}
    fn on_end(&self, span: SpanData) {
        (self.take)(tamed(span));
    }
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
