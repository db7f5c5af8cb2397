//! Ours: typed handles of a catalogue, and the recorder behind the `metrics` facade. Scraped as `/metrics` is, without HTTP.

use super::{Library, Page, Pages, stock};
use crate::{
    inputs::{DURATIONS, SECONDS},
    variant::{
        By::{CallSite, Handle},
        Variant,
    },
};
use sidelight::{
    Counter, Histogram, catalog, labels,
    metrics::{Seconds, Unit},
};
use sidelight_metrics::{Form, Wanted, recorder::Facade, render};
use std::hint::black_box;

pub(super) const LIBRARY: Library = Library {
    package: "sidelight",
    counters,
    histograms,
    pages: Some(Pages {
        counters: |series| page(&|| stock::count_through_facade(series)),
        histograms: |series| page(&|| stock::record_through_facade(series)),
    }),
};

labels! {
    /// What was asked.
    pub(crate) enum Method = "method" { /// To read.
        Get = "get", /// To write.
        Put = "put" }
    /// How it ended.
    pub(crate) enum Status = "status" { /// Well.
        Ok = "200", /// With nothing found.
        Missing = "404", /// Badly.
        Failed = "500" }
}

catalog! {
    /// Requests.
    pub(crate) REQUESTS: Counter<(Method, Status)> = "bench.requests";
    /// How long requests took.
    pub(crate) DURATION: Histogram<(Method, Status), Seconds> = "bench.duration";
    /// How long requests took, where the caller has seconds.
    pub(crate) PLAIN: Histogram<(Method, Status), Plain> = "bench.plain";
}

/// Seconds that are a number already, as all others take them.
#[derive(Debug)]
pub(crate) enum Plain {}

impl Unit for Plain {
    type Value = f64;
    const ENDING: &'static str = "_seconds";
    #[inline]
    fn number(value: f64) -> f64 {
        value
    }
}

fn counters() -> Vec<Variant> {
    let handle = through_us(stock::counter);
    vec![
        Variant::new(Handle, "`Counter<(A, B)>`", || REQUESTS.add((Method::Get, Status::Ok), black_box(1))),
        Variant::new(CallSite, "`Counter<(A, B)>`", || REQUESTS.add(black_box((Method::Get, Status::Ok)), 1)),
        Variant::new(Handle, "`metrics::Counter`", move || black_box(&handle).increment(1)),
        stock::counter_macro("`counter!`").inside(|repeat| through_us(repeat)),
        stock::counter_macro_of_words("`counter!`, words of run time").inside(|repeat| through_us(repeat)),
    ]
}

fn histograms() -> Vec<Variant> {
    const GET: (Method, Status) = (Method::Get, Status::Ok);
    let handle = through_us(stock::histogram);
    vec![
        Variant::of_values(Handle, "`Histogram<(A, B), Seconds>`", &DURATIONS, |it| DURATION.record(GET, it)),
        Variant::of_values(CallSite, "`Histogram<(A, B), Seconds>`", &DURATIONS, |it| {
            DURATION.record(black_box(GET), it);
        }),
        Variant::of_values(Handle, "`Histogram<(A, B), Plain>`, of `f64`", &SECONDS, |it| PLAIN.record(GET, it)),
        Variant::of_values(Handle, "`metrics::Histogram`", &SECONDS, move |it| black_box(&handle).record(it)),
        stock::histogram_macro("`histogram!`").inside(|repeat| through_us(repeat)),
    ]
}

/// With our recorder behind the facade.
pub(crate) fn through_us<R>(emit: impl FnOnce() -> R) -> R {
    metrics::with_local_recorder(&Facade, emit)
}

fn page(fill: &dyn Fn()) -> Page {
    through_us(fill);
    let wanted = Wanted { form: Form::Text, names: Vec::new(), gzip: false };
    Box::new(move |read| read(&render(&wanted)))
}
