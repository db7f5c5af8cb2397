//! What is counted in: one cell a series. A cell takes its place and enters the registry when it is first used; from then on
//! recording is a load and a store, without a lock, a hash or an allocation.

use super::{
    distribution::Distribution,
    registry,
    slab::{self, Place, Reading},
    snapshot::Source,
};
use crate::model::{Exemplar, Name, Scale};
use std::sync::{
    Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering::Relaxed},
};

/// A number that only grows; wraps at 2^64.
#[derive(Debug)]
pub struct CounterCell(At);

impl CounterCell {
    /// A counter at 0 that is not in the registry yet.
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

    /// Enters the registry at 0, if it is not there yet.
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
    /// Nothing on its way, and not in the registry yet.
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

/// The place of a single number. `Relaxed`: the place says nothing of the slots, which are there, at nought, in every slab; whoever
/// still reads that there is none asks again under the lock.
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

    /// Takes a place, once, and enters the registry.
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

/// A whole number that goes up and down. One for all threads, because it can be set. `Relaxed`: each number stands for itself, and
/// who enters the registry is decided by one swap, whose order among all swaps of that flag any ordering has.
#[derive(Debug)]
pub struct GaugeCell {
    number: AtomicI64,
    known: AtomicBool,
}

impl GaugeCell {
    /// A gauge at 0 that is not in the registry yet.
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
    /// Enters the registry, if it is not there yet.
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
    /// A histogram that is not in the registry yet.
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

    /// Enters the registry, if it is not there yet.
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

impl Distribution {
    /// Takes a place and enters the registry. Lives for ever, as its series does.
    #[must_use]
    pub fn open(name: Name, scale: Scale) -> &'static Self {
        let it = Self::new(scale);
        if it.has_place() {
            registry::enter(name, Source::Histogram(it));
        }
        it
    }
}
