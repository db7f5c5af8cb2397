//! A kept request as OTLP spans. Runs on the exporter's thread only, but for names.

use crate::{
    arena::{Arena, Attribute, Value},
    escape::{MASK, is_secret},
    request::Kept,
};
use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{Link, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use std::{str::FromStr as _, time::SystemTime};

/// All spans of the request, foreign ones included.
pub(crate) fn spans(kept: &Kept) -> Vec<SpanData> {
    let mut arena = kept.arena.value();
    let mut spans = std::mem::take(&mut arena.foreign);
    spans.iter_mut().for_each(mask);
    let state = TraceState::from_str(&arena.tracestate).unwrap_or_default();
    let scope = InstrumentationScope::builder("sidelight").build();
    for place in 0..arena.records.len() {
        spans.push(Builder { arena: &arena, kept, state: &state, scope: &scope }.span(place));
    }
    spans
}

/// When a record's operation ended.
pub(crate) fn ended(arena: &Arena, kept: &Kept, place: usize) -> SystemTime {
    let record = &arena.records[place];
    // what was begun elsewhere may be older than the request in which it ends
    let older = arena.started.saturating_duration_since(record.started);
    kept.began + record.started.saturating_duration_since(arena.started) + record.duration - older
}

/// Spans of others carry what their authors put there.
fn mask(span: &mut SpanData) {
    for attribute in &mut span.attributes {
        if is_secret(attribute.key.as_str()) {
            attribute.value = MASK.into();
        }
    }
}

struct Builder<'a> {
    arena: &'a Arena,
    kept: &'a Kept,
    state: &'a TraceState,
    scope: &'a InstrumentationScope,
}

impl Builder<'_> {
    fn span(&self, place: usize) -> SpanData {
        let (arena, record) = (self.arena, &self.arena.records[place]);
        let labels = record.subject.attributes(record.labels);
        let failure = record.failure();
        let is_root = record.parent == arena.caller;
        let name = record.subject.name();
        let end_time = ended(arena, self.kept, place);
        SpanData {
            span_context: self.context(arena.span(place), false),
            parent_span_id: SpanId::from_bytes(record.parent.to_be_bytes()),
            parent_span_is_remote: is_root && arena.caller != 0,
            span_kind: kind(name),
            attributes: self.attributes(place, &labels, failure, is_root),
            name: self::name(name, &labels).into(),
            start_time: end_time - record.duration,
            end_time,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: if is_root { self.links() } else { SpanLinks::default() },
            status: failure.map_or(Status::Unset, Status::error),
            instrumentation_scope: self.scope.clone(),
        }
    }

    fn context(&self, span: u64, is_remote: bool) -> SpanContext {
        let trace = TraceId::from_bytes(self.arena.trace.to_be_bytes());
        let span = SpanId::from_bytes(span.to_be_bytes());
        SpanContext::new(trace, span, TraceFlags::SAMPLED, is_remote, self.state.clone())
    }

    fn attributes(
        &self,
        place: usize,
        labels: &[Attribute],
        failure: Option<&'static str>,
        is_root: bool,
    ) -> Vec<KeyValue> {
        let mut attributes: Vec<_> = labels.iter().map(|(key, value)| KeyValue::new(*key, *value)).collect();
        attributes.extend(self.arena.notes(place).map(|(key, value)| match value {
            _ if is_secret(key) => KeyValue::new(key, MASK),
            Value::Whole(number) => KeyValue::new(key, number),
            Value::Word(word) => KeyValue::new(key, word.to_owned()),
        }));
        attributes.extend(failure.map(|error| KeyValue::new("error.type", error)));
        let id = &self.arena.correlation_id;
        attributes.extend((!id.is_empty()).then(|| KeyValue::new("correlation_id", id.clone())));
        attributes.extend(is_root.then(|| KeyValue::new("sampling.reason", self.kept.reason)));
        attributes
    }

    fn links(&self) -> SpanLinks {
        let mut links = SpanLinks::default();
        if let Some(link) = self.arena.link {
            let flags = if link.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
            let (trace, span) = (link.trace.to_be_bytes(), link.span.to_be_bytes());
            let (trace, span) = (TraceId::from_bytes(trace), SpanId::from_bytes(span));
            let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
            links.links.push(Link::with_context(context));
        }
        links
    }
}

/// The conventions' names say it: `mcp.server.operation`, `db.client.operation`.
fn kind(operation: &str) -> SpanKind {
    let says = |word| operation.split('.').any(|part| part == word);
    match () {
        () if says("server") => SpanKind::Server,
        () if says("client") => SpanKind::Client,
        () => SpanKind::Internal,
    }
}

/// The conventions name a span by what was done and to what: `tools/call search_docs`, `full_text`, `embeddings small`. A
/// label that names a method or an operation says what was done, else the last word of the operation's name does; which
/// system did it is left to the attributes.
pub(crate) fn name(operation: &str, labels: &[Attribute]) -> String {
    let ends = |key: &str, endings: [&str; 2]| endings.iter().any(|ending| key.ends_with(ending));
    let is_verb = |key: &str| ends(key, [".method.name", ".operation.name"]);
    let last = operation.rsplit('.').next().unwrap_or(operation);
    let verb = (!labels.iter().any(|(key, _)| is_verb(key))).then_some(last);
    let labels = labels.iter().filter(|(key, _)| !ends(key, [".system.name", ".provider.name"]));
    verb.into_iter().chain(labels.map(|(_, value)| *value)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_named_and_sorted_as_the_conventions_say() {
        let tool = [("mcp.method.name", "tools/call"), ("gen_ai.tool.name", "search_docs")];
        assert_eq!(name("mcp.server.operation", &tool), "tools/call search_docs");
        let query = [("db.operation.name", "full_text"), ("db.system.name", "sqlite")];
        assert_eq!(name("db.client.operation", &query), "full_text");
        let model = [("gen_ai.provider.name", "local"), ("gen_ai.request.model", "small")];
        assert_eq!(name("gen_ai.client.embeddings", &model), "embeddings small");
        assert_eq!(name("ingest", &[("source", "book")]), "ingest book");
        assert_eq!(name("cache.lookup", &[]), "lookup");
        let kinds = ["mcp.server.operation", "db.client.operation", "ingest"].map(kind);
        assert_eq!(kinds, [SpanKind::Server, SpanKind::Client, SpanKind::Internal]);
    }
}
