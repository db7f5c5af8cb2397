//! The `metrics` facade with the exporter that most programs put behind it, and what is emitted through the facade, which
//! our own recorder is measured with too. Its histograms keep every sample until they are drained. That is done between
//! batches and not measured, which is in its favour; one row shows what it is with its drain.

use super::{Library, Page, Pages};
use crate::{
    inputs::{BOUNDS, COUNTED, METHOD, RECORDED, SECONDS, STATUS, series},
    variant::{
        By::{CallSite, Handle},
        Variant,
    },
};
use metrics::{Counter, Histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use std::{hint::black_box, sync::LazyLock};

pub(super) const LIBRARY: Library = Library {
    package: "metrics-exporter-prometheus",
    counters,
    histograms,
    pages: Some(Pages {
        counters: |series| page(&|| count_through_facade(series)),
        histograms: |series| page(&|| record_through_facade(series)),
    }),
};

static RECORDER: LazyLock<PrometheusRecorder> = LazyLock::new(recorder);

/// A recorder with the bounds of everybody; without bounds it makes summaries.
pub(crate) fn recorder() -> PrometheusRecorder {
    let builder = PrometheusBuilder::new().set_buckets(&BOUNDS);
    builder.expect("the bounds are not empty").build_recorder()
}

fn counters() -> Vec<Variant> {
    let handle = metrics::with_local_recorder(&*RECORDER, counter);
    vec![
        Variant::new(Handle, "`metrics::Counter`", move || black_box(&handle).increment(1)),
        counter_macro("`counter!`").inside(|repeat| metrics::with_local_recorder(&*RECORDER, repeat)),
        counter_macro_of_words("`counter!`, words of run time")
            .inside(|repeat| metrics::with_local_recorder(&*RECORDER, repeat)),
    ]
}

fn histograms() -> Vec<Variant> {
    let handle = |how| {
        let histogram = metrics::with_local_recorder(&*RECORDER, histogram);
        Variant::of_values(Handle, how, &SECONDS, move |it| black_box(&histogram).record(it))
    };
    let drain = || RECORDER.handle().run_upkeep();
    vec![
        handle("`metrics::Histogram`").tidied(drain),
        handle("`metrics::Histogram`, with its drain").inside(move |repeat| {
            repeat();
            drain();
        }),
        histogram_macro("`histogram!`").inside(|repeat| metrics::with_local_recorder(&*RECORDER, repeat)).tidied(drain),
    ]
}

/// The counter, of whichever recorder is set.
pub(super) fn counter() -> Counter {
    metrics::counter!("bench_requests_total", "method" => "get", "status" => "200")
}

/// The histogram, of whichever recorder is set.
pub(crate) fn histogram() -> Histogram {
    metrics::histogram!("bench_duration_seconds", "method" => "get", "status" => "200")
}

/// Labels are literals, so the key is made by the compiler.
pub(super) fn counter_macro(how: &'static str) -> Variant {
    Variant::new(CallSite, how, || counter().increment(black_box(1)))
}

/// Labels are known at run time only, so each call makes a key.
pub(super) fn counter_macro_of_words(how: &'static str) -> Variant {
    Variant::new(CallSite, how, || {
        let (method, status): (&'static str, &'static str) = black_box((METHOD.1, STATUS.1));
        metrics::counter!("bench_requests_total", "method" => method, "status" => status).increment(1);
    })
}

pub(super) fn histogram_macro(how: &'static str) -> Variant {
    Variant::of_values(CallSite, how, &SECONDS, |it| histogram().record(it))
}

/// Fills so many counters of whichever recorder is set.
pub(super) fn count_through_facade(count: usize) {
    for one in series(count, "_total") {
        for (method, path) in one.labels {
            let counter = metrics::counter!(one.name.clone(), "method" => method, "path" => path);
            counter.increment(COUNTED.into());
        }
    }
}

/// Fills so many histograms of whichever recorder is set.
pub(super) fn record_through_facade(count: usize) {
    for one in series(count, "_seconds") {
        for (method, path) in one.labels {
            let histogram = metrics::histogram!(one.name.clone(), "method" => method, "path" => path);
            for value in RECORDED {
                histogram.record(value);
            }
        }
    }
}

fn page(fill: &dyn Fn()) -> Page {
    let recorder = recorder();
    metrics::with_local_recorder(&recorder, fill);
    let handle = recorder.handle();
    Box::new(move |read| read(handle.render().as_bytes()))
}
