//! Events of a session's streams, as its client can read them, and by ids at which it can take a stream up again. The SDK counts
//! from nought in each process, and whenever a session is taken up again; so an id has the run of its session behind it: one
//! of another run names nothing, and above all not the answer to another call.

use futures_core::Stream;
use pin_project_lite::pin_project;
use rmcp::transport::streamable_http_server::session::ServerSseMessage;
use std::{
    hash::{BuildHasher as _, RandomState},
    pin::Pin,
    sync::Arc,
    task::{self, Poll, ready},
};

/// One run of a session in one process.
#[derive(Clone, Debug)]
pub(crate) struct Run(Arc<str>);

impl Run {
    /// One that no other is called.
    pub(crate) fn new() -> Self {
        Self(format!("{:016x}", RandomState::new().hash_one(0)).into())
    }

    fn outside(&self, id: &str) -> String {
        format!("{id}/{}", self.0)
    }

    /// An event's id as the SDK gave it; `None` if it is of another run.
    pub(crate) fn inside<'a>(&self, id: &'a str) -> Option<&'a str> {
        id.strip_suffix(&*self.0)?.strip_suffix('/')
    }
}

pin_project! {
    /// A stream whose events its client can read. The SDK begins each with one that has no message, only an id at which the stream
    /// can be taken up again, and `retry`: whole families of clients read neither, and those of revision 2025-11-25 need the id.
    pub(crate) struct Readable<S> {
        #[pin]
        pub(crate) events: S,
        pub(crate) run: Run,
        pub(crate) is_primed: bool,
        // the event that the client has already, which the SDK sends once more
        pub(crate) seen: Option<String>,
        pub(crate) busy: Option<Arc<()>>,
    }
}

impl<S: Stream<Item = ServerSseMessage>> Stream for Readable<S> {
    type Item = ServerSseMessage;
    fn poll_next(self: Pin<&mut Self>, poller: &mut task::Context<'_>) -> Poll<Option<ServerSseMessage>> {
        let mut this = self.project();
        loop {
            let Some(mut event) = ready!(this.events.as_mut().poll_next(poller)) else { return Poll::Ready(None) };
            event.retry = None;
            if event.event_id.is_some() && event.event_id == *this.seen {
                continue;
            }
            if event.message.is_some() || *this.is_primed {
                event.event_id = event.event_id.map(|id| this.run.outside(&id));
                return Poll::Ready(Some(event));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_of_one_run() {
        let (run, other) = (Run::new(), Run::new());
        let id = run.outside("3/7");
        assert_eq!((run.inside(&id), other.inside(&id)), (Some("3/7"), None));
        assert_eq!((run.inside("3/7"), run.inside("")), (None, None));
    }
}
