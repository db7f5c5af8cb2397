//! OpenTelemetry's SDK, with a reader that nobody asks. Bound instruments are an experimental feature of it. It has no text
//! form of its own, so it has no page here.

use super::Library;
use crate::{
    inputs::{BOUNDS, METHOD, SECONDS, STATUS},
    variant::{
        By::{CallSite, Handle},
        Variant,
    },
};
use opentelemetry::{
    KeyValue,
    metrics::{Meter, MeterProvider as _},
};
use opentelemetry_sdk::metrics::{ManualReader, SdkMeterProvider};
use std::{hint::black_box, sync::LazyLock};

pub(super) const LIBRARY: Library = Library { package: "opentelemetry_sdk", counters, histograms, pages: None };

fn meter() -> Meter {
    static PROVIDER: LazyLock<SdkMeterProvider> =
        LazyLock::new(|| SdkMeterProvider::builder().with_reader(ManualReader::default()).build());
    PROVIDER.meter("bench")
}

fn attributes() -> [KeyValue; 2] {
    [KeyValue::new(METHOD.0, METHOD.1), KeyValue::new(STATUS.0, STATUS.1)]
}

fn counters() -> Vec<Variant> {
    let counter = meter().u64_counter("bench.requests").build();
    let (bound, attributes) = (counter.bind(&attributes()), attributes());
    vec![
        Variant::new(Handle, "`BoundCounter`", move || black_box(&bound).add(1)),
        Variant::new(CallSite, "`Counter`", move || counter.add(1, black_box(&attributes))),
    ]
}

fn histograms() -> Vec<Variant> {
    let histogram = meter().f64_histogram("bench.duration").with_boundaries(BOUNDS.to_vec()).build();
    let (bound, attributes) = (histogram.bind(&attributes()), attributes());
    vec![
        Variant::of_values(Handle, "`BoundHistogram`", &SECONDS, move |it| black_box(&bound).record(it)),
        Variant::of_values(CallSite, "`Histogram`", &SECONDS, move |it| histogram.record(it, black_box(&attributes))),
    ]
}
