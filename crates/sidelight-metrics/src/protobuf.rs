//! The protobuf form: `io.prometheus.client.MetricFamily`, each with its length before it. The only form that has native
//! histograms; the classic buckets stand beside them.
//!
//! <https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto>

use crate::{
    Exemplar, Kind,
    cell::Distribution,
    layout::SCHEMA,
    name::unescaped,
    registry::{Family, Series, Source},
    slab::Reading,
    text::value,
};
use std::time::{Duration, SystemTime};

/// Writes families one after the other.
pub(crate) struct Writer {
    pub(crate) page: Vec<u8>,
    family: Vec<u8>,
    slots: Vec<u64>,
}

impl Writer {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { page: Vec::with_capacity(capacity), family: Vec::new(), slots: Vec::new() }
    }

    pub(crate) fn family(&mut self, family: &Family, reading: &Reading) {
        let mut message = std::mem::take(&mut self.family);
        message.clear();
        bytes(&mut message, 1, family.name.as_bytes());
        bytes(&mut message, 2, unescaped(&family.help).as_bytes());
        let kind = match family.kind {
            Kind::Counter => 0,
            Kind::Gauge => 1,
            Kind::Histogram => 4,
        };
        whole(&mut message, 3, kind);
        for series in family.series() {
            within(&mut message, 4, |metric| self.metric(metric, family.kind, &series, reading));
        }
        if let Some(unit) = family.unit() {
            bytes(&mut message, 5, unit.as_bytes());
        }
        varint(&mut self.page, message.len() as u64);
        self.page.extend_from_slice(&message);
        self.family = message;
    }

    fn metric(&mut self, metric: &mut Vec<u8>, kind: Kind, series: &Series<'_>, reading: &Reading) {
        metric.extend_from_slice(series.wire);
        match series.source {
            Source::Histogram(distribution) => {
                within(metric, 7, |it| {
                    histogram(it, distribution, reading, &mut self.slots);
                    timestamp(it, 15, series.began);
                });
            }
            number if kind == Kind::Counter => within(metric, 3, |it| {
                double(it, 1, value(number, reading));
                timestamp(it, 3, series.began);
            }),
            number => within(metric, 2, |it| double(it, 1, value(number, reading))),
        }
    }
}

fn histogram(out: &mut Vec<u8>, it: &Distribution, reading: &Reading, slots: &mut Vec<u64>) {
    let sum = it.read(reading, slots);
    let count = slots.iter().sum();
    whole(out, 1, count);
    double(out, 2, sum);
    let bounds = it.layout.classic().iter().copied().chain([f64::INFINITY]);
    let counts = it.layout.cumulated(slots).chain([count]);
    for (at, (bound, up_to)) in bounds.zip(counts).enumerate() {
        within(out, 3, |bucket| {
            whole(bucket, 1, up_to);
            double(bucket, 2, bound);
            if let Some(example) = it.exemplars.get(at) {
                within(bucket, 3, |out| exemplar(out, &example));
            }
        });
    }
    whole(out, 5, zigzag(i64::from(SCHEMA)));
    double(out, 6, it.layout.zero_threshold());
    whole(out, 7, slots[0]);
    native(out, &it.layout.native(slots));
}

/// Runs of buckets that lie side by side, and the counts as differences from one to the next.
fn native(out: &mut Vec<u8>, buckets: &[(i32, u64)]) {
    let mut next = 0;
    let mut rest = buckets;
    while let Some((first, _)) = rest.first() {
        let length = (*first..).zip(rest).take_while(|(index, bucket)| *index == bucket.0).count();
        within(out, 12, |span| {
            whole(span, 1, zigzag(i64::from(first - next)));
            whole(span, 2, length as u64);
        });
        next = rest[length - 1].0 + 1;
        rest = &rest[length..];
    }
    let mut last = 0;
    within(out, 13, |deltas| {
        for (_, count) in buckets {
            varint(deltas, zigzag(count.wrapping_sub(last).cast_signed()));
            last = *count;
        }
    });
}

fn exemplar(out: &mut Vec<u8>, exemplar: &Exemplar) {
    pair(out, "trace_id", &format!("{:032x}", exemplar.trace));
    pair(out, "span_id", &format!("{:016x}", exemplar.span));
    double(out, 2, exemplar.value);
    timestamp(out, 3, exemplar.at);
}

fn timestamp(out: &mut Vec<u8>, field: u32, at: SystemTime) {
    let at = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    within(out, field, |timestamp| {
        whole(timestamp, 1, at.as_secs());
        whole(timestamp, 2, u64::from(at.subsec_nanos()));
    });
}

/// Labels, made ready once; their values were escaped for the text forms.
pub(crate) fn labels(labels: &[(String, String)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in labels {
        pair(&mut out, name, &unescaped(value));
    }
    out
}

fn pair(out: &mut Vec<u8>, name: &str, value: &str) {
    within(out, 1, |pair| {
        bytes(pair, 1, name.as_bytes());
        bytes(pair, 2, value.as_bytes());
    });
}

/// A message in a field: written behind a byte for its length, which is moved where it needs more of them.
fn within(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    varint(out, u64::from(field << 3 | LENGTH));
    let start = out.len();
    out.push(0);
    write(out);
    let length = out.len() - start - 1;
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out[start] = short,
        _ => {
            let mut prefix = Vec::with_capacity(10);
            varint(&mut prefix, length as u64);
            out.splice(start..=start, prefix);
        }
    }
}

fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    varint(out, u64::from(field << 3 | LENGTH));
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn whole(out: &mut Vec<u8>, field: u32, value: u64) {
    varint(out, u64::from(field << 3));
    varint(out, value);
}

fn double(out: &mut Vec<u8>, field: u32, value: f64) {
    varint(out, u64::from(field << 3 | EIGHT_BYTES));
    out.extend_from_slice(&value.to_le_bytes());
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Small numbers of either sign become small numbers.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// Wire types.
const EIGHT_BYTES: u32 = 1;
const LENGTH: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_protobuf_s_own_documentation_has_them() {
        let mut out = Vec::new();
        whole(&mut out, 1, 150);
        assert_eq!(out, [0x08, 0x96, 0x01]);
        assert_eq!([0, -1, 1, -2].map(zigzag), [0, 1, 2, 3]);
    }

    #[test]
    fn a_message_of_any_length_has_its_length_before_it() {
        for length in [0usize, 1, 127, 128, 20_000] {
            let (mut out, mut wanted) = (Vec::new(), vec![0x0a]);
            within(&mut out, 1, |inner| inner.extend(vec![7; length]));
            varint(&mut wanted, length as u64);
            wanted.resize(wanted.len() + length, 7);
            assert_eq!(out, wanted);
        }
    }

    #[test]
    fn runs_of_buckets_become_spans_and_counts_become_differences() {
        let mut out = Vec::new();
        native(&mut out, &[(-3, 5), (-2, 4), (1, 7)]);
        // a span of 2 from -3; a span of 1, two empty ones further; 5, -1, +3
        assert_eq!(out, [98, 4, 8, 5, 16, 2, 98, 4, 8, 4, 16, 1, 106, 3, 10, 1, 6]);
    }
}
