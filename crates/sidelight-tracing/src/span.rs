//! A kept request as OTLP spans. Runs on the exporter's thread only.

use crate::request::{Attribute, Kept, Record};
use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

/// All spans of the request, foreign ones included.
pub(crate) fn spans(kept: &mut Kept) -> Vec<SpanData> {
    let mut spans = std::mem::take(&mut kept.foreign);
    let kept = &*kept;
    spans.extend(kept.records.iter().map(|record| span(kept, record)));
    spans
}

fn span(kept: &Kept, record: &Record) -> SpanData {
    let start_time = record.started(kept);
    let labels = record.subject.attributes(record.labels);
    let failure = record.subject.error_type(record.outcome);
    let root = record.parent == kept.caller;
    let mut attributes: Vec<_> = labels.iter().map(|(key, value)| KeyValue::new(*key, *value)).collect();
    attributes.extend(failure.map(|error| KeyValue::new("error.type", error)));
    let id = kept.correlation_id.as_deref();
    attributes.extend(id.map(|id| KeyValue::new("correlation_id", id.to_owned())));
    attributes.extend(root.then(|| KeyValue::new("sampling.reason", kept.reason)));
    SpanData {
        span_context: SpanContext::new(
            TraceId::from_bytes(kept.trace.to_be_bytes()),
            SpanId::from_bytes(record.span.to_be_bytes()),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        ),
        parent_span_id: SpanId::from_bytes(record.parent.to_be_bytes()),
        parent_span_is_remote: root && kept.caller != 0,
        span_kind: if root { SpanKind::Server } else { SpanKind::Internal },
        name: name(record.subject.name(), &labels).into(),
        start_time,
        end_time: start_time + record.duration,
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: failure.map_or(Status::Unset, Status::error),
        instrumentation_scope: InstrumentationScope::builder("sidelight").build(),
    }
}

/// The conventions name a span by its labels, `tools/call search_docs`; without labels, by the operation.
fn name(operation: &'static str, labels: &[Attribute]) -> String {
    match labels {
        [] => operation.to_owned(),
        labels => labels.iter().map(|(_, value)| *value).collect::<Vec<_>>().join(" "),
    }
}
