//! Sessions of revisions up to 2025-11-25: at most so many, the one that was not used for the longest time closed first.
//! What they are is `rmcp`'s; where they are saved, the store's.

use crate::metrics::{SESSION, SESSIONS, SESSIONS_CLOSED, SessionEnd};
use async_trait::async_trait;
use documents::DocumentQueries;
use futures_core::Stream;
use rmcp::{
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::streamable_http_server::{
        RestoreOutcome, SessionId, SessionManager,
        session::{
            ServerSseMessage, SessionState, SessionStore, SessionStoreError,
            local::{LocalSessionManager, LocalSessionManagerError},
        },
    },
};
use sidelight::{Context, label::Label as _, operation::Begun, tracing::Incoming};
use sidelight_rmcp::ObservedTransport;
use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// The sessions of this process.
pub(crate) struct Sessions {
    inner: LocalSessionManager,
    used: Mutex<HashMap<SessionId, Used>>,
    most: usize,
}

/// When a session was used, and that it goes on.
struct Used {
    last: Instant,
    run: Begun<Infallible>,
}

impl Sessions {
    pub(crate) fn new(most: usize) -> Self {
        Self { inner: LocalSessionManager::default(), used: Mutex::default(), most }
    }

    fn used(&self) -> MutexGuard<'_, HashMap<SessionId, Used>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self, id: &SessionId) {
        let mut used = self.used();
        match used.get_mut(id) {
            Some(used) => used.last = Instant::now(),
            None => drop(used.insert(id.clone(), Used { last: Instant::now(), run: SESSION.begin(()) })),
        }
        SESSIONS.set((), i64::try_from(used.len()).unwrap_or(i64::MAX));
    }

    fn forget(&self, id: &SessionId, why: SessionEnd) {
        let mut used = self.used();
        if let Some(gone) = used.remove(id) {
            SESSIONS_CLOSED.add(why, 1);
            tell(gone.run, id, why);
        }
        SESSIONS.set((), i64::try_from(used.len()).unwrap_or(i64::MAX));
    }

    /// Closes the session that was not used for the longest time, if there are too many.
    async fn make_room(&self) {
        let oldest = {
            let used = self.used();
            let oldest = used.iter().min_by_key(|(_, used)| used.last).map(|(id, _)| id.clone());
            oldest.filter(|_| used.len() >= self.most)
        };
        if let Some(oldest) = oldest {
            self.forget(&oldest, SessionEnd::Crowded);
            if let Err(error) = self.inner.close_session(&oldest).await {
                sidelight::warn!("a session could not be closed", error = error.to_string());
            }
        }
    }
}

/// A session is a trace of its own: it lasts longer than any request in it.
fn tell(run: Begun<Infallible>, id: &SessionId, why: SessionEnd) {
    let end = SessionEnd::value(why.index()).unwrap_or_default();
    let notes = [("mcp.session.id", (&**id).into()), ("mcp.session.end", end.into())];
    Context::begin(&Incoming { lasting: true, ..Incoming::default() }).run(|| run.end(&Ok(()), &notes));
}

impl SessionManager for Sessions {
    type Error = LocalSessionManagerError;
    type Transport = ObservedTransport<<LocalSessionManager as SessionManager>::Transport>;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        self.make_room().await;
        let (id, transport) = self.inner.create_session().await?;
        self.touch(&id);
        Ok((id, ObservedTransport::new(transport)))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        self.inner.initialize_session(id, message).await
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        let is_there = self.inner.has_session(id).await?;
        // one that another task closes meanwhile must not come back
        if is_there && let Some(used) = self.used().get_mut(id) {
            used.last = Instant::now();
        }
        Ok(is_there)
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        self.forget(id, SessionEnd::Ended);
        self.inner.close_session(id).await
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        SessionManager::create_stream(&self.inner, id, message).await
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), Self::Error> {
        self.inner.accept_message(id, message).await
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        SessionManager::create_standalone_stream(&self.inner, id).await
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        SessionManager::resume(&self.inner, id, last_event_id).await
    }

    async fn restore_session(&self, id: SessionId) -> Result<RestoreOutcome<Self::Transport>, Self::Error> {
        self.make_room().await;
        let restored = self.inner.restore_session(id.clone()).await?;
        self.touch(&id);
        Ok(match restored {
            RestoreOutcome::Restored(transport) => RestoreOutcome::Restored(ObservedTransport::new(transport)),
            RestoreOutcome::AlreadyPresent => RestoreOutcome::AlreadyPresent,
            _ => RestoreOutcome::NotSupported,
        })
    }
}

/// Saves sessions in the document store, so that every replica knows them.
#[derive(Debug)]
pub(crate) struct Saved(pub(crate) DocumentQueries);

#[async_trait]
impl SessionStore for Saved {
    async fn load(&self, id: &str) -> Result<Option<SessionState>, SessionStoreError> {
        let state = self.0.load_session(id).await?;
        Ok(state.map(|state| serde_json::from_str(&state)).transpose()?)
    }

    async fn store(&self, id: &str, state: &SessionState) -> Result<(), SessionStoreError> {
        Ok(self.0.save_session(id, &serde_json::to_string(state)?).await?)
    }

    async fn delete(&self, id: &str) -> Result<(), SessionStoreError> {
        Ok(self.0.delete_session(id).await?)
    }
}
