//! What a scrape sees of a series: its words and its number, as it stands at that moment, whatever it is kept in.

use super::{
    distribution::Distribution,
    level::Level,
    slab::{Place, Reading},
};
use crate::model::{Exemplar, Layout};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::SystemTime,
};

/// Where a series' number is.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Counter(Place),
    Flow(Place),
    Gauge(&'static AtomicI64),
    Level(Arc<Level>),
    Histogram(&'static Distribution),
    /// It never changes.
    Fact(f64),
}

/// One series.
#[derive(Debug)]
pub(crate) struct Series<'a> {
    /// The line up to its number, with a space; of a histogram the labels only, without braces.
    pub(crate) line: &'a str,
    /// The labels as the protobuf form has them.
    pub(crate) wire: &'a [u8],
    pub(crate) number: Number<'a>,
    /// When it entered, at nought: just before its first number.
    pub(crate) began: SystemTime,
}

/// What a series stands at.
#[derive(Debug)]
pub(crate) enum Number<'a> {
    /// A counter's: no form of it is rounded that need not be.
    Whole(u64),
    Real(f64),
    Histogram(Histogram<'a>),
}

impl Number<'_> {
    /// For forms that have no whole numbers.
    #[allow(clippy::cast_precision_loss)] // no form has whole numbers beyond 2^53
    pub(crate) fn real(&self) -> f64 {
        match self {
            Self::Whole(number) => *number as f64,
            Self::Real(number) => *number,
            Self::Histogram(_) => f64::NAN,
        }
    }
}

/// A histogram's sum and slots.
#[derive(Debug)]
pub(crate) struct Histogram<'a> {
    pub(crate) sum: f64,
    pub(crate) slots: &'a [u64],
    pub(crate) layout: &'static Layout,
    distribution: &'static Distribution,
}

impl Histogram<'_> {
    /// The exemplar of a classic bucket.
    pub(crate) fn exemplar(&self, bucket: usize) -> Option<Exemplar> {
        self.distribution.exemplars.get(bucket)
    }
}

/// One reading of all numbers. Its room for slots is used again for each histogram.
#[derive(Debug)]
pub(crate) struct Reader {
    reading: Reading,
    slots: Vec<u64>,
}

impl Reader {
    pub(crate) fn new(reading: Reading) -> Self {
        Self { reading, slots: Vec::new() }
    }

    /// What a series stands at. Less than nothing cannot be in flight: what ended was read, and what began not yet.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_wrap)] // no form has whole numbers beyond 2^53
    pub(crate) fn read(&mut self, source: &Source) -> Number<'_> {
        match source {
            Source::Counter(place) => Number::Whole(self.reading.sum(*place)),
            Source::Flow(place) => Number::Real((self.reading.sum(*place) as i64).max(0) as f64),
            Source::Gauge(number) => Number::Real(number.load(Relaxed) as f64),
            Source::Level(level) => Number::Real(level.get()),
            Source::Fact(number) => Number::Real(*number),
            Source::Histogram(distribution) => {
                let sum = distribution.read(&self.reading, &mut self.slots);
                Number::Histogram(Histogram { sum, slots: &self.slots, layout: distribution.layout, distribution })
            }
        }
    }
}
