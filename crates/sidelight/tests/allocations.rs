//! Recording allocates nothing, once a label set was used on the thread.

#![allow(clippy::unwrap_used)] // a test may stop

use allocation_counter::measure;
use sidelight::{Counter, Gauge, Histogram, Operation, catalog, labels, metrics::Seconds};
use std::{
    convert::Infallible,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

labels! {
    /// Which.
    pub enum Which = "which" { /// One.
        One = "one", /// Other.
        Other = "other" }
}

catalog! {
    /// Runs.
    pub RUN: Operation<Which> = "allocations.run";
    /// Counted.
    pub COUNT: Counter<Which> = "allocations.count";
    /// Level.
    pub LEVEL: Gauge<Which> = "allocations.level";
    /// Waits.
    pub WAIT: Histogram<Which, Seconds> = "allocations.wait";
}

fn record(which: Which) {
    COUNT.add(which, 1);
    LEVEL.add(which, 1);
    WAIT.record(which, Duration::from_millis(3));
    let run = pin!(RUN.observe(which, async { Ok::<_, Infallible>(1) }));
    assert!(matches!(run.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(1))));
}

#[test]
fn recording_allocates_nothing_after_the_first_time() {
    record(Which::One);
    let again = measure(|| (0..1000).for_each(|_| record(Which::One)));
    assert_eq!(again.count_total, 0, "{again:?}");
    let first = measure(|| record(Which::Other));
    assert_eq!(first.count_total > 0, sidelight::metrics::COMPILED, "the test can tell: {first:?}");
}
