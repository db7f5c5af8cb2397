//! Spans that others make hold whatever their authors put there: secrets are masked, long values cut, and what is too many
//! left out, before such a span is kept.

use crate::secret::{MASK, is_secret};
use opentelemetry::{KeyValue, Value, trace::Status};
use opentelemetry_sdk::trace::SpanData;
use std::borrow::Cow;

/// Attributes of a span or of an event, and events of a span.
const ATTRIBUTES_MAX: usize = 64;
const EVENTS_MAX: usize = 32;
/// A longer value is cut.
const VALUE_BYTES_MAX: usize = 256;

/// Makes a span fit to be kept.
pub(crate) fn tamed(mut span: SpanData) -> SpanData {
    if span.name.len() > VALUE_BYTES_MAX {
        span.name = Cow::Owned(cut(&span.name));
    }
    tame(&mut span.attributes);
    span.events.events.truncate(EVENTS_MAX);
    for event in &mut span.events.events {
        if event.name.len() > VALUE_BYTES_MAX {
            event.name = Cow::Owned(cut(&event.name));
        }
        tame(&mut event.attributes);
    }
    span.links.links.truncate(EVENTS_MAX);
    span.links.links.iter_mut().for_each(|link| tame(&mut link.attributes));
    if let Status::Error { description } = &mut span.status
        && description.len() > VALUE_BYTES_MAX
    {
        *description = Cow::Owned(cut(description));
    }
    span
}

/// About how much memory it holds.
pub(crate) fn bytes(span: &SpanData) -> usize {
    let of = |attributes: &[KeyValue]| attributes.iter().map(of_attribute).sum::<usize>();
    let events = span.events.iter().map(|event| size_of_val(event) + of(&event.attributes)).sum::<usize>();
    let links = span.links.iter().map(|link| size_of_val(link) + of(&link.attributes)).sum::<usize>();
    let status = if let Status::Error { description } = &span.status { description.len() } else { 0 };
    size_of::<SpanData>() + of(&span.attributes) + events + links + status
}

fn of_attribute(attribute: &KeyValue) -> usize {
    let words = match &attribute.value {
        Value::String(word) => word.as_str().len(),
        _ => 0,
    };
    size_of::<KeyValue>() + attribute.key.as_str().len() + words
}

fn tame(attributes: &mut Vec<KeyValue>) {
    attributes.truncate(ATTRIBUTES_MAX);
    for KeyValue { key, value, .. } in attributes.iter_mut() {
        if is_secret(key.as_str()) {
            *value = MASK.into();
            continue;
        }
        let shorter = match &*value {
            Value::Bool(_) | Value::I64(_) | Value::F64(_) => continue,
            Value::String(word) if word.as_str().len() <= VALUE_BYTES_MAX => continue,
            Value::String(word) => cut(word.as_str()),
            list => cut(&list.to_string()),
        };
        *value = shorter.into();
    }
}

fn cut(word: &str) -> String {
    word[..word.floor_char_boundary(VALUE_BYTES_MAX)].to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use opentelemetry::{
        InstrumentationScope, SpanId,
        trace::{SpanContext, SpanKind},
    };
    use std::time::UNIX_EPOCH;

    /// A span that somebody else made, and that ended so.
    pub(crate) fn span(status: Status) -> SpanData {
        SpanData {
            span_context: SpanContext::NONE,
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: "work".into(),
            start_time: UNIX_EPOCH,
            end_time: UNIX_EPOCH,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: opentelemetry_sdk::trace::SpanEvents::default(),
            links: opentelemetry_sdk::trace::SpanLinks::default(),
            status,
            instrumentation_scope: InstrumentationScope::default(),
        }
    }

    #[test]
    fn the_words_of_a_failure_are_weighed_and_cut() {
        let span = span(Status::error("x".repeat(1_000_000)));
        assert!(bytes(&span) > 1_000_000);
        let tamed = tamed(span);
        assert_eq!((tamed.status.clone(), bytes(&tamed) < 2_000), (Status::error("x".repeat(VALUE_BYTES_MAX)), true));
    }

    #[test]
    fn long_words_are_cut_and_secrets_masked() {
        let mut attributes = vec![
            KeyValue::new("job", "é".repeat(1_000_000)),
            KeyValue::new("password", "hunter2"),
            KeyValue::new("rows", 7),
            KeyValue::new("list", Value::Array(vec![opentelemetry::StringValue::from("x".repeat(9_999))].into())),
        ];
        attributes.extend((0..100).map(|_| KeyValue::new("more", 1)));
        tame(&mut attributes);
        assert_eq!(attributes.len(), ATTRIBUTES_MAX);
        assert!(attributes.iter().all(|it| it.value.as_str().len() <= VALUE_BYTES_MAX));
        assert_eq!((attributes[1].value.as_str(), attributes[2].value.clone()), (MASK.into(), 7.into()));
    }
}
