//! The official `prometheus-client`: families behind a lock, histograms behind one each.

use super::{Library, Page, Pages};
use crate::{
    inputs::{BOUNDS, COUNTED, RECORDED, SECONDS, series},
    variant::{
        By::{CallSite, Handle},
        Variant,
    },
};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, text::encode},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};
use std::hint::black_box;

pub(super) const LIBRARY: Library = Library {
    package: "prometheus-client",
    counters,
    histograms,
    pages: Some(Pages { counters: page_of_counters, histograms: page_of_histograms }),
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Method {
    Get,
    Put,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(dead_code)] // three values, of which one is recorded
enum Status {
    Ok,
    Missing,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: Method,
    status: Status,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PageLabels {
    method: Method,
    path: String,
}

const GET: Labels = Labels { method: Method::Get, status: Status::Ok };

type Histograms<S> = Family<S, Histogram, fn() -> Histogram>;

fn histogram<S: Clone + std::hash::Hash + Eq>() -> Histograms<S> {
    Family::new_with_constructor(|| Histogram::new(BOUNDS))
}

fn counters() -> Vec<Variant> {
    let family = Family::<Labels, Counter>::default();
    let handle = family.get_or_create_owned(&GET);
    vec![
        Variant::new(Handle, "`Counter`", move || {
            black_box(&handle).inc();
        }),
        Variant::new(CallSite, "`Family`", move || {
            family.get_or_create(black_box(&GET)).inc();
        }),
    ]
}

fn histograms() -> Vec<Variant> {
    let family = histogram();
    let handle = family.get_or_create_owned(&GET);
    vec![
        Variant::of_values(Handle, "`Histogram`", &SECONDS, move |it| black_box(&handle).observe(it)),
        Variant::of_values(CallSite, "`Family`", &SECONDS, move |it| {
            family.get_or_create(black_box(&GET)).observe(it);
        }),
    ]
}

fn page_of_counters(count: usize) -> Page {
    let mut registry = Registry::default();
    for one in series(count, "") {
        let family = Family::<PageLabels, Counter>::default();
        for labels in one.labels {
            family.get_or_create(&page_labels(labels)).inc_by(COUNTED.into());
        }
        registry.register(one.name, "Requests", family); // `_total` comes with the encoding
    }
    page(registry)
}

fn page_of_histograms(count: usize) -> Page {
    let mut registry = Registry::default();
    for one in series(count, "_seconds") {
        let family = histogram();
        for labels in one.labels {
            let histogram = family.get_or_create(&page_labels(labels));
            for value in RECORDED {
                histogram.observe(value);
            }
        }
        registry.register(one.name, "Durations", family);
    }
    page(registry)
}

fn page_labels((method, path): (&str, String)) -> PageLabels {
    PageLabels { method: if method == "get" { Method::Get } else { Method::Put }, path }
}

fn page(registry: Registry) -> Page {
    let mut text = String::new();
    Box::new(move |read| {
        text.clear();
        encode(&mut text, &registry).expect("a String takes everything");
        read(text.as_bytes());
    })
}
