//! No metrics: every instrument is zero-sized, and counting is no instruction at all.

#![allow(clippy::inline_always, clippy::unused_self)] // an off twin must vanish, and keeps the on twin's signatures

use super::Storage;
use crate::{
    Catalog, Definition, Instrument, Kind, Page,
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
}];

/// Nothing is collected.
#[derive(Debug, Default)]
pub struct Families;

/// No cell.
#[derive(Debug)]
pub struct OperationCell;

impl OperationCell {
    /// Nothing.
    #[must_use]
    #[allow(clippy::new_without_default)] // only ever a static's initialiser
    pub const fn new() -> Self {
        Self
    }
    #[doc(hidden)] // a seam between twins: unused where the operation is off too
    #[inline(always)]
    pub fn begin(&self) {}
    #[doc(hidden)]
    #[inline(always)]
    pub fn end(&self, _: usize, _: Duration) {}
    #[doc(hidden)]
    pub fn collect(_: &'static [Self], _: &'static Definition, _: &mut Families) {}
}

macro_rules! nothing { ($($(#[$doc:meta])* $name:ident($number:ty) = $kind:ident: $($method:ident),+;)+) => {$(
    $(#[$doc])*
    #[derive(Debug)]
    pub struct $name<L>(PhantomData<fn(L)>);
    const _: () = assert!(size_of::<$name<()>>() == 0, "what is not seen weighs nothing");

    impl<L: Labels> $name<L> {
        #[doc(hidden)]
        pub const KIND: Kind = Kind::$kind;
        #[doc(hidden)]
        pub const KEYS: &'static [&'static str] = L::KEYS;
        #[doc(hidden)]
        pub const VALUES: fn(usize) -> Option<Vec<&'static str>> = L::values;
        #[doc(hidden)]
        pub const FAILURES: &'static [&'static str] = &[];
        #[doc(hidden)]
        pub const fn cell() {}
        #[doc(hidden)]
        #[must_use]
        pub const fn new(_: &'static Definition, _: &'static [()]) -> Self {
            Self(PhantomData)
        }
        $(
            /// Nothing.
            #[inline(always)]
            pub fn $method(&self, _: L, _: $number) {}
        )+
    }
    impl<L: Labels> Storage for $name<L> {
        type Cell = ();
        const CELLS: usize = 0;
    }
    impl<L: Labels> Instrument for $name<L> {
        fn definition(&self) -> Option<&'static Definition> {
            None
        }
        fn collect(&self, _: &mut Families) {}
    }
)+}}

nothing! {
    /// A number that only grows, unseen.
    Counter(u64) = Counter: add;
    /// A number that goes up and down, unseen.
    Gauge(i64) = Gauge: add, set;
}

#[inline(always)]
pub(crate) fn start(_: Vec<Catalog>) {}
