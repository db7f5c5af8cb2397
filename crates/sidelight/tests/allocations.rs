//! Recording allocates nothing, once a label set was used on the thread; nor does an unsampled request with its notes, once
//! there was one like it. What its lines allocate is measured by `cargo ci bench tracing`, which has a log to write to.

#![allow(clippy::unwrap_used)] // a test may stop

use allocation_counter::measure;
use sidelight::{
    CorrelationId, Counter, Gauge, Histogram, Operation, catalog, labels,
    metrics::Seconds,
    tracing::{Incoming, note},
};
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

/// A request of five operations, each with a note.
fn request(id: &CorrelationId) {
    let context = sidelight::Context::begin(&Incoming { correlation_id: Some(id), ..Incoming::default() });
    context.run(|| {
        for _ in 0..5 {
            let Ok(()) = RUN.run(Which::One, || {
                note("rows", 7_u32);
                note("word", "seven");
                Ok::<_, Infallible>(())
            });
        }
    });
}

// the rate is 0 where nothing was started
#[test]
fn an_unsampled_request_allocates_nothing_once_there_was_one_like_it() {
    let id = CorrelationId::generate();
    let first = measure(|| request(&id));
    assert!(first.count_total > 0 || !sidelight::tracing::COMPILED, "the test can tell: {first:?}");
    (0..20).for_each(|_| request(&id)); // the slowest of late are known then
    let again = measure(|| (0..1000).for_each(|_| request(&id)));
    assert_eq!(again.count_total, 0, "{again:?}");
}

#[test]
fn recording_allocates_nothing_after_the_first_time() {
    record(Which::One);
    let again = measure(|| (0..1000).for_each(|_| record(Which::One)));
    assert_eq!(again.count_total, 0, "{again:?}");
    let first = measure(|| record(Which::Other));
    assert_eq!(first.count_total > 0, sidelight::metrics::COMPILED, "the test can tell: {first:?}");
}
