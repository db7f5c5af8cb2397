//! The admin port: poem on a thread of its own.

mod access;
mod health;
mod idle;
mod leavers;
mod listener;
mod mount;

use crate::{AdminError, Settings};
use access::Access;
pub use health::Health;
use leavers::Leavers;
use listener::Guarded;
use sidelight::Page;
use std::{
    io,
    net::{SocketAddr, TcpListener},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::Duration,
};
use tokio::sync::Semaphore;

/// This build has an admin port.
pub const COMPILED: bool = true;

/// Threads for pages that block: profiles, large pages.
const BLOCKING_THREADS: usize = 4;
/// Of which profiles may have so many.
const PROFILES_MAX: usize = 2;
/// How long to wait before the port is opened again after a panic.
const RESTART: Duration = Duration::from_secs(1);

/// Opens the port and serves the pages until the process ends. Returns the address, once it is bound.
///
/// # Errors
/// See [`AdminError`].
pub fn spawn(
    settings: &Settings,
    health: Health,
    pages: impl Iterator<Item = &'static Page>,
) -> Result<SocketAddr, AdminError> {
    let address = settings.address;
    if !address.ip().is_loopback() && settings.token.is_none() {
        return Err(AdminError::NeedsToken(address));
    }
    let bind = |cause| AdminError::Bind { address, cause };
    let listener = TcpListener::bind(address).map_err(bind)?;
    listener.set_nonblocking(true).map_err(bind)?;
    let bound = listener.local_addr().map_err(bind)?;
    let site = Arc::new(Site {
        access: Access::new(settings),
        health,
        pages: pages.collect(),
        settings: settings.clone(),
        profiles: Arc::new(Semaphore::new(PROFILES_MAX)),
        leavers: Leavers::default(),
    });
    thread::Builder::new()
        .name("sidelight-admin".into())
        .spawn(move || keep_serving(&listener, &site))
        .map_err(AdminError::Thread)?;
    Ok(bound)
}

/// Everything that a request may need.
struct Site {
    settings: Settings,
    access: Access,
    health: Health,
    pages: Vec<&'static Page>,
    /// Turns of pages that take long: the others, metrics among them, have threads left.
    profiles: Arc<Semaphore>,
    /// Those that wait for a page.
    leavers: Leavers,
}

/// A panic in here must not end what is needed most when things go wrong.
fn keep_serving(listener: &TcpListener, site: &Arc<Site>) {
    loop {
        let served = catch_unwind(AssertUnwindSafe(|| serve(listener, site)));
        let why = match served {
            Ok(Ok(())) => "it ended".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it panicked".to_owned(),
        };
        sidelight::error!("the admin port starts again", why = why);
        thread::sleep(RESTART);
    }
}

fn serve(listener: &TcpListener, site: &Arc<Site>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name("sidelight-page")
        .build()?;
    let listener = listener.try_clone()?;
    runtime.block_on(async {
        let acceptor = Guarded::new(tokio::net::TcpListener::from_std(listener)?, site.leavers.clone());
        poem::Server::new_with_acceptor(acceptor).run(mount::routes(site)).await
    })
}
