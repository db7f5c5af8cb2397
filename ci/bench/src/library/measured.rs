//! `measured`: enums index a dense array of cells; other labels are interned. Histograms are read and written under a lock.

use super::{Library, Page, Pages};
use crate::{
    inputs::{BOUNDS, COUNTED, RECORDED, SECONDS, Series, series},
    variant::{
        By::{CallSite, Handle},
        Variant,
    },
};
use lasso::ThreadedRodeo;
use measured::{
    CounterVec, FixedCardinalityLabel, HistogramVec, LabelGroup,
    label::StaticLabelSet,
    metric::{MetricFamilyEncoding, histogram::Thresholds, name::MetricName},
    text::BufferedTextEncoder,
};
use std::hint::black_box;

pub(super) const LIBRARY: Library = Library {
    package: "measured",
    counters,
    histograms,
    pages: Some(Pages { counters: page_of_counters, histograms: page_of_histograms }),
};

#[derive(Clone, Copy, Debug, FixedCardinalityLabel)]
enum Method {
    Get,
    Put,
}

#[derive(Clone, Copy, Debug, FixedCardinalityLabel)]
enum Status {
    Ok = 200,
    Missing = 404,
    Failed = 500,
}

#[derive(Clone, Copy, LabelGroup)]
#[label(set = LabelSet)]
struct Labels {
    method: Method,
    status: Status,
}

#[derive(Clone, Copy, LabelGroup)]
#[label(set = PageSet)]
struct PageLabels<'a> {
    #[label(fixed)]
    method: Method,
    #[label(dynamic_with = ThreadedRodeo, default)]
    path: &'a str,
}

const GET: Labels = Labels { method: Method::Get, status: Status::Ok };

fn thresholds() -> Thresholds<{ BOUNDS.len() }> {
    Thresholds::with_buckets(BOUNDS)
}

fn counters() -> Vec<Variant> {
    let (one, other) = (CounterVec::<LabelSet>::new(), CounterVec::<LabelSet>::new());
    let id = one.with_labels(GET);
    vec![
        Variant::new(Handle, "`CounterVec`, `LabelId`", move || one.get_metric(black_box(id)).inc()),
        Variant::new(CallSite, "`CounterVec`", move || other.inc(black_box(GET))),
    ]
}

fn histograms() -> Vec<Variant> {
    let vec = || HistogramVec::<LabelSet, { BOUNDS.len() }>::with_metadata(thresholds());
    let (one, other) = (vec(), vec());
    let id = one.with_labels(GET);
    vec![
        Variant::of_values(Handle, "`HistogramVec`, `LabelId`", &SECONDS, move |it| {
            one.get_metric(black_box(id)).observe(it);
        }),
        Variant::of_values(CallSite, "`HistogramVec`", &SECONDS, move |it| other.observe(black_box(GET), it)),
    ]
}

fn page_of_counters(count: usize) -> Page {
    page(count, "_total", |one| {
        let vec = CounterVec::with_label_set(page_set());
        page_labels(&one.labels).for_each(|labels| vec.inc_by(labels, COUNTED.into()));
        vec
    })
}

fn page_of_histograms(count: usize) -> Page {
    page(count, "_seconds", |one| {
        let vec = HistogramVec::with_label_set_and_metadata(page_set(), thresholds());
        for labels in page_labels(&one.labels) {
            for value in RECORDED {
                vec.observe(labels, value);
            }
        }
        vec
    })
}

fn page_set() -> PageSet {
    PageSet { method: StaticLabelSet::new(), path: ThreadedRodeo::new() }
}

fn page_labels<'a>(labels: &'a [(&str, String)]) -> impl Iterator<Item = PageLabels<'a>> {
    let method = |word| if word == "get" { Method::Get } else { Method::Put };
    labels.iter().map(move |(word, path)| PageLabels { method: method(*word), path })
}

fn page<F: MetricFamilyEncoding<BufferedTextEncoder> + 'static>(
    count: usize,
    ending: &str,
    fill: fn(&Series) -> F,
) -> Page {
    let families: Vec<(F, String)> = series(count, ending).into_iter().map(|one| (fill(&one), one.name)).collect();
    let mut encoder = BufferedTextEncoder::new();
    Box::new(move |read| {
        for (family, name) in &families {
            let name = MetricName::try_from_str(name).expect("the name is valid");
            let Ok(()) = family.collect_family_into(name, &mut encoder);
        }
        read(&encoder.finish());
    })
}
