//! The public listener: accepts, sets `TCP_NODELAY`, and keeps each connection within its limits. Knows no route.

use crate::metrics::CONNECTIONS;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;

/// Connections at a time; a further one waits until another ends.
const CONNECTIONS_MAX: usize = 1024;
/// File descriptors for everything else.
const RESERVE: usize = 192;
/// The head of a request must be there within this time, and so must the next request on an idle connection.
const HEAD: Duration = Duration::from_secs(30);
/// A longer head is refused.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// After an error that is not one connection's own, such as no free file descriptor.
const BREATH: Duration = Duration::from_millis(50);

/// Serves until told to end; then requests under way are finished.
pub(crate) async fn serve(listener: TcpListener, app: Router, told: CancellationToken) {
    let slots = Arc::new(Semaphore::new(connections_max()));
    let graceful = GracefulShutdown::new();
    loop {
        let slot = Arc::clone(&slots).acquire_owned();
        let accepted = async { (slot.await, listener.accept().await) };
        let (slot, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = told.cancelled() => break,
        };
        let Ok(slot) = slot else { break }; // never closed
        match accepted {
            Ok((stream, _)) => answer(stream, app.clone(), &graceful, slot),
            Err(error) => {
                sidelight::warn!("a connection could not be accepted", error = error.to_string());
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    graceful.shutdown().await;
}

/// A part of the file descriptors stays free for the admin port, the store and its files.
fn connections_max() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    let free = soft.map_or(CONNECTIONS_MAX, |soft: usize| soft.saturating_sub(RESERVE).max(soft / 4));
    free.clamp(1, CONNECTIONS_MAX)
}

fn answer(stream: TcpStream, app: Router, graceful: &GracefulShutdown, slot: OwnedSemaphorePermit) {
    // without it a streamed reply waits some 40 ms for the client's acknowledgement
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    let connection = graceful.watch(connection);
    let counted = Counted::new(slot);
    tokio::spawn(async move {
        let _ = connection.await; // a client that breaks off is no event of ours
        drop(counted);
    });
}

/// One connection in the gauge.
struct Counted(#[allow(dead_code)] OwnedSemaphorePermit); // held for its `Drop`

impl Counted {
    fn new(slot: OwnedSemaphorePermit) -> Self {
        CONNECTIONS.add((), 1);
        Self(slot)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        CONNECTIONS.add((), -1);
    }
}
