//! The stock exporter of the `metrics` facade is the oracle: the same events in, the same samples out, in every form.
#![allow(clippy::unwrap_used)] // a test may stop

mod read;

use metrics::{counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::PrometheusBuilder;
use proptest::prelude::*;
use read::{Family, protobuf, samples, text};
use sidelight_metrics::{DURATION_BOUNDS, recorder::Facade};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

#[derive(Clone, Debug)]
enum Event {
    Increment(u64),
    Absolute(u64),
    Set(f64),
    Change(f64),
    Record(f64),
}

fn event() -> impl Strategy<Value = Event> {
    let seconds =
        prop_oneof![-1.0..700.0, (-30.0..10.0f64).prop_map(f64::exp2), proptest::sample::select(DURATION_BOUNDS)];
    prop_oneof![
        (0u64..1 << 40).prop_map(Event::Increment),
        (0u64..1 << 40).prop_map(Event::Absolute),
        (-1e6..1e6).prop_map(Event::Set),
        (-1e6..1e6).prop_map(Event::Change),
        seconds.prop_map(Event::Record),
    ]
}

/// Words without a comma, which the reader of text splits labels at; with whatever must be escaped. A backslash stands before
/// a letter only: before a quote or another backslash the oracle takes it for an escape that is there already.
fn value() -> impl Strategy<Value = String> {
    "(\\\\[a-z]|[a-zA-Z0-9_ \"\n.{}=\u{e9}]){1,8}"
}

fn emit(prefix: &str, events: &[(u8, String, Event)]) {
    for (which, value, event) in events {
        let name = |kind: &str| format!("{prefix}_{which}_{kind}");
        let value = value.clone();
        match event {
            Event::Increment(by) => counter!(name("total"), "k.ey" => value, "b" => "x").increment(*by),
            Event::Absolute(to) => counter!(name("total"), "k.ey" => value, "b" => "x").absolute(*to),
            Event::Set(to) => gauge!(name("level"), "k.ey" => value).set(*to),
            Event::Change(by) => gauge!(name("level"), "k.ey" => value).increment(*by),
            Event::Record(seconds) => histogram!(name("wait_seconds"), "k.ey" => value).record(*seconds),
        }
    }
}

/// Sums of floats depend on the order in which they are added.
fn assert_same(ours: &BTreeMap<String, f64>, theirs: &BTreeMap<String, f64>) {
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (name, ours) in ours {
        let theirs = theirs[name];
        assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0), "{name}: {ours}, and the oracle says {theirs}");
    }
}

/// The samples that a page in protobuf holds, called as text calls them.
fn flat(families: &[Family]) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    for family in families {
        for metric in &family.metrics {
            let mut add = |ending: &str, more: Option<String>, number: f64| {
                let own = metric.labels.iter().map(|pair| format!("{}=\"{}\"", pair.name, escaped(&pair.value)));
                let mut labels: Vec<String> = own.chain(more.map(|bound| format!("le=\"{bound}\""))).collect();
                labels.sort_unstable();
                samples.insert(format!("{}{ending}{{{}}}", family.name, labels.join(",")), number);
            };
            let counted = metric.counter.iter().map(|it| it.value);
            counted.chain(metric.gauge.iter().map(|it| it.value)).for_each(|value| add("", None, value));
            if let Some(it) = &metric.histogram {
                for bucket in &it.buckets {
                    let bound =
                        if bucket.upper_bound.is_finite() { bucket.upper_bound.to_string() } else { "+Inf".into() };
                    add("_bucket", Some(bound), read::number(bucket.cumulative_count));
                }
                add("_sum", None, it.sum);
                add("_count", None, read::number(it.count));
                let native = it.native().iter().map(|(_, count)| *count).sum::<i64>() + it.zero_count.cast_signed();
                assert_eq!(native, it.count.cast_signed(), "native buckets hold the same values");
            }
        }
    }
    samples
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn the_same_events_give_the_same_samples(events in prop::collection::vec((0u8..3, value(), event()), 1..60)) {
        static CASE: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("case_{}", CASE.fetch_add(1, Relaxed));
        let stock = PrometheusBuilder::new().set_buckets(DURATION_BOUNDS).unwrap().build_recorder();
        with_local_recorder(&Facade, || emit(&prefix, &events));
        with_local_recorder(&stock, || emit(&prefix, &events));
        let names: Vec<String> =
            (0..3).flat_map(|at| ["total", "level", "wait_seconds"].map(|kind| format!("{prefix}_{at}_{kind}"))).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let theirs = samples(&stock.handle().render());
        assert_same(&samples(&text(&names)), &theirs);
        assert_same(&flat(&protobuf(&names)), &theirs);
    }
}
