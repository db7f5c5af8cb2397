//! Nothing observes: `observe` is the future itself, and no name is kept.

#![allow(clippy::inline_always, clippy::unused_self)] // an off twin must vanish, and keeps the on twin's signatures

use crate::{
    definition::{Definition, Instrument, Kind, Moment},
    label::Labels,
    metrics::Storage,
    outcome::{Failure, Outcome},
    tracing::Note,
};
use std::{convert::Infallible, marker::PhantomData};

/// No clock is read.
#[inline(always)]
pub(crate) fn start() {}

/// The very same future.
pub type Observed<F> = F;

/// A declared operation, unseen.
#[derive(Debug)]
pub struct Operation<L, E = Infallible>(PhantomData<fn(L, E)>);
const _: () = assert!(size_of::<Operation<()>>() == 0, "what is not seen weighs nothing");
const _: () = assert!(size_of::<Interned>() == 0 && size_of::<Names>() == 0, "nor do names");

impl<L: Labels, E: Failure> Operation<L, E> {
    #[doc(hidden)]
    pub const KIND: Kind = Kind::Operation;
    #[doc(hidden)]
    pub const KEYS: &'static [&'static str] = L::KEYS;
    #[doc(hidden)]
    pub const VALUES: fn(usize) -> Option<Vec<&'static str>> = L::values;
    #[doc(hidden)]
    pub const FAILURES: &'static [&'static str] = E::NAMES;
    #[doc(hidden)]
    pub const ENDING: &'static str = "";
    #[doc(hidden)]
    pub const fn cell() {}
    #[doc(hidden)]
    pub fn remember(_: &'static [()], _: usize, _: usize, _: &Moment) {}
    #[doc(hidden)]
    #[must_use]
    pub const fn new(_: &'static Definition, _: &'static [()]) -> Self {
        Self(PhantomData)
    }
    /// The future, unchanged.
    #[inline(always)]
    pub fn observe<F>(&'static self, _: L, future: F) -> Observed<F>
    where
        F: Future<Output: Outcome<Failure = E>>,
    {
        future
    }
    /// The future, with nothing that ends.
    #[inline(always)]
    pub async fn observe_on<F>(&'static self, _: L, future: F) -> (F::Output, Unended)
    where
        F: Future<Output: Outcome<Failure = E>>,
    {
        (future.await, Unended)
    }
    /// Calls the function.
    #[inline(always)]
    pub fn run<T: Outcome<Failure = E>>(&'static self, _: L, function: impl FnOnce() -> T) -> T {
        function()
    }
    /// Calls the function, with nothing that ends.
    #[inline(always)]
    pub fn run_on<T: Outcome<Failure = E>>(&'static self, _: L, function: impl FnOnce() -> T) -> (T, Unended) {
        (function(), Unended)
    }
    /// Nothing begins.
    #[inline(always)]
    pub fn begin(&'static self, _: L) -> Begun<E> {
        Begun(PhantomData)
    }
}

/// Nothing that ends.
#[derive(Debug)]
#[must_use = "the twin ends when it is dropped"]
pub struct Begun<E>(PhantomData<fn(E)>);

impl<E: Failure> Begun<E> {
    /// Nothing ended.
    #[inline(always)]
    pub fn end(self, _: &Result<(), E>, _: &[Note<'_>]) {}
}

/// Nothing that ends.
#[derive(Debug)]
#[must_use = "the twin ends when it is dropped"]
pub struct Unended;

impl<L: Labels, E: Failure> Storage for Operation<L, E> {
    type Cell = ();
    const CELLS: usize = 0;
}

impl<L: Labels, E: Failure> Instrument for Operation<L, E> {
    fn definition(&self) -> Option<&'static Definition> {
        None
    }
    fn show(&'static self) {}
}

/// No name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interned;

impl Interned {
    /// No name.
    pub const NONE: Self = Self;
    /// Always 0.
    #[inline(always)]
    #[must_use]
    pub fn index(self) -> usize {
        0
    }
}

/// No names.
#[derive(Debug)]
pub struct Names;

impl Names {
    /// No names.
    #[must_use]
    #[allow(clippy::new_without_default)] // the twin is a static's initialiser
    pub const fn new() -> Self {
        Self
    }
    /// Nothing.
    #[inline(always)]
    pub fn intern<N: Into<String>>(&self, _: usize, _: impl IntoIterator<Item = N>) {}
    /// No name.
    #[inline(always)]
    #[must_use]
    pub fn find(&self, _: &str) -> Interned {
        Interned
    }
    /// No value.
    #[inline(always)]
    #[must_use]
    pub fn value(&'static self, _: usize) -> Option<&'static str> {
        None
    }
}
