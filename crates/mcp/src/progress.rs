//! How far a call is, told to a client that asked to know. Silent for any other.

use rmcp::{
    RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
    service::{Peer, RequestContext},
};

/// Tells a client how far its call is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    tell: Option<(Peer<RoleServer>, ProgressToken)>,
    is_observed: bool,
}

/// A search is one step: its parts run side by side.
const STEPS: f64 = 1.0;

impl Progress {
    /// Of a call that no client made: nobody is told.
    #[must_use]
    pub fn of_nobody() -> Self {
        Self::default()
    }

    /// Tells whoever made this request, if it asked to know.
    #[must_use]
    pub fn of(request: &RequestContext<RoleServer>) -> Self {
        let tell = request.meta.get_progress_token().map(|token| (request.peer.clone(), token));
        Self { tell, is_observed: true }
    }

    /// Whether the call is a client's, which `Observed` has counted already.
    pub(crate) fn is_observed(&self) -> bool {
        self.is_observed
    }

    /// So many steps are done.
    pub(crate) async fn say(&self, done: u8, message: &str) {
        if let Some((peer, token)) = &self.tell {
            let said = ProgressNotificationParam::new(token.clone(), f64::from(done));
            let said = said.with_total(STEPS).with_message(message);
            let _ = peer.notify_progress(said).await; // a client that has left need not know
        }
    }
}
