//! One way of recording, and how to repeat it. Measures nothing: `one_thread`, `two_threads` and `instructions` do.

use crate::inputs::VALUES;
use std::hint::black_box;

/// What the caller holds when it records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The series itself: labels were looked up before, or are known to the compiler.
    Handle,
    /// The labels, which are given each time.
    CallSite,
}

impl By {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Handle => "handle",
            Self::CallSite => "labels each time",
        }
    }
}

/// A way of recording into one series.
pub(crate) struct Variant {
    pub(crate) how: &'static str,
    pub(crate) by: By,
    repeat: Box<dyn Fn(u64) + Send + Sync>,
    tidy: Option<Box<dyn Fn() + Send + Sync>>,
}

impl Variant {
    /// Records the same each time. The loop is part of what is measured, and the same for all.
    pub(crate) fn new(by: By, how: &'static str, record: impl Fn() + Send + Sync + 'static) -> Self {
        let repeat = move |times| (0..times).for_each(|_| record());
        Self { how, by, repeat: Box::new(repeat), tidy: None }
    }

    /// Records one value after the other.
    pub(crate) fn of_values<V: Copy + Send + Sync>(
        by: By,
        how: &'static str,
        values: &'static [V; VALUES],
        record: impl Fn(V) + Send + Sync + 'static,
    ) -> Self {
        #[allow(clippy::cast_possible_truncation)] // the remainder is the same
        let repeat = move |times| (0..times).for_each(|at| record(black_box(values[at as usize % VALUES])));
        Self { how, by, repeat: Box::new(repeat), tidy: None }
    }

    /// Does something around each batch: what it costs is spread over the batch.
    pub(crate) fn inside(self, around: impl Fn(&dyn Fn()) + Send + Sync + 'static) -> Self {
        let repeat = self.repeat;
        Self { repeat: Box::new(move |times| around(&|| repeat(times))), ..self }
    }

    /// What has to be done now and then, so that memory does not grow; it is not measured.
    pub(crate) fn tidied(self, tidy: impl Fn() + Send + Sync + 'static) -> Self {
        Self { tidy: Some(Box::new(tidy)), ..self }
    }

    pub(crate) fn repeat(&self, times: u64) {
        (self.repeat)(times);
    }

    pub(crate) fn tidy(&self) {
        if let Some(tidy) = &self.tidy {
            tidy();
        }
    }
}
