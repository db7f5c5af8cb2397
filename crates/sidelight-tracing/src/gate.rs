//! Which lines are written and which foreign spans are made: one filter for the whole stack. A filter for each layer
//! would cost a disabled span ten times as much.

use crate::Context;
use tracing::{Metadata, Subscriber, level_filters::LevelFilter, subscriber::Interest};
use tracing_subscriber::{Layer, filter::Targets, layer};

/// Lines by target and level; spans too, and then only while the current request is sampled.
#[derive(Debug)]
pub(crate) struct Gate(pub(crate) Targets);

impl Gate {
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        self.0.would_enable(metadata.target(), metadata.level())
    }
}

impl<S: Subscriber> Layer<S> for Gate {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        match (self.wants(metadata), metadata.is_span()) {
            (false, _) => Interest::never(),
            (true, false) => Interest::always(),
            (true, true) => Interest::sometimes(), // asked anew each time: it depends on the request
        }
    }
    fn enabled(&self, metadata: &Metadata<'_>, _: layer::Context<'_, S>) -> bool {
        self.wants(metadata) && (metadata.is_event() || Context::sampled())
    }
    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.0.iter().map(|(_, level)| level).chain(self.0.default_level()).max()
    }
}
