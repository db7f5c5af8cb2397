//! A request between the place where it came in and whoever records it.

use super::Seam;
use crate::slot::Unwritten;
use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// A request that has come in, for whoever takes it first, who records it. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Arrived(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    request: Mutex<Request>,
    session: Option<CancellationToken>,
}

#[derive(Debug, Default)]
enum Request {
    /// Nobody has taken it.
    Open(Box<Seam>),
    /// Somebody has, who will record it.
    #[default]
    Taken,
    /// Its reply is made, and not written yet.
    GoingOut(Box<dyn Unwritten>),
}

impl Arrived {
    pub(crate) fn new(seam: Seam, session: Option<CancellationToken>) -> Self {
        Self(Arc::new(Shared { request: Mutex::new(Request::Open(Box::new(seam))), session }))
    }

    pub(crate) fn take(&self) -> Option<Seam> {
        self.0.take()
    }

    /// What ends the session that it came in.
    pub(crate) fn session(&self) -> Option<CancellationToken> {
        self.0.session.clone()
    }

    /// Keeps the record of the request until its reply is written.
    pub(crate) fn goes_out(&self, record: Box<dyn Unwritten>) {
        *self.0.request() = Request::GoingOut(record);
    }

    /// The record that was kept, for whoever writes the reply.
    pub(crate) fn going_out(&self) -> Option<Box<dyn Unwritten>> {
        let mut request = self.0.request();
        match mem::take(&mut *request) {
            Request::GoingOut(record) => Some(record),
            other => {
                *request = other;
                None
            }
        }
    }
}

impl Shared {
    fn request(&self) -> MutexGuard<'_, Request> {
        self.request.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Seam> {
        let mut request = self.request();
        match mem::take(&mut *request) {
            Request::Open(seam) => Some(*seam),
            other => {
                *request = other;
                None
            }
        }
    }
}

/// Nobody took it, and nobody answers it.
impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(seam) = self.take() {
            seam.taken_back();
        }
    }
}
