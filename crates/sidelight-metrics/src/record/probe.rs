//! Numbers that somebody else keeps: whoever knows them is asked before each scrape.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// What is asked before each scrape, for numbers that somebody else keeps.
type Ask = Arc<dyn Fn() + Send + Sync>;
type Probes = HashMap<u64, Ask>;

fn probes() -> MutexGuard<'static, Probes> {
    static PROBES: LazyLock<Mutex<Probes>> = LazyLock::new(Mutex::default);
    PROBES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As long as it lives, its function is called before each scrape.
#[derive(Debug)]
pub struct Probe(u64);

impl Probe {
    /// Calls this function before each scrape, on the scrape's thread.
    #[must_use]
    pub fn new(ask: impl Fn() + Send + Sync + 'static) -> Self {
        // numbers that differ, in whatever order: `Relaxed`
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Relaxed);
        probes().insert(id, Arc::new(ask));
        Self(id)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        probes().remove(&self.0);
    }
}

/// Calls all of them. One that panics is not called again: its numbers stay as they are, and those of others go on.
pub(crate) fn ask_all() {
    let all: Vec<(u64, Ask)> = probes().iter().map(|(id, ask)| (*id, Arc::clone(ask))).collect();
    for (id, ask) in all {
        if catch_unwind(AssertUnwindSafe(|| ask())).is_err() {
            probes().remove(&id);
        }
    }
}
