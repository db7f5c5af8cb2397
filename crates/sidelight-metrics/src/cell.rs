//! What is counted in: one cell a series. A cell takes its place and enters the book when it is first used; from then on
//! recording is a load and a store, without a lock, a hash or an allocation.

use crate::{
    Exemplar, Name, Scale,
    exemplar::Exemplars,
    layout::{Layout, Table},
    registry::{self, Source},
    slab::{self, Place, Reading},
};
use std::sync::{
    Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering::Relaxed},
};

/// A number that only grows; wraps at 2^64.
#[derive(Debug)]
pub struct CounterCell(At);

impl CounterCell {
    /// A counter at 0 that is not in the book yet.
    #[must_use]
    #[allow(clippy::new_without_default)] // only ever a static's initialiser
    pub const fn new() -> Self {
        Self(At::new())
    }

    /// Adds. The name is asked for once.
    #[inline]
    pub fn add(&self, number: u64, name: impl FnOnce() -> Name) {
        self.0.add(number, name, Source::Counter);
    }

    /// Raises to at least this total: for a count that somebody else keeps. Takes a lock.
    pub fn raise(&self, total: u64, name: impl FnOnce() -> Name) {
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        self.add(total.saturating_sub(self.get()), name);
    }

    /// Enters the book at 0, if it is not there yet.
    pub fn show(&self, name: impl FnOnce() -> Name) {
        self.add(0, name);
    }

    /// The total.
    #[must_use]
    pub fn get(&self) -> u64 {
        Reading::begin().sum(self.0.get())
    }
}

/// How many are on their way: what began, less what ended, on whichever threads.
#[derive(Debug)]
pub struct FlowCell(At);

impl FlowCell {
    /// Nothing on its way, and not in the book yet.
    #[must_use]
    #[allow(clippy::new_without_default)] // only ever part of a static's initialiser
    pub const fn new() -> Self {
        Self(At::new())
    }

    /// One more.
    #[inline]
    pub fn enter(&self, name: impl FnOnce() -> Name) {
        self.0.add(1, name, Source::Flow);
    }

    /// One less.
    #[inline]
    pub fn leave(&self, name: impl FnOnce() -> Name) {
        self.0.add(u64::MAX, name, Source::Flow); // slots wrap: this is -1
    }
}

/// The place of a single number.
#[derive(Debug)]
struct At(AtomicU32);

impl At {
    const fn new() -> Self {
        Self(AtomicU32::new(Place::NONE.bits()))
    }

    #[inline]
    fn get(&self) -> Place {
        Place::from_bits(self.0.load(Relaxed))
    }

    #[inline]
    fn add(&self, number: u64, name: impl FnOnce() -> Name, source: fn(Place) -> Source) {
        match slab::mine(self.get()) {
            Some(slot) => slab::grow(slot, number),
            None => self.add_slowly(number, name, source),
        }
    }

    #[cold]
    #[inline(never)]
    fn add_slowly(&self, number: u64, name: impl FnOnce() -> Name, source: fn(Place) -> Source) {
        let add = |place| slab::change(place, 1, &mut |slots| slab::grow(&slots[0], number));
        if !add(self.get()) {
            add(self.take(name, source));
        }
    }

    /// Takes a place, once, and enters the book.
    fn take(&self, name: impl FnOnce() -> Name, source: fn(Place) -> Source) -> Place {
        static TURN: Mutex<()> = Mutex::new(());
        let name = name();
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        if self.get() == Place::NONE {
            let place = Place::take(1);
            if place != Place::NONE {
                registry::enter(name, source(place));
            }
            self.0.store(place.bits(), Relaxed);
        }
        self.get()
    }
}

/// A whole number that goes up and down. One for all threads, because it can be set.
#[derive(Debug)]
pub struct GaugeCell {
    number: AtomicI64,
    known: AtomicBool,
}

impl GaugeCell {
    /// A gauge at 0 that is not in the book yet.
    #[must_use]
    #[allow(clippy::new_without_default)] // only ever a static's initialiser
    pub const fn new() -> Self {
        Self { number: AtomicI64::new(0), known: AtomicBool::new(false) }
    }
    /// Adds; the number may be negative.
    #[inline]
    pub fn add(&'static self, number: i64, name: impl FnOnce() -> Name) {
        self.number.fetch_add(number, Relaxed);
        self.show(name);
    }
    /// Sets.
    #[inline]
    pub fn set(&'static self, number: i64, name: impl FnOnce() -> Name) {
        self.number.store(number, Relaxed);
        self.show(name);
    }
    /// Enters the book, if it is not there yet.
    #[inline]
    pub fn show(&'static self, name: impl FnOnce() -> Name) {
        if !self.known.load(Relaxed) && !self.known.swap(true, Relaxed) {
            registry::enter(name(), Source::Gauge(&self.number));
        }
    }
}

/// A histogram. Opens when it is first used.
#[derive(Debug)]
pub struct HistogramCell(OnceLock<&'static Distribution>);

impl HistogramCell {
    /// A histogram that is not in the book yet.
    #[must_use]
    #[allow(clippy::new_without_default)] // only ever a static's initialiser
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Records a value. Name and scale are asked for once.
    #[inline]
    pub fn observe(&self, value: f64, name: impl FnOnce() -> Name, scale: Scale) {
        match self.0.get() {
            Some(distribution) => distribution.observe(value),
            None => self.open(name, scale).observe(value),
        }
    }

    /// Enters the book, if it is not there yet.
    pub fn show(&self, name: impl FnOnce() -> Name, scale: Scale) {
        self.open(name, scale);
    }

    #[cold]
    fn open(&self, name: impl FnOnce() -> Name, scale: Scale) -> &'static Distribution {
        self.0.get_or_init(|| Distribution::open(name(), scale))
    }

    /// Remembers a value that was recorded as one of a trace that can be looked at.
    pub fn remember(&self, exemplar: Exemplar) {
        if let Some(distribution) = self.0.get() {
            distribution.exemplars.put(distribution.layout.bucket(exemplar.value), exemplar);
        }
    }
}

/// The sum of the values, and behind it a histogram's slots. The count is the sum of the slots, so a reading is never torn
/// between the two; only the sum of the values can be ahead or behind by what is being recorded at that moment.
#[derive(Debug)]
pub struct Distribution {
    table: &'static Table,
    place: Place,
    pub(crate) layout: &'static Layout,
    pub(crate) exemplars: Exemplars,
}

impl Distribution {
    /// Takes a place and enters the book. Lives for ever, as its series does.
    #[must_use]
    pub fn open(name: Name, scale: Scale) -> &'static Self {
        let layout = scale.layout();
        let place = Place::take(1 + layout.slots());
        let it = Self { table: &layout.table, place, layout, exemplars: Exemplars::default() };
        let it: &'static Self = Box::leak(Box::new(it));
        if place != Place::NONE {
            registry::enter(name, Source::Histogram(it));
        }
        it
    }

    /// Records a value. A NaN has no place in any bucket and is not recorded.
    #[inline]
    pub fn observe(&self, value: f64) {
        if value.is_nan() {
            return;
        }
        let slot = 1 + self.table.slot(value);
        match (slab::mine(self.place), slab::mine(self.place.after(slot))) {
            (Some(sum), Some(slot)) => {
                slab::grow(slot, 1);
                slab::grow_float(sum, value);
            }
            _ => self.change_slowly(slot, 1, value),
        }
    }

    /// Records a value `times` times.
    pub fn observe_many(&self, value: f64, times: u64) {
        #[allow(clippy::cast_precision_loss)] // a count beyond 2^53 at once is no measurement
        let sum = value * times as f64;
        if !value.is_nan() && times > 0 {
            self.change_slowly(1 + self.table.slot(value), times, sum);
        }
    }

    #[cold]
    #[inline(never)]
    fn change_slowly(&self, slot: usize, times: u64, sum: f64) {
        slab::change(self.place, 1 + self.layout.slots(), &mut |slots| {
            slab::grow(&slots[slot], times);
            slab::grow_float(&slots[0], sum);
        });
    }

    /// The counts of all slots, into `slots`, and the sum of the values.
    pub(crate) fn read(&self, reading: &Reading, slots: &mut Vec<u64>) -> f64 {
        slots.clear();
        slots.resize(self.layout.slots(), 0);
        reading.sums(self.place, slots)
    }
}
