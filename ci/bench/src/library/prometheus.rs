//! The `prometheus` of `TiKV`: atomics behind `Arc`s, found by the hash of their label values.

use super::{Library, Page, Pages};
use crate::{
    inputs::{BOUNDS, COUNTED, METHOD, RECORDED, SECONDS, STATUS, series},
    variant::{
        By::{CallSite, Handle},
        Variant,
    },
};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder, core::Collector};
use std::hint::black_box;

pub(super) const LIBRARY: Library = Library {
    package: "prometheus",
    counters,
    histograms,
    pages: Some(Pages { counters: page_of_counters, histograms: page_of_histograms }),
};

const VALUES: [&str; 2] = [METHOD.1, STATUS.1];

fn counters() -> Vec<Variant> {
    let family = counter("bench_requests_total", &[METHOD.0, STATUS.0]);
    let handle = family.with_label_values(&VALUES);
    vec![
        Variant::new(Handle, "`IntCounter`", move || black_box(&handle).inc()),
        Variant::new(CallSite, "`IntCounterVec`", move || family.with_label_values(black_box(&VALUES)).inc()),
    ]
}

fn histograms() -> Vec<Variant> {
    let family = histogram("bench_duration_seconds", &[METHOD.0, STATUS.0]);
    let handle = family.with_label_values(&VALUES);
    vec![
        Variant::of_values(Handle, "`Histogram`", &SECONDS, move |it| black_box(&handle).observe(it)),
        Variant::of_values(CallSite, "`HistogramVec`", &SECONDS, move |it| {
            family.with_label_values(black_box(&VALUES)).observe(it);
        }),
    ]
}

fn counter(name: &str, labels: &[&str]) -> IntCounterVec {
    IntCounterVec::new(Opts::new(name, "Requests."), labels).expect("name and labels are valid")
}

fn histogram(name: &str, labels: &[&str]) -> HistogramVec {
    let options = HistogramOpts::new(name, "Durations.").buckets(BOUNDS.to_vec());
    HistogramVec::new(options, labels).expect("name and labels are valid")
}

fn page_of_counters(count: usize) -> Page {
    page(count, "_total", counter, |family, labels| family.with_label_values(labels).inc_by(COUNTED.into()))
}

fn page_of_histograms(count: usize) -> Page {
    page(count, "_seconds", histogram, |family, labels| {
        let histogram = family.with_label_values(labels);
        for value in RECORDED {
            histogram.observe(value);
        }
    })
}

fn page<F: Collector + Clone + 'static>(
    count: usize,
    ending: &str,
    family: fn(&str, &[&str]) -> F,
    fill: fn(&F, &[&str]),
) -> Page {
    let registry = Registry::new();
    for one in series(count, ending) {
        let family = family(&one.name, &["method", "path"]);
        one.labels.iter().for_each(|(method, path)| fill(&family, &[method, path]));
        registry.register(Box::new(family)).expect("each name comes once");
    }
    let mut text = String::new();
    Box::new(move |read| {
        text.clear();
        TextEncoder::new().encode_utf8(&registry.gather(), &mut text).expect("every family has a series");
        read(text.as_bytes());
    })
}
