//! Where a request leaves its context for whoever sends its reply: a listener puts a seat into the request's extensions, and
//! finds there what the request became. The reply's stream then belongs to the same trace.

use sidelight::Context;
use std::sync::{Arc, OnceLock};

/// A place for one context. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Seat(Arc<OnceLock<Context>>);

impl Seat {
    /// The context of the request that came with this seat, once it has begun.
    #[must_use]
    pub fn context(&self) -> Option<&Context> {
        self.0.get()
    }

    pub(crate) fn take(&self, context: &Context) {
        let _ = self.0.set(context.clone()); // a batch has one reply: its first request's
    }
}
