//! What a request and its session tell each other past the SDK, whose answers do not say it. Knows neither.

use std::cell::Cell;
use tokio::task::LocalKey;

tokio::task_local! {
    /// A client ends its session by the current request.
    static BY_CLIENT: ();
    /// Whether the session of the current request was here.
    static FOUND: Cell<bool>;
    /// Whether the stream that the current request takes up again is not here.
    static LOST: Cell<bool>;
}

/// Runs the request of a client that ends its session.
pub(crate) async fn by_client<T>(request: impl Future<Output = T>) -> T {
    BY_CLIENT.scope((), request).await
}

/// Whether a client ends its session just now. Sessions are also closed when they made room for others.
pub(crate) fn is_by_client() -> bool {
    BY_CLIENT.try_with(|()| ()).is_ok()
}

/// Runs a request, and says whether its session was here, at least for a moment: then it made room for others, and has not ended.
pub(crate) async fn noticing_found<T>(request: impl Future<Output = T>) -> (T, bool) {
    noticing(&FOUND, request).await
}

/// The session is here.
pub(crate) fn found() {
    let _ = FOUND.try_with(|found| found.set(true));
}

/// Runs a request, and says whether it asked for a stream that is not here: the transport answers it with an empty one.
pub(crate) async fn noticing_lost<T>(request: impl Future<Output = T>) -> (T, bool) {
    noticing(&LOST, request).await
}

/// Whether the stream is not here.
pub(crate) fn lost(lost: bool) {
    let _ = LOST.try_with(|it| it.set(lost));
}

/// Runs a request, and says what was said of it meanwhile.
async fn noticing<T>(hint: &'static LocalKey<Cell<bool>>, request: impl Future<Output = T>) -> (T, bool) {
    let noticed = async {
        let output = request.await;
        (output, hint.with(Cell::get))
    };
    hint.scope(Cell::new(false), noticed).await
}
