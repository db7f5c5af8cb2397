//! Sessions of revisions up to 2025-11-25: at most so many, the one that was not used for the longest time closed first. They are
//! saved in the store, so that they outlive this process, and where replicas share it, belong to all of them: one that was
//! ended elsewhere is ended here, and a call that is taken back elsewhere is taken back here. What sessions are is `rmcp`'s.

use crate::{
    metrics::{SESSION, SESSIONS, SESSIONS_CLOSED, SessionEnd},
    wording::Worded,
};
use async_trait::async_trait;
use documents::DocumentQueries;
use futures_core::Stream;
use pin_project_lite::pin_project;
use rmcp::{
    model::{ClientJsonRpcMessage, ClientNotification, ProtocolVersion, RequestId, ServerJsonRpcMessage, ServerResult},
    transport::streamable_http_server::{
        RestoreOutcome, SessionId, SessionManager,
        session::{
            ServerSseMessage, SessionState, SessionStore, SessionStoreError,
            local::{LocalSessionManager, LocalSessionManagerError},
        },
    },
};
use sidelight::{Context, label::Label as _, operation::Begun, tracing::Incoming};
use sidelight_rmcp::{ObservedTransport, session};
use std::{
    cell::Cell,
    collections::HashMap,
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{self, Poll, ready},
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// The sessions of this process. Cheap to clone; all clones are one.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Shared>);

struct Shared {
    inner: LocalSessionManager,
    used: Mutex<HashMap<SessionId, Used>>,
    most: usize,
    store: DocumentQueries,
}

/// When a session was used, and that it goes on.
struct Used {
    last: Instant,
    run: Begun<Infallible>,
    /// Ends what is asked in it.
    ended: CancellationToken,
    /// Its client knows events without a message, by whose id a stream is taken up again.
    is_primed: bool,
    /// The store has it.
    is_saved: bool,
    /// One for each reply that is on its way; and this one.
    busy: Arc<()>,
}

impl Sessions {
    pub(crate) fn new(most: usize, store: DocumentQueries) -> Self {
        let inner = LocalSessionManager::default();
        Self(Arc::new(Shared { inner, used: Mutex::default(), most, store }))
    }

    fn used(&self) -> MutexGuard<'_, HashMap<SessionId, Used>> {
        self.0.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session begins; the one that was not used for the longest time makes room if there are too many.
    fn begin(&self, id: &SessionId) -> CancellationToken {
        let ended = CancellationToken::new();
        let mut used = self.used();
        while used.len() >= self.0.most
            && let Some(oldest) =
                used.iter().min_by_key(|(_, used)| (used.is_busy(), used.last)).map(|(id, _)| id.clone())
        {
            end(&mut used, &oldest, SessionEnd::Crowded);
            let sessions = self.clone();
            // its worker may be busy with a client that does not read
            tokio::spawn(async move { drop(sessions.0.inner.close_session(&oldest).await) });
        }
        let run = SESSION.begin(());
        let one = Used {
            last: Instant::now(),
            run,
            ended: ended.clone(),
            is_primed: false,
            is_saved: false,
            busy: Arc::new(()),
        };
        used.insert(id.clone(), one);
        show(&used);
        ended
    }

    fn forget(&self, id: &SessionId, why: SessionEnd) {
        end(&mut self.used(), id, why);
    }

    /// The same events, as its client can read them.
    fn readable<S>(&self, id: &SessionId, events: S) -> Readable<S> {
        let used = self.used();
        let used = used.get(id);
        Readable {
            events,
            is_primed: used.is_some_and(|used| used.is_primed),
            busy: used.map(|used| Arc::clone(&used.busy)),
        }
    }

    /// Whether another replica has ended it.
    async fn is_ended_elsewhere(&self, id: &SessionId) -> bool {
        let is_saved = self.used().get(id).is_some_and(|used| used.is_saved);
        self.0.store.is_shared() && is_saved && matches!(self.0.store.load_session(id).await, Ok(None))
    }

    /// Takes back what is taken back at other replicas, for as long as it is polled.
    pub(crate) async fn hear_others(&self) {
        loop {
            if let Err(error) = self.0.store.hear(|said| self.heard(said)).await {
                sidelight::debug!("other replicas are not heard", error = error.to_string());
            }
            tokio::time::sleep(DEAF).await;
        }
    }

    fn heard(&self, said: String) {
        let sessions = self.clone();
        tokio::spawn(async move {
            let Ok((id, message)) = serde_json::from_str::<(String, ClientJsonRpcMessage)>(&said) else { return };
            let id = SessionId::from(id);
            if sessions.used().contains_key(&id) {
                let _ = sessions.0.inner.accept_message(&id, message).await; // one that ends meanwhile needs it no more
            }
        });
    }

    /// Passes a cancellation on: the call may run at another replica.
    async fn tell_others(&self, id: &SessionId, message: &ClientJsonRpcMessage) {
        if !self.0.store.is_shared() || taken_back(message).is_none() {
            return;
        }
        if let Ok(said) = serde_json::to_string(&(&**id, message))
            && let Err(error) = self.0.store.say(&said).await
        {
            sidelight::debug!("other replicas are not told", error = error.to_string());
        }
    }
}

impl Used {
    /// A reply is on its way in it.
    fn is_busy(&self) -> bool {
        Arc::strong_count(&self.busy) > 1
    }
}

fn end(used: &mut HashMap<SessionId, Used>, id: &SessionId, why: SessionEnd) {
    if let Some(gone) = used.remove(id) {
        gone.ended.cancel();
        SESSIONS_CLOSED.add(why, 1);
        tell(gone.run, id, why);
    }
    show(used);
}

fn show(used: &HashMap<SessionId, Used>) {
    SESSIONS.set((), i64::try_from(used.len()).unwrap_or(i64::MAX));
}

fn taken_back(message: &ClientJsonRpcMessage) -> Option<&RequestId> {
    let ClientJsonRpcMessage::Notification(note) = message else { return None };
    let ClientNotification::CancelledNotification(cancelled) = &note.notification else { return None };
    cancelled.params.request_id.as_ref()
}

/// A handshake that says more of its client is not saved.
const STATE_BYTES_MAX: usize = 4 * 1024;
/// After other replicas could not be heard.
const DEAF: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// Whether a stream that was to be taken up again was not here.
    static LOST: Cell<bool>;
}

/// Runs a request, and says whether it asked for a stream that is not here: the transport answers it with an empty one.
pub(crate) async fn noticing_lost_streams<T>(request: impl Future<Output = T>) -> (T, bool) {
    let noticed = async {
        let output = request.await;
        (output, LOST.with(Cell::get))
    };
    LOST.scope(Cell::new(false), noticed).await
}

pin_project! {
    /// A stream whose events its client can read. The SDK begins each with one that has no message, only an id at which the stream
    /// can be taken up again, and `retry`: whole families of clients read neither, and those of revision 2025-11-25 need the id.
    struct Readable<S> {
        #[pin]
        events: S,
        is_primed: bool,
        busy: Option<Arc<()>>,
    }
}

impl<S: Stream<Item = ServerSseMessage>> Stream for Readable<S> {
    type Item = ServerSseMessage;
    fn poll_next(self: Pin<&mut Self>, poller: &mut task::Context<'_>) -> Poll<Option<ServerSseMessage>> {
        let mut this = self.project();
        loop {
            let Some(mut event) = ready!(this.events.as_mut().poll_next(poller)) else { return Poll::Ready(None) };
            event.retry = None;
            if event.message.is_some() || *this.is_primed {
                return Poll::Ready(Some(event));
            }
        }
    }
}

/// A session is a trace of its own: it lasts longer than any request in it.
fn tell(run: Begun<Infallible>, id: &SessionId, why: SessionEnd) {
    let end = SessionEnd::value(why.index()).unwrap_or_default();
    let name = session::named(id);
    let notes = [("mcp.session.id", (&*name).into()), ("mcp.session.end", end.into())];
    Context::begin(&Incoming { lasting: true, ..Incoming::default() }).run(|| run.end(&Ok(()), &notes));
}

impl SessionManager for Sessions {
    type Error = LocalSessionManagerError;
    type Transport = ObservedTransport<Worded<<LocalSessionManager as SessionManager>::Transport>>;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        let (id, transport) = self.0.inner.create_session().await?;
        let ended = self.begin(&id);
        Ok((id, ObservedTransport::new(Worded(transport)).in_session(ended)))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        let reply = self.0.inner.initialize_session(id, message).await?;
        if let ServerJsonRpcMessage::Response(response) = &reply
            && let ServerResult::InitializeResult(agreed) = &response.result
            && let Some(used) = self.used().get_mut(id)
        {
            used.is_primed = agreed.protocol_version >= ProtocolVersion::V_2025_11_25;
        }
        Ok(reply)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        if !self.0.inner.has_session(id).await? {
            return Ok(false);
        }
        if self.is_ended_elsewhere(id).await {
            self.close_session(id).await?;
            return Ok(false);
        }
        // one that another task closes meanwhile must not come back
        if let Some(used) = self.used().get_mut(id) {
            used.last = Instant::now();
        }
        Ok(true)
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        self.forget(id, SessionEnd::Ended);
        self.0.inner.close_session(id).await
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let events = SessionManager::create_stream(&self.0.inner, id, message).await?;
        Ok(self.readable(id, events))
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), Self::Error> {
        self.tell_others(id, &message).await;
        self.0.inner.accept_message(id, message).await
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        SessionManager::create_standalone_stream(&self.0.inner, id).await
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let resumed = SessionManager::resume(&self.0.inner, id, last_event_id).await;
        let _ = LOST.try_with(|lost| lost.set(resumed.is_err()));
        Ok(self.readable(id, resumed?))
    }

    async fn restore_session(&self, id: SessionId) -> Result<RestoreOutcome<Self::Transport>, Self::Error> {
        Ok(match self.0.inner.restore_session(id.clone()).await? {
            RestoreOutcome::Restored(transport) => {
                let ended = self.begin(&id);
                if let Some(used) = self.used().get_mut(&id) {
                    used.is_saved = true;
                }
                RestoreOutcome::Restored(ObservedTransport::new(Worded(transport)).in_session(ended))
            }
            RestoreOutcome::AlreadyPresent => RestoreOutcome::AlreadyPresent,
            _ => RestoreOutcome::NotSupported,
        })
    }
}

/// Saves sessions in the document store, so that they outlive the process, and every replica knows them.
pub(crate) struct Saved(pub(crate) Sessions);

#[async_trait]
impl SessionStore for Saved {
    async fn load(&self, id: &str) -> Result<Option<SessionState>, SessionStoreError> {
        let state = self.0.0.store.load_session(id).await?;
        Ok(state.map(|state| serde_json::from_str(&state)).transpose()?)
    }

    async fn store(&self, id: &str, state: &SessionState) -> Result<(), SessionStoreError> {
        let state = serde_json::to_string(state)?;
        if state.len() > STATE_BYTES_MAX {
            return Ok(()); // it ends with this process
        }
        self.0.0.store.save_session(id, &state).await?;
        if let Some(used) = self.0.used().get_mut(id) {
            used.is_saved = true;
        }
        Ok(())
    }

    async fn delete(&self, id: &str) -> Result<(), SessionStoreError> {
        Ok(self.0.0.store.delete_session(id).await?)
    }
}
