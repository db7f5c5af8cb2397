//! No metrics: every instrument is zero-sized, and counting is no instruction at all.

#![allow(clippy::inline_always, clippy::unused_self)] // an off twin must vanish, and keeps the on twin's signatures

use super::{Storage, Unit};
use crate::{
    Page, Settings,
    definition::{Catalog, Definition, Described, Instrument, Kind, Moment},
    label::Labels,
    page::{PageError, Permission},
};
use std::{marker::PhantomData, time::Duration};

/// This build has no metrics.
pub const COMPILED: bool = false;

/// The page answers that it is not built in.
pub const PAGES: &[Page] = &[Page {
    path: "/metrics",
    permission: Permission::Scrape,
    says: "Not in this build: feature `metrics`.",
    parameters: None,
    show: |_| Err(PageError::NotBuilt { feature: "metrics" }),
    change: None,
}];

/// Nobody scrapes: the function is never called.
#[derive(Debug)]
pub struct Probe;
const _: () = assert!(size_of::<Probe>() == 0, "what is not seen weighs nothing");

impl Probe {
    /// Nothing.
    #[inline(always)]
    #[must_use]
    pub fn new(_: impl Fn() + Send + Sync + 'static) -> Self {
        Self
    }
}

/// No cell.
#[derive(Debug)]
pub struct OperationCell;

#[doc(hidden)] // a seam between twins: unused where the operation is off too
impl OperationCell {
    /// Nothing.
    #[must_use]
    #[allow(clippy::new_without_default)] // only ever a static's initialiser
    pub const fn new() -> Self {
        Self
    }
    #[inline(always)]
    pub fn begin(&self, _: &'static Definition, _: usize) {}
    #[inline(always)]
    pub fn end(&self, _: &'static Definition, _: usize, _: usize, _: Duration) {}
    #[inline(always)]
    pub fn remember(&self, _: usize, _: &Moment) {}
}

macro_rules! nothing { ($($(#[$doc:meta])* $name:ident<L $(, $unit:ident)?>($number:ty) = $kind:ident: $($method:ident),+;)+) => {$(
    $(#[$doc])*
    #[derive(Debug)]
    pub struct $name<L $(, $unit)?>(PhantomData<fn(L $(, $unit)?)>);

    impl<L: Labels $(, $unit: Unit)?> $name<L $(, $unit)?> {
        #[doc(hidden)]
        pub const KIND: Kind = Kind::$kind;
        #[doc(hidden)]
        pub const KEYS: &'static [&'static str] = L::KEYS;
        #[doc(hidden)]
        pub const VALUES: fn(usize) -> Option<Vec<&'static str>> = L::values;
        #[doc(hidden)]
        pub const FAILURES: &'static [&'static str] = &[];
        #[doc(hidden)]
        pub const ENDING: &'static str = "";
        #[doc(hidden)]
        pub const fn cell() {}
        #[doc(hidden)]
        #[must_use]
        pub const fn new(_: &'static Definition, _: &'static [()]) -> Self {
            Self(PhantomData)
        }
        #[doc(hidden)]
        pub fn remember(_: &'static [()], _: usize, _: usize, _: &Moment) {}
        $(
            /// Nothing.
            #[inline(always)]
            pub fn $method(&self, _: L, _: $number) {}
        )+
    }
    impl<L: Labels $(, $unit: Unit)?> Storage for $name<L $(, $unit)?> {
        type Cell = ();
        const CELLS: usize = 0;
    }
    impl<L: Labels $(, $unit: Unit)?> Instrument for $name<L $(, $unit)?> {
        fn definition(&self) -> Option<&'static Definition> {
            None
        }
        fn show(&'static self) {}
    }
)+}}

nothing! {
    /// A number that only grows, unseen.
    Counter<L>(u64) = Counter: add, raise;
    /// A number that goes up and down, unseen.
    Gauge<L>(i64) = Gauge: add, set;
    /// Values, unseen.
    Histogram<L, U>(U::Value) = Histogram: record;
}
const _: () = assert!(size_of::<(Counter<()>, Gauge<()>, Histogram<(), super::Seconds>)>() == 0, "nor do instruments");

#[inline(always)]
pub(crate) fn start(_: &Settings, _: &[Catalog]) {}

/// Measures nothing: no clock is read.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch;

impl Stopwatch {
    /// Nothing.
    #[inline(always)]
    #[must_use]
    pub fn start() -> Self {
        Self
    }
    /// Nothing.
    #[inline(always)]
    #[must_use]
    pub fn elapsed(self) -> Duration {
        Duration::ZERO
    }
}

/// Nothing.
#[inline(always)]
#[must_use]
pub fn watch_runtime() -> Probe {
    Probe
}

#[inline(always)]
pub(crate) fn descriptions() -> Vec<Described> {
    Vec::new()
}
