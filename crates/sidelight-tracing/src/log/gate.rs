//! Which lines are written and which foreign spans are made: one filter for the whole stack, which can be changed while the
//! program runs. A filter for each layer would cost a disabled span ten times as much.

use crate::request::Context;
use std::sync::{PoisonError, RwLock};
use tracing::{Metadata, Subscriber, level_filters::LevelFilter, subscriber::Interest};
use tracing_subscriber::{Layer, filter::Targets, layer};

/// Lines by target and level; spans too, and then only inside an operation of a sampled request.
#[derive(Debug)]
pub(crate) struct Gate;

static WANTED: RwLock<Option<Targets>> = RwLock::new(None);

/// From now on these are wanted. Every place in the code is asked anew, once.
pub(crate) fn set(targets: Targets) {
    *WANTED.write().unwrap_or_else(PoisonError::into_inner) = Some(targets);
    tracing::callsite::rebuild_interest_cache();
}

fn wanted<R>(look: impl FnOnce(&Targets) -> R) -> Option<R> {
    WANTED.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(look)
}

/// Lines for whoever must know later who did what: no filter takes them away.
const AUDIT: &str = "audit";

impl Gate {
    fn wants(metadata: &Metadata<'_>) -> bool {
        metadata.target() == AUDIT || wanted(|it| it.would_enable(metadata.target(), metadata.level())).unwrap_or(false)
    }
}

impl<S: Subscriber> Layer<S> for Gate {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        match (Self::wants(metadata), metadata.is_span()) {
            (false, _) => Interest::never(),
            (true, false) => Interest::always(),
            (true, true) => Interest::sometimes(), // asked anew each time: it depends on the request
        }
    }
    fn enabled(&self, metadata: &Metadata<'_>, _: layer::Context<'_, S>) -> bool {
        (metadata.is_event() || Context::takes_spans()) && Self::wants(metadata)
    }
    fn max_level_hint(&self) -> Option<LevelFilter> {
        let hint = wanted(|it| it.iter().map(|(_, level)| level).chain(it.default_level()).max()).flatten();
        hint.max(Some(LevelFilter::INFO)) // so that audit lines come this far
    }
}
