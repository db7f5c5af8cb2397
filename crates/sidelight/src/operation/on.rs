//! One clock pair a run, read by the histogram and by the request's record.

use crate::{
    definition::{Definition, Instrument, Kind, Moment},
    label::Labels,
    metrics::{OperationCell, Storage},
    outcome::{CANCELLED, COMMON, Failure, OK, Outcome, PANICKED},
    tracing::{Node, Note},
};
use pin_project_lite::pin_project;
use quanta::{Clock, Instant};
use std::{
    convert::Infallible,
    marker::PhantomData,
    pin::Pin,
    sync::OnceLock,
    task::{Context as Poller, Poll, ready},
};

/// The clock compares itself with the kernel's once, which takes a millisecond as a rule, and at most 200: no request should
/// wait for it.
pub(crate) fn start() {
    now();
}

/// As the clock's own `Instant::now`, but on a thread that ends as well: nothing of the thread is looked at.
#[inline]
fn now() -> Instant {
    static CLOCK: OnceLock<Clock> = OnceLock::new();
    CLOCK.get_or_init(Clock::new).now()
}

/// A declared operation.
#[derive(Debug)]
pub struct Operation<L, E = Infallible> {
    definition: &'static Definition,
    cells: &'static [OperationCell],
    types: PhantomData<fn(L, E)>,
}

impl<L: Labels, E: Failure> Operation<L, E> {
    #[doc(hidden)]
    pub const KIND: Kind = Kind::Operation;
    #[doc(hidden)]
    pub const KEYS: &'static [&'static str] = L::KEYS;
    #[doc(hidden)]
    pub const VALUES: fn(usize) -> Option<Vec<&'static str>> = L::values;
    #[doc(hidden)]
    pub const FAILURES: &'static [&'static str] = {
        assert!(COMMON + E::NAMES.len() <= PANICKED, "an operation fails in at most 13 ways");
        E::NAMES
    };
    #[doc(hidden)]
    pub const ENDING: &'static str = "";
    #[doc(hidden)]
    #[must_use]
    pub const fn cell() -> OperationCell {
        OperationCell::new()
    }
    #[doc(hidden)]
    pub fn remember(cells: &'static [OperationCell], labels: usize, outcome: usize, moment: &Moment) {
        if let Some(cell) = cells.get(labels) {
            cell.remember(outcome, moment);
        }
    }
    #[doc(hidden)]
    #[must_use]
    pub const fn new(definition: &'static Definition, cells: &'static [OperationCell]) -> Self {
        Self { definition, cells, types: PhantomData }
    }

    /// Observes one run: from the future's first poll to its end, or to its being dropped half-way, which is
    /// the outcome `cancelled`, or `_OTHER` where it panicked. A future that is never polled did not happen.
    #[inline]
    pub fn observe<F>(&'static self, labels: L, future: F) -> Observed<F>
    where
        F: Future<Output: Outcome<Failure = E>>,
    {
        Observed { future, run: Ends(self.start(labels)) }
    }

    /// Observes one run that goes on when its future is done: until the [`Unended`] is dropped that comes with the output. Of a
    /// request whose answer is made, and is still to be written.
    #[inline]
    pub fn observe_on<F>(&'static self, labels: L, future: F) -> ObservedOn<F>
    where
        F: Future<Output: Outcome<Failure = E>>,
    {
        ObservedOn { future, run: Ends(self.start(labels)) }
    }

    /// Observes a function, which runs inside the operation as a future that is observed does.
    pub fn run<T: Outcome<Failure = E>>(&'static self, labels: L, function: impl FnOnce() -> T) -> T {
        let mut begun = Begun::<E> { run: self.start(labels), types: PhantomData };
        begun.run.begin();
        let output = {
            let _current = begun.run.node.enter();
            function()
        };
        begun.run.end(outcome(&output), &[]);
        output
    }

    /// Observes a function whose run goes on when it is done, as that of a future does with [`Self::observe_on`].
    pub fn run_on<T: Outcome<Failure = E>>(&'static self, labels: L, function: impl FnOnce() -> T) -> (T, Unended) {
        let mut begun = Begun::<E> { run: self.start(labels), types: PhantomData };
        begun.run.begin();
        let output = {
            let _current = begun.run.node.enter();
            function()
        };
        let outcome = outcome(&output);
        (output, Unended { run: begun.run.taken(), outcome })
    }

    /// Begins a run that is not a future. It belongs to the request in which it ends.
    pub fn begin(&'static self, labels: L) -> Begun<E> {
        let mut run = self.start(labels);
        run.started = Some(now());
        run.cell.begin(run.definition, run.labels as usize);
        Begun { run, types: PhantomData }
    }

    #[inline]
    fn start(&'static self, labels: L) -> Run {
        let index = labels.index();
        Run {
            definition: self.definition,
            cell: &self.cells[index],
            labels: u32::try_from(index).unwrap_or(u32::MAX),
            started: None,
            node: Node::NONE,
        }
    }
}

impl<L: Labels, E: Failure> Storage for Operation<L, E> {
    type Cell = OperationCell;
    const CELLS: usize = L::CARDINALITY;
}

impl<L: Labels, E: Failure> Instrument for Operation<L, E> {
    fn definition(&self) -> Option<&'static Definition> {
        Some(self.definition)
    }
    /// Nothing: which ways of ending occur is only known when they do.
    fn show(&'static self) {}
}

/// One run, without the types of labels and failures: the bookkeeping is compiled once.
#[derive(Debug)]
struct Run {
    definition: &'static Definition,
    cell: &'static OperationCell,
    labels: u32,
    started: Option<Instant>,
    node: Node,
}

impl Run {
    /// The parent is what is current at the first poll: a future dropped outside any poll has it too.
    #[inline]
    fn begin(&mut self) {
        if self.started.is_none() {
            let started = now();
            self.started = Some(started);
            self.cell.begin(self.definition, self.labels as usize);
            self.node = Node::begin(self.definition, self.labels, started);
        }
    }

    /// The run itself; what stays has not begun, and so does not end.
    fn taken(&mut self) -> Self {
        let Self { definition, cell, labels, .. } = *self;
        std::mem::replace(self, Self { definition, cell, labels, started: None, node: Node::NONE })
    }

    fn end(&mut self, outcome: usize, notes: &[Note<'_>]) {
        if let Some(started) = self.started.take() {
            let duration = now() - started;
            self.cell.end(self.definition, self.labels as usize, outcome, duration);
            std::mem::replace(&mut self.node, Node::NONE).end(outcome, duration, notes);
        }
    }
}

/// A run that is not a future: something that was begun, and ends elsewhere. Dropped without an end it is `cancelled`.
#[derive(Debug)]
#[must_use = "dropping it ends the run"]
pub struct Begun<E> {
    run: Run,
    types: PhantomData<fn(E)>,
}

impl<E: Failure> Begun<E> {
    /// It ended, well or not, in the request that is current now, with what else there is to know.
    pub fn end(mut self, outcome: &Result<(), E>, notes: &[Note<'_>]) {
        if let Some(started) = self.run.started {
            self.run.node = Node::begin(self.run.definition, self.run.labels, started);
        }
        self.run.end(self::outcome(outcome), notes);
    }
}

impl<E> Drop for Begun<E> {
    fn drop(&mut self) {
        self.run.end(unfinished(), &[]);
    }
}

fn outcome(output: &impl Outcome) -> usize {
    output.failure().map_or(OK, |failure| COMMON + failure)
}

/// How something ends that nobody ended.
fn unfinished() -> usize {
    if std::thread::panicking() { PANICKED } else { CANCELLED }
}

/// A run that ends with its future, unless it has ended before. It stands behind the future, so that it is dropped after all
/// that is begun in there.
#[derive(Debug)]
struct Ends(Run);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.end(unfinished(), &[]);
    }
}

pin_project! {
    /// A future that is observed.
    #[derive(Debug)]
    pub struct Observed<F> { #[pin] future: F, run: Ends }
}

impl<F: Future<Output: Outcome>> Future for Observed<F> {
    type Output = F::Output;
    #[inline]
    fn poll(self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<F::Output> {
        let this = self.project();
        let run = &mut this.run.0;
        run.begin();
        let output = {
            let _current = run.node.enter();
            ready!(this.future.poll(poller))
        };
        run.end(outcome(&output), &[]);
        Poll::Ready(output)
    }
}

/// A run whose future is done. It ends when this is dropped, as its output said.
#[derive(Debug)]
#[must_use = "dropping it ends the run"]
pub struct Unended {
    run: Run,
    outcome: usize,
}

impl Drop for Unended {
    fn drop(&mut self) {
        self.run.end(self.outcome, &[]);
    }
}

pin_project! {
    /// A future that is observed, and whose run goes on when it is done.
    #[derive(Debug)]
    pub struct ObservedOn<F> { #[pin] future: F, run: Ends }
}

impl<F: Future<Output: Outcome>> Future for ObservedOn<F> {
    type Output = (F::Output, Unended);
    #[inline]
    fn poll(self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let run = &mut this.run.0;
        run.begin();
        let output = {
            let _current = run.node.enter();
            ready!(this.future.poll(poller))
        };
        let outcome = outcome(&output);
        Poll::Ready((output, Unended { run: run.taken(), outcome }))
    }
}

/// A position among interned names: 0 is none, 1 is `other`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interned(u16);

impl Interned {
    /// No name: the label is left out.
    pub const NONE: Self = Self(0);
    const OTHER: Self = Self(1);

    /// The position.
    #[inline]
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Names that are fixed once at start-up.
#[derive(Debug)]
pub struct Names(OnceLock<Vec<String>>);

impl Names {
    /// No names yet.
    #[must_use]
    #[allow(clippy::new_without_default)] // only ever a static's initialiser
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Fixes the names; the first call wins, names past the limit become `other`.
    pub fn intern<N: Into<String>>(&self, limit: usize, names: impl IntoIterator<Item = N>) {
        self.0.get_or_init(|| {
            let mut names: Vec<String> = names.into_iter().map(Into::into).take(limit).collect();
            names.sort_unstable();
            names.dedup();
            names
        });
    }

    /// The position of a name, or of `other`.
    #[must_use]
    pub fn find(&self, name: &str) -> Interned {
        let names = self.0.get().map_or(&[][..], Vec::as_slice);
        let found = names.binary_search_by(|known| known.as_str().cmp(name));
        let place = found.ok().and_then(|at| u16::try_from(at + 2).ok());
        place.map_or(Interned::OTHER, Interned)
    }

    /// The name at a position.
    #[must_use]
    pub fn value(&'static self, index: usize) -> Option<&'static str> {
        match index {
            0 => Some(""),
            1 => Some("other"),
            _ => self.0.get()?.get(index - 2).map(String::as_str),
        }
    }
}
