//! Spans as an export in OTLP's protobuf
//! (<https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto>), written
//! straight from the arena, without building each span as an object first. Spans that others made are objects already. Sends
//! nothing.

use super::span::{Kind, ended, kind};
use crate::{
    request::{Arena, Attribute, Kept, Value, span_name},
    secret::{MASK, is_secret},
};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_sdk::{Resource, trace::SpanData};
use prost::{
    Message as _,
    encoding::{WireType, encode_key, encode_varint, encoded_len_varint},
};
use std::{
    iter,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Spans on their way into one export. Its room is used again for the next one.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Who sends them.
    resource: Vec<u8>,
    own: Vec<u8>,
    foreign: Vec<u8>,
    export: Vec<u8>,
    /// How many.
    pub(crate) spans: u64,
}

impl Batch {
    pub(crate) fn of(resource: &Resource) -> Self {
        let mut bytes = Vec::new();
        within(&mut bytes, 1, |to| {
            for (key, value) in resource {
                attribute(to, 1, key.as_str(), Value::Word(&value.as_str()));
            }
        });
        Self { resource: bytes, own: Vec::new(), foreign: Vec::new(), export: Vec::new(), spans: 0 }
    }

    /// Adds a request; what others made in it is taken out of its arena.
    pub(crate) fn add(&mut self, kept: &Kept) {
        let mut arena = kept.arena.value();
        for span in arena.foreign.drain(..) {
            self.add_foreign(span);
        }
        for place in 0..arena.records.len() {
            within(&mut self.own, SPANS, |to| record(to, &arena, kept, place));
            self.spans += 1;
        }
    }

    /// Adds a span that somebody else made.
    pub(crate) fn add_foreign(&mut self, span: SpanData) {
        let span = Span::from(span).encode_to_vec();
        bytes(&mut self.foreign, SPANS, &span);
        self.spans += 1;
    }

    /// The export; the batch is empty then.
    pub(crate) fn take(&mut self) -> &[u8] {
        let Self { resource, own, foreign, export, spans } = self;
        let heads = [("sidelight", &own), ("tracing", &foreign)].map(|(scope, spans)| head(scope, spans.len()));
        empty(export);
        joined(export, 1, &[resource, &heads[0], own, &heads[1], foreign]);
        empty(own);
        empty(foreign);
        *spans = 0;
        export
    }
}

/// A larger one is given back.
fn empty(room: &mut Vec<u8>) {
    room.clear();
    room.shrink_to(ROOM_BYTES_KEPT);
}

/// What stands before so many bytes of spans of one scope; nothing, where there are none.
fn head(scope: &str, spans: usize) -> Vec<u8> {
    let (mut named, mut head) = (Vec::new(), Vec::new());
    if spans > 0 {
        within(&mut named, 1, |to| word(to, 1, scope));
        encode_key(2, WireType::LengthDelimited, &mut head);
        encode_varint((named.len() + spans) as u64, &mut head);
        head.append(&mut named);
    }
    head
}

fn record(to: &mut Vec<u8>, arena: &Arena, kept: &Kept, place: usize) {
    let record = &arena.records[place];
    let (operation, labels) = (record.subject.name(), record.subject.attributes(record.labels));
    let failure = record.failure();
    let is_root = record.parent == arena.caller;
    let end = ended(kept, record);
    bytes(to, 1, &arena.trace.to_be_bytes());
    bytes(to, 2, &arena.span(place).to_be_bytes());
    word(to, 3, &arena.tracestate);
    if record.parent != 0 {
        bytes(to, 4, &record.parent.to_be_bytes());
    }
    word(to, 5, &span_name(operation, &labels));
    whole(to, 6, kind(operation) as u64);
    moment(to, 7, end.checked_sub(record.duration).unwrap_or(UNIX_EPOCH));
    moment(to, 8, end);
    attributes(to, arena, place, &labels);
    if let Some(failure) = failure {
        attribute(to, ATTRIBUTES, "error.type", Value::Word(failure));
        within(to, 15, |to| {
            word(to, 2, failure);
            whole(to, 3, ERROR);
        });
    }
    if is_root {
        attribute(to, ATTRIBUTES, "sampling.reason", Value::Word(kept.reason));
        link(to, arena);
    }
    let remote = if is_root && arena.caller != 0 { IS_REMOTE } else { 0 };
    flags(to, 16, SAMPLED | HAS_REMOTE | remote);
}

fn attributes(to: &mut Vec<u8>, arena: &Arena, place: usize, labels: &[Attribute]) {
    for (key, value) in labels {
        attribute(to, ATTRIBUTES, key, Value::Word(value));
    }
    for (key, value) in arena.notes(place) {
        attribute(to, ATTRIBUTES, key, if is_secret(key) { Value::Word(MASK) } else { value });
    }
    if !arena.correlation_id.is_empty() {
        attribute(to, ATTRIBUTES, "correlation_id", Value::Word(&arena.correlation_id));
    }
}

fn link(to: &mut Vec<u8>, arena: &Arena) {
    let Some(link) = arena.link else { return };
    within(to, 13, |to| {
        bytes(to, 1, &link.trace.to_be_bytes());
        bytes(to, 2, &link.span.to_be_bytes());
        flags(to, 6, (u32::from(link.sampled) * SAMPLED) | HAS_REMOTE | IS_REMOTE);
    });
}

fn attribute(to: &mut Vec<u8>, field: u32, key: &str, value: Value<'_>) {
    within(to, field, |to| {
        word(to, 1, key);
        within(to, 2, |to| match value {
            // in a choice, even an empty word is written
            Value::Word(value) => bytes(to, 1, value.as_bytes()),
            Value::Whole(number) => {
                encode_key(3, WireType::Varint, to);
                encode_varint(number.cast_unsigned(), to);
            }
        });
    });
}

/// A message in a field: written behind a byte for its length, and moved where the length needs more of them.
fn within(to: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    encode_key(field, WireType::LengthDelimited, to);
    let start = to.len();
    to.push(0);
    write(to);
    let length = (to.len() - start - 1) as u64;
    let more = encoded_len_varint(length) - 1;
    to.splice(start..start, iter::repeat_n(0, more));
    encode_varint(length, &mut &mut to[start..]);
}

/// A message in a field, of these parts.
fn joined(to: &mut Vec<u8>, field: u32, parts: &[&[u8]]) {
    encode_key(field, WireType::LengthDelimited, to);
    encode_varint(parts.iter().map(|part| part.len() as u64).sum(), to);
    for part in parts {
        to.extend_from_slice(part);
    }
}

fn word(to: &mut Vec<u8>, field: u32, word: &str) {
    if !word.is_empty() {
        bytes(to, field, word.as_bytes());
    }
}

fn bytes(to: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    joined(to, field, &[bytes]);
}

fn whole(to: &mut Vec<u8>, field: u32, number: u64) {
    encode_key(field, WireType::Varint, to);
    encode_varint(number, to);
}

fn moment(to: &mut Vec<u8>, field: u32, time: SystemTime) {
    let since: Duration = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    encode_key(field, WireType::SixtyFourBit, to);
    to.extend_from_slice(&u64::try_from(since.as_nanos()).unwrap_or(u64::MAX).to_le_bytes());
}

fn flags(to: &mut Vec<u8>, field: u32, flags: u32) {
    encode_key(field, WireType::ThirtyTwoBit, to);
    to.extend_from_slice(&flags.to_le_bytes());
}

/// Room that a batch keeps for the next one, three times.
const ROOM_BYTES_KEPT: usize = 1024 * 1024;

/// Fields of `ScopeSpans` and of `Span`.
const SPANS: u32 = 2;
const ATTRIBUTES: u32 = 9;
/// `STATUS_CODE_ERROR`.
const ERROR: u64 = 2;
/// Of W3C's flags, and of OTLP's own: whether it is known, and so, that the parent is another process's.
const SAMPLED: u32 = 1;
const HAS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

const _: () = assert!(Kind::Internal as u64 == 1 && Kind::Server as u64 == 2 && Kind::Client as u64 == 3);

#[cfg(test)]
#[path = "otlp_test.rs"]
mod tests;
