//! Sessions of revisions up to 2025-11-25: at most so many, the one that was not used for the longest time closed first. They are
//! saved in the store, so that they outlive this process, and where replicas share it, belong to all of them: one that was
//! ended elsewhere is ended here, and a call that is taken back elsewhere is taken back here. What sessions are is `rmcp`'s.

use crate::{
    events::{Readable, Run},
    hints,
    metrics::{SESSION, SESSIONS, SESSIONS_CLOSED, SessionEnd},
    refusal::NOT_ENDED,
    wording::Worded,
};
use async_trait::async_trait;
use documents::DocumentQueries;
use futures_core::Stream;
use rmcp::{
    model::{ClientJsonRpcMessage, ClientNotification, ProtocolVersion, RequestId, ServerJsonRpcMessage, ServerResult},
    transport::streamable_http_server::{
        RestoreOutcome, SessionId, SessionManager,
        session::{
            ServerSseMessage, SessionState, SessionStore, SessionStoreError,
            local::{LocalSessionManager, LocalSessionManagerError, SessionError},
        },
    },
};
use serde_json::{Value, json};
use sidelight::{Context, label::Label as _, operation::Begun, tracing::Incoming};
use sidelight_rmcp::{ObservedTransport, session};
use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// The sessions of this process. Cheap to clone; all clones are one.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Shared>);

struct Shared {
    inner: LocalSessionManager,
    used: Mutex<HashMap<SessionId, Used>>,
    /// One at a time tells the store that its session is used: it may be slow, and others wait for its connections.
    telling: Arc<Semaphore>,
    /// Those that their clients ended of late: whoever was about to take one up again must not.
    ended: Mutex<VecDeque<SessionId>>,
    most: usize,
    store: DocumentQueries,
}

/// When a session was used, and that it goes on.
struct Used {
    last: Instant,
    /// When the store was told so.
    told: Instant,
    run: Begun<Infallible>,
    /// Ends what is asked in it.
    ended: CancellationToken,
    /// Whose events are whose.
    events: Run,
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
        Self(Arc::new(Shared {
            inner,
            used: Mutex::default(),
            telling: Arc::new(Semaphore::new(1)),
            ended: Mutex::default(),
            most,
            store,
        }))
    }

    fn used(&self) -> MutexGuard<'_, HashMap<SessionId, Used>> {
        self.0.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self) -> MutexGuard<'_, VecDeque<SessionId>> {
        self.0.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session begins, unless its client has ended it; the one that was not used for the longest time makes room if there are
    /// too many.
    fn begin(&self, id: &SessionId) -> Option<CancellationToken> {
        let ended = CancellationToken::new();
        let mut used = self.used();
        if self.ended().contains(id) {
            return None;
        }
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
            told: Instant::now(),
            run,
            ended: ended.clone(),
            events: Run::new(),
            is_primed: false,
            is_saved: false,
            busy: Arc::new(()),
        };
        used.insert(id.clone(), one);
        show(&used);
        Some(ended)
    }

    /// Nobody takes it up again, not even who was about to.
    fn remember(&self, id: &SessionId) {
        let mut ended = self.ended();
        if ended.len() == ENDED_KEPT {
            ended.pop_front();
        }
        ended.push_back(id.clone());
    }

    async fn close(&self, id: &SessionId) -> Result<(), LocalSessionManagerError> {
        end(&mut self.used(), id, SessionEnd::Ended);
        self.0.inner.close_session(id).await
    }

    /// The same events, as its client can read them.
    fn readable<S>(&self, id: &SessionId, events: S) -> Readable<S> {
        let used = self.used();
        let used = used.get(id);
        Readable {
            events,
            run: used.map_or_else(Run::new, |used| used.events.clone()),
            is_primed: used.is_some_and(|used| used.is_primed),
            seen: None,
            busy: used.map(|used| Arc::clone(&used.busy)),
        }
    }

    /// Whether another replica has ended it. A store that does not answer soon holds up nobody who needs none.
    async fn is_ended_elsewhere(&self, id: &SessionId) -> bool {
        let is_saved = self.used().get(id).is_some_and(|used| used.is_saved);
        let asked = async { tokio::time::timeout(SOON, self.0.store.load_session(id)).await };
        self.0.store.is_shared() && is_saved && matches!(asked.await, Ok(Ok(None)))
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
            let Ok((id, message)) = serde_json::from_str::<(String, Option<ClientJsonRpcMessage>)>(&said) else {
                return;
            };
            let id = SessionId::from(id);
            if !sessions.used().contains_key(&id) {
                return;
            }
            // one that ends meanwhile needs neither
            match message {
                Some(message) => drop(sessions.0.inner.accept_message(&id, message).await),
                None => drop(sessions.close(&id).await),
            }
        });
    }

    /// Passes a cancellation on: the call may run at another replica.
    async fn tell_others(&self, id: &SessionId, message: &ClientJsonRpcMessage) {
        if let Some(call) = taken_back(message) {
            // the call's id alone: a reason may be longer than what can be said
            let said =
                json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": call } });
            self.say(id, Some(said)).await;
        }
    }

    /// What is taken back in a session, or that it has ended.
    async fn say(&self, id: &SessionId, said: Option<Value>) {
        if self.0.store.is_shared()
            && let Ok(said) = serde_json::to_string(&(&**id, said))
            && said.len() <= SAID_BYTES_MAX
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
/// More than end while somebody is about to take one of them up again.
const ENDED_KEPT: usize = 1_000;
/// How long the store may take to say that a session goes on.
const SOON: Duration = Duration::from_secs(1);
/// PostgreSQL passes on no more than 8,000 bytes.
const SAID_BYTES_MAX: usize = 7_900;
/// How often the store is told that a session is used.
const TOUCH: Duration = Duration::from_mins(1);
/// After other replicas could not be heard.
const DEAF: Duration = Duration::from_secs(5);

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
        let ended = self.begin(&id).unwrap_or_default(); // nobody has ended one that has no name yet
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
            self.close(id).await?;
            return Ok(false);
        }
        // one that another task closes meanwhile must not come back
        if let Some(used) = self.used().get_mut(id) {
            used.last = Instant::now();
            if used.is_saved
                && used.told.elapsed() > TOUCH
                && let Ok(turn) = Arc::clone(&self.0.telling).try_acquire_owned()
            {
                used.told = used.last;
                let (store, id) = (self.0.store.clone(), id.clone());
                tokio::spawn(async move { drop((store.touch_session(&id).await, turn)) }); // if it fails, it is told again
            }
        }
        hints::found();
        Ok(true)
    }

    /// Where its client ends it, first in the store: a session that is there would be taken up again, so its client is told if that
    /// fails. Else it is only gone from here, because it made room.
    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        if hints::is_by_client() {
            let deleted = self.0.store.delete_session(id).await;
            deleted.map_err(|error| SessionError::Io(io::Error::other(format!("{NOT_ENDED}: {error}"))))?;
            self.remember(id);
            self.say(id, None).await;
        }
        self.close(id).await
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
        let events = SessionManager::create_standalone_stream(&self.0.inner, id).await?;
        Ok(Readable { busy: None, ..self.readable(id, events) }) // it answers nothing
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let run = self.used().get(id).map(|used| used.events.clone());
        let inside = run.and_then(|run| run.inside(&last_event_id).map(str::to_owned));
        let resumed = match &inside {
            Some(inside) => SessionManager::resume(&self.0.inner, id, inside.clone()).await,
            None => Err(SessionError::InvalidEventId.into()),
        };
        hints::lost(resumed.is_err());
        Ok(Readable { seen: inside, ..self.readable(id, resumed?) })
    }

    async fn restore_session(&self, id: SessionId) -> Result<RestoreOutcome<Self::Transport>, Self::Error> {
        Ok(match self.0.inner.restore_session(id.clone()).await? {
            RestoreOutcome::Restored(transport) => {
                let Some(ended) = self.begin(&id) else {
                    self.0.inner.close_session(&id).await?;
                    return Ok(RestoreOutcome::NotSupported);
                };
                if let Some(used) = self.used().get_mut(&id) {
                    used.is_saved = true;
                }
                hints::found();
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

    /// It is gone already: see [`Sessions::close_session`](SessionManager::close_session).
    async fn delete(&self, _: &str) -> Result<(), SessionStoreError> {
        Ok(())
    }
}
