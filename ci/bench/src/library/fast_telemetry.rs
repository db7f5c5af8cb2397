//! `fast-telemetry`: cells by thread, whole numbers only, so durations are microseconds.

use super::{Library, Page, Pages};
use crate::{
    inputs::{COUNTED, METHOD, MICROSECONDS, RECORDED, STATUS, bounds_in_microseconds, series},
    variant::{
        By::{CallSite, Handle},
        Variant,
    },
};
use fast_telemetry::{Counter, DynamicCounter, DynamicHistogram, Histogram, PrometheusExport};
use std::{hint::black_box, time::Duration};

pub(super) const LIBRARY: Library = Library {
    package: "fast-telemetry",
    counters,
    histograms,
    pages: Some(Pages { counters: page_of_counters, histograms: page_of_histograms }),
};

const LABELS: [(&str, &str); 2] = [METHOD, STATUS];
/// Cells of a series; more than there are threads here.
const CELLS: usize = 4;

fn counters() -> Vec<Variant> {
    let plain = Counter::new(CELLS);
    let (dynamic, handle) = (DynamicCounter::new(CELLS), DynamicCounter::new(CELLS).series(&LABELS));
    vec![
        Variant::new(Handle, "`Counter`, no labels", move || black_box(&plain).inc()),
        Variant::new(Handle, "`DynamicCounterSeries`", move || black_box(&handle).inc()),
        Variant::new(CallSite, "`DynamicCounter`", move || dynamic.inc(black_box(&LABELS))),
    ]
}

fn histograms() -> Vec<Variant> {
    let bounds = bounds_in_microseconds();
    let plain = Histogram::new(&bounds, CELLS);
    let dynamic = DynamicHistogram::new(&bounds, CELLS);
    let handle = dynamic.series(&LABELS);
    vec![
        Variant::of_values(Handle, "`Histogram`, no labels", &MICROSECONDS, move |it| black_box(&plain).record(it)),
        Variant::of_values(Handle, "`DynamicHistogramSeries`", &MICROSECONDS, move |it| black_box(&handle).record(it)),
        Variant::of_values(CallSite, "`DynamicHistogram`", &MICROSECONDS, move |it| {
            dynamic.record(black_box(&LABELS), it);
        }),
    ]
}

fn page_of_counters(count: usize) -> Page {
    let fill = |family: &DynamicCounter, labels: &[(&str, &str)]| {
        family.add(labels, isize::try_from(COUNTED).unwrap_or(isize::MAX));
    };
    page(count, "_total", || DynamicCounter::new(CELLS), fill)
}

fn page_of_histograms(count: usize) -> Page {
    let fill = |family: &DynamicHistogram, labels: &[(&str, &str)]| {
        for value in RECORDED {
            let microseconds = Duration::from_secs_f64(value).as_micros();
            family.record(labels, u64::try_from(microseconds).unwrap_or(u64::MAX));
        }
    };
    page(count, "_seconds", || DynamicHistogram::new(&bounds_in_microseconds(), CELLS), fill)
}

fn page<F: PrometheusExport + 'static>(
    count: usize,
    ending: &str,
    family: fn() -> F,
    fill: fn(&F, &[(&str, &str)]),
) -> Page {
    let mut families: Vec<(String, F)> = Vec::new();
    for one in series(count, ending) {
        let family = family();
        one.labels.iter().for_each(|(method, path)| fill(&family, &[("method", method), ("path", path)]));
        families.push((one.name, family));
    }
    let mut text = String::new();
    Box::new(move |read| {
        text.clear();
        for (name, family) in &families {
            family.export_prometheus(&mut text, name, "A family.");
        }
        read(text.as_bytes());
    })
}
