//! Who makes room when the port is full: the connection that has waited longest for a request. Whoever asks something is let
//! finish.

use std::{
    collections::BTreeMap,
    future::Future as _,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};
use tokio::sync::oneshot;

/// Connections that wait. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub(crate) struct IdleConnections(Arc<Mutex<Queue>>);

#[derive(Default)]
struct Queue {
    next: u64,
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
}

impl IdleConnections {
    /// A connection begins to wait.
    pub(crate) fn enter(&self) -> Idle {
        let (tell, told) = oneshot::channel();
        let mut queue = self.queue();
        let number = queue.next;
        queue.next += 1;
        queue.waiting.insert(number, tell);
        Idle { number, all: self.clone(), told }
    }

    /// Tells the one that has waited longest to close. Says whether there is one.
    pub(crate) fn dismiss(&self) -> bool {
        let longest = self.queue().waiting.pop_first();
        longest.is_some_and(|(_, tell)| tell.send(()).is_ok())
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place among those that wait; gone when it is dropped.
pub(crate) struct Idle {
    number: u64,
    all: IdleConnections,
    told: oneshot::Receiver<()>,
}

impl Idle {
    /// Ready once it is told to close.
    pub(crate) fn poll_told(&mut self, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.told).poll(context).map(drop)
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        self.all.queue().waiting.remove(&self.number);
    }
}
