//! What is written is read back by the generated code of the protocol.

use super::*;
use crate::request::{Seen, Subject, TraceParent, Unique};
use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::any_value,
    trace::v1::{span::SpanKind, status::StatusCode},
};
use proptest::prelude::*;
use quanta::Instant;

#[derive(Debug)]
struct Query;
impl Subject for Query {
    fn name(&self) -> &'static str {
        "db.client.operation"
    }
    fn attributes(&self, labels: u32) -> Vec<Attribute> {
        vec![("db.operation.name", if labels == 0 { "nearest" } else { "names" }), ("db.system.name", "sqlite")]
    }
    fn error_type(&self, outcome: usize) -> Option<&'static str> {
        (outcome > 0).then_some("busy")
    }
    fn remember(&self, _: u32, _: usize, _: &Seen) {}
}

const CALLER: u64 = 77;

/// A request of two operations, the second one inside the first and failed.
fn kept(id: &str, words: &[String]) -> Kept {
    let mut arena = Arena::default();
    arena.clear(1_000);
    (arena.trace, arena.caller) = (0xabcd, CALLER);
    arena.correlation_id.push_str(id);
    arena.tracestate.push_str("vendor=1");
    arena.link = Some(TraceParent { trace: 5, span: 6, sampled: true });
    let started = Instant::now();
    let root = arena.begin(&Query, 0, CALLER, started).unwrap();
    let inner = arena.begin(&Query, 1, arena.span(root), Instant::now()).unwrap();
    for word in words {
        arena.note(inner, "word", Value::Word(word));
    }
    arena.note(inner, "rows", Value::Whole(-3));
    arena.note(inner, "api_key", Value::Word("hunter2"));
    arena.end(inner, 1, Duration::from_millis(3));
    arena.end(root, 0, Duration::from_secs(1));
    let at = (started + Duration::from_secs(2), UNIX_EPOCH + Duration::from_secs(1_002));
    Kept { spans: 2, bytes: arena.bytes(), arena: Unique::new(arena), reason: "error", at }
}

fn batch() -> Batch {
    Batch::of(&Resource::builder_empty().with_attribute(KeyValue::new("service.name", "docs")).build())
}

fn read(batch: &mut Batch) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest::decode(batch.take()).unwrap()
}

fn value(span: &Span, key: &str) -> Option<any_value::Value> {
    span.attributes.iter().find(|it| it.key == key)?.value.clone()?.value
}

fn word(word: &str) -> any_value::Value {
    any_value::Value::StringValue(word.to_owned())
}

#[test]
fn an_export_says_who_sends_it_and_what_happened() {
    let mut batch = batch();
    batch.add(&kept("c-1", &[]));
    assert_eq!(batch.spans, 2);
    let export = read(&mut batch);
    let of_resource = &export.resource_spans[0];
    assert_eq!(of_resource.resource.as_ref().unwrap().attributes[0].key, "service.name");
    let scope = &of_resource.scope_spans[0];
    assert_eq!(scope.scope.as_ref().unwrap().name, "sidelight");
    let [root, inner] = &scope.spans[..] else { panic!("{scope:?}") };
    assert_eq!((root.name.as_str(), inner.name.as_str()), ("nearest", "names"));
    assert_eq!((root.parent_span_id.as_slice(), &inner.parent_span_id), (&CALLER.to_be_bytes()[..], &root.span_id));
    assert_eq!((root.flags, inner.flags, root.kind), (0x301, 0x101, SpanKind::Client as i32));
    assert_eq!((root.start_time_unix_nano, root.end_time_unix_nano), (1_000_000_000_000, 1_001_000_000_000));
    assert_eq!((root.trace_state.as_str(), root.links.len(), inner.links.len()), ("vendor=1", 1, 0));
    assert_eq!(root.links[0].flags, 0x301);
    assert_eq!((value(root, "sampling.reason"), value(inner, "sampling.reason")), (Some(word("error")), None));
    assert_eq!((root.status.clone(), inner.status.clone().unwrap().code), (None, StatusCode::Error as i32));
    assert_eq!((value(inner, "error.type"), value(inner, "correlation_id")), (Some(word("busy")), Some(word("c-1"))));
    assert_eq!(value(inner, "rows"), Some(any_value::Value::IntValue(-3)));
    assert_eq!(value(inner, "api_key"), Some(word(MASK)), "a secret is nobody's business");
}

#[test]
fn a_batch_that_was_taken_is_empty() {
    let mut batch = batch();
    batch.add(&kept("c-1", &[]));
    let _ = batch.take();
    assert_eq!((batch.spans, read(&mut batch).resource_spans[0].scope_spans.len()), (0, 0));
}

proptest! {
    #[test]
    fn any_words_of_any_length_are_read_back(id in "[A-Za-z0-9._-]{0,64}", words in proptest::collection::vec(any::<String>(), 0..30)) {
        let mut batch = batch();
        for _ in 0..3 {
            batch.add(&kept(&id, &words));
        }
        let export = read(&mut batch);
        let spans = &export.resource_spans[0].scope_spans[0].spans;
        prop_assert_eq!(spans.len(), 6);
        let noted = spans[1].attributes.iter().filter(|it| it.key == "word").count();
        prop_assert_eq!(noted, words.len());
    }
}
