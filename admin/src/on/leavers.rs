//! Who has left while a page was made for them: poem goes on with a request whose client has closed its end, so the connection
//! says it here, where it is seen.

use sidelight::page::Gone;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Those that wait for a page, by where they are. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub(crate) struct Leavers(Arc<Mutex<HashMap<SocketAddr, Gone>>>);

impl Leavers {
    /// Somebody waits.
    pub(crate) fn waits(&self, peer: Option<SocketAddr>) -> Waiting {
        let gone = Gone::default();
        if let Some(peer) = peer {
            self.waiting().insert(peer, gone.clone());
        }
        Waiting { leavers: self.clone(), peer, gone }
    }

    /// Whoever is there has left.
    pub(crate) fn say(&self, peer: SocketAddr) {
        if let Some(gone) = self.waiting().get(&peer) {
            gone.say();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<SocketAddr, Gone>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits for a page; gone when dropped.
pub(crate) struct Waiting {
    leavers: Leavers,
    peer: Option<SocketAddr>,
    pub(crate) gone: Gone,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.gone.say();
        if let Some(peer) = self.peer {
            self.leavers.waiting().remove(&peer);
        }
    }
}
