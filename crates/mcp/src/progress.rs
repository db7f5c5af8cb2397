//! How far a call is, told to a client that asked to know. Silent for any other.

use rmcp::{
    RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
    service::{Peer, RequestContext},
};

/// Tells a client how far its call is.
#[derive(Clone, Debug, Default)]
pub struct Progress(Option<(Peer<RoleServer>, ProgressToken)>);

/// A search is one step: its parts run side by side.
const STEPS: f64 = 1.0;

impl Progress {
    /// Tells whoever made this request, if it asked to know.
    #[must_use]
    pub fn of(request: &RequestContext<RoleServer>) -> Self {
        Self(request.meta.get_progress_token().map(|token| (request.peer.clone(), token)))
    }

    /// So many steps are done.
    pub(crate) async fn say(&self, done: u8, message: &str) {
        if let Some((peer, token)) = &self.0 {
            let said = ProgressNotificationParam::new(token.clone(), f64::from(done));
            let said = said.with_total(STEPS).with_message(message);
            let _ = peer.notify_progress(said).await; // a client that has left need not know
        }
    }
}
