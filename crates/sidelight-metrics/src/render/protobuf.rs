//! The protobuf form: `io.prometheus.client.MetricFamily`, each with its length before it. The only form that has native
//! histograms; the classic buckets stand beside them.
//!
//! <https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto>

use crate::{
    model::{
        Exemplar, Kind, SCHEMA, unescaped,
        wire::{bytes, double, pair, varint, whole, within},
    },
    record::{Family, Histogram, Number, Reader, Series},
};
use std::time::{Duration, SystemTime};

/// Writes families one after the other.
pub(crate) struct Writer {
    pub(crate) page: Vec<u8>,
    family: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { page: Vec::with_capacity(capacity), family: Vec::new() }
    }

    pub(crate) fn family(&mut self, family: &Family, reader: &mut Reader) {
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
        family.each(reader, |series| within(&mut message, 4, |metric| write_metric(metric, family.kind, series)));
        if let Some(unit) = family.unit() {
            bytes(&mut message, 5, unit.as_bytes());
        }
        varint(&mut self.page, message.len() as u64);
        self.page.extend_from_slice(&message);
        self.family = message;
    }
}

fn write_metric(metric: &mut Vec<u8>, kind: Kind, series: &Series<'_>) {
    metric.extend_from_slice(series.wire);
    match &series.number {
        Number::Histogram(it) => within(metric, 7, |out| {
            histogram(out, it);
            timestamp(out, 15, series.began);
        }),
        number if kind == Kind::Counter => within(metric, 3, |out| {
            double(out, 1, number.real());
            timestamp(out, 3, series.began);
        }),
        number => within(metric, 2, |out| double(out, 1, number.real())),
    }
}

fn histogram(out: &mut Vec<u8>, it: &Histogram<'_>) {
    let (slots, count) = (it.slots, it.slots.iter().sum());
    whole(out, 1, count);
    double(out, 2, it.sum);
    let bounds = it.layout.classic().iter().copied().chain([f64::INFINITY]);
    let counts = it.layout.cumulated(slots).chain([count]);
    for (at, (bound, up_to)) in bounds.zip(counts).enumerate() {
        within(out, 3, |bucket| {
            whole(bucket, 1, up_to);
            double(bucket, 2, bound);
            if let Some(example) = it.exemplar(at) {
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

/// Small numbers of either sign become small numbers.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_of_either_sign_become_small_numbers() {
        assert_eq!([0, -1, 1, -2].map(zigzag), [0, 1, 2, 3]);
    }

    #[test]
    fn runs_of_buckets_become_spans_and_counts_become_differences() {
        let mut out = Vec::new();
        native(&mut out, &[(-3, 5), (-2, 4), (1, 7)]);
        // a span of 2 from -3; a span of 1, two empty ones further; 5, -1, +3
        assert_eq!(out, [98, 4, 8, 5, 16, 2, 98, 4, 8, 4, 16, 1, 106, 3, 10, 1, 6]);
    }
}
