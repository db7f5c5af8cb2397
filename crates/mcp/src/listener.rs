//! The public listener: accepts, sets `TCP_NODELAY`, and serves each connection within its limits. Knows no route.

use crate::{
    connection::{Connection, Guarded, Phase},
    crowd::{Crowd, Place},
    limits::Limits,
    minutely::Minutely,
};
use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    http::{Request, Response, header},
};
use http_body::{Frame, SizeHint};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// A longer head is refused.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// After an error that is not one connection's own, such as no free file descriptor.
const BREATH: Duration = Duration::from_millis(50);
/// Connections that the system keeps until we take them: a crowd that comes at once need not come again.
const BACKLOG: u32 = 4_096;

/// What the system holds of a reply for a client that has not taken it yet. It says that there is room again when about a third
/// is gone: were it as large as the system likes, a client that
/// reads all the time, if slowly, would seem to take nothing for long.
const SENT_BYTES_MAX: u32 = 128 * 1024;

/// Takes the port.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
    socket.set_reuseaddr(true)?; // one that a former process had may be taken at once
    socket.set_send_buffer_size(SENT_BYTES_MAX)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until told to end; then requests under way are finished.
pub(crate) async fn serve(listener: TcpListener, app: Router, limits: Limits, told: CancellationToken) {
    let crowd = Crowd::new(limits.connections);
    let graceful = GracefulShutdown::new();
    loop {
        // whoever comes is taken first, and then room is made: so nobody is closed for one that does not come
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = told.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let room = tokio::select! {
                    room = crowd.room() => room,
                    () = told.cancelled() => break,
                };
                let connection = Connection::new();
                let place = crowd.enter(&connection, room);
                answer(stream, app.clone(), &graceful, limits, connection, place);
            }
            Err(error) => {
                static FAILED: Minutely = Minutely::new();
                if let Some(times) = FAILED.tells() {
                    sidelight::warn!("connections could not be accepted", error = error.to_string(), times = times);
                }
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    crowd.dismiss(); // hyper ends those that are idle, and waits for the rest
    graceful.shutdown().await;
}

fn answer(
    stream: TcpStream,
    app: Router,
    graceful: &GracefulShutdown,
    limits: Limits,
    connection: Connection,
    place: Place,
) {
    // without it a streamed reply waits some 40 ms for the client's acknowledgement
    let _ = stream.set_nodelay(true);
    let guarded = Guarded::new(stream, connection.clone(), limits);
    let of = connection.clone();
    let service = service_fn(move |request| reply(app.clone(), request, of.clone()));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None) // a connection's own limits say more
        .half_close(false)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(guarded), service);
    let served = graceful.watch(served);
    tokio::spawn(async move {
        tokio::select! {
            _ = served => {} // a client that breaks off is no event of ours
            () = connection.evicted() => {}
        }
        drop(place);
    });
}

/// One request, which its connection is about until its reply is written.
async fn reply(app: Router, mut request: Request<Incoming>, of: Connection) -> Result<Response<Body>, Infallible> {
    let has_body = !request.body().is_end_stream();
    of.enter(if has_body { Phase::Sending } else { Phase::Working });
    request.extensions_mut().insert(of.clone());
    let Ok(response) = app.oneshot(request.map(Body::new)).await;
    of.enter(Phase::Writing);
    if has_body && response.headers().get(header::CONNECTION).is_some_and(|it| it == "close") {
        of.ends();
    }
    Ok(response.map(|body| Body::new(Written { body, of })))
}

/// The body of a reply; gone when it is written, or its client is.
struct Written {
    body: Body,
    of: Connection,
}

impl Drop for Written {
    fn drop(&mut self) {
        self.of.enter(Phase::Kept);
    }
}

impl HttpBody for Written {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        poller: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(poller)
    }
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
