//! Owns the listener and the lifecycle: binds, fills, serves, drains. Knows the protocol's methods only as a handler.

use crate::{
    Config, McpHandler,
    banner::Banner,
    edge,
    first_start::{self, corpus, fill},
    tools,
};
use axum::{Router, middleware, serve::ListenerExt as _};
use documents::{DocumentQueries, Library, OpenError};
use embeddings::LocalEmbedder;
use rmcp::{
    ServiceExt as _,
    service::ServerInitializeError,
    transport::{
        StreamableHttpServerConfig,
        streamable_http_server::{StreamableHttpService, session::local::LocalSessionManager},
    },
};
use sidelight::Running;
use sidelight_admin::{AdminError, Health};
use sidelight_rmcp::{Observed, Tool};
use std::{io, net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

/// Why the server did not start, or ended early. One sentence.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A setting that Sidelight cannot honour.
    #[error(transparent)]
    Observe(#[from] sidelight::StartError),
    /// No threads.
    #[error("the runtime cannot be started: {0}")]
    Runtime(io::Error),
    /// The port is taken, or not ours to take.
    #[error("the public port {address} cannot be opened: {cause}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// There is no admin port.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// There is no store.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] documents::StoreError),
    /// The documents cannot be read.
    #[error(transparent)]
    Ingest(#[from] documents::IngestError),
    /// The documents cannot be found.
    #[error("the search for documents was broken off")]
    Corpus,
    /// The listener broke.
    #[error("the public port broke: {0}")]
    Serve(io::Error),
    /// The client on standard input does not speak MCP.
    #[error("the client on standard input did not begin as MCP asks: {0}")]
    Stdio(String),
}

impl ServerError {
    /// Says it on standard error, and gives the exit code: 64 for a setting, else 1.
    #[must_use]
    pub fn print(&self) -> ExitCode {
        eprintln!("mcp: {self}");
        match self {
            Self::Observe(_) | Self::Admin(AdminError::NeedsToken(_) | AdminError::NotBuilt(_)) => ExitCode::from(64),
            _ => ExitCode::FAILURE,
        }
    }
}

/// A server that has its ports.
#[derive(Debug)]
pub struct McpServer {
    listener: std::net::TcpListener,
    address: SocketAddr,
    admin: Option<SocketAddr>,
    health: Health,
}

impl McpServer {
    /// Starts whatever of Sidelight this build has. Hold what it gives until the end.
    ///
    /// # Errors
    /// See [`sidelight::StartError`].
    pub fn observe(config: &Config) -> Result<Running, ServerError> {
        Tool::intern(tools::NAMES);
        let catalogs = vec![crate::CATALOG, sidelight_rmcp::CATALOG, documents::CATALOG, embeddings::CATALOG];
        let running = sidelight::start(&config.kit, catalogs)?;
        for warning in &config.warnings {
            sidelight::warn!("a setting is ignored", why = warning.as_str());
        }
        Ok(running)
    }

    /// Takes both ports.
    ///
    /// # Errors
    /// A port that cannot be had, or an admin port that this build or the settings do not allow.
    pub fn bind(config: &Config) -> Result<Self, ServerError> {
        let address = config.mcp_address;
        let bound = std::net::TcpListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        });
        let (address, listener) = bound.map_err(|cause| ServerError::Bind { address, cause })?;
        let health = Health::default();
        health.is_unwell(first_start::PART, "the documents are still being read");
        let admin = open_admin(config, &health)?;
        Ok(Self { listener, address, admin, health })
    }

    /// Opens the store and serves until the process is told to end.
    ///
    /// # Errors
    /// A store that cannot be opened, or a listener that breaks.
    pub async fn serve(self, config: &Config) -> Result<(), ServerError> {
        let library = library(config).await?;
        let corpus = corpus(config.docs.clone()).await?;
        let store = config.store.to_string();
        Banner { mcp: self.address, admin: self.admin, store: &store, documents: &corpus.says }.print();
        let filling = tokio::spawn(fill(library.clone(), corpus, self.health.clone()));
        let ended = self.answer(config, library.clone()).await;
        filling.abort();
        library.close().await;
        sidelight::info!("ended");
        ended
    }

    async fn answer(self, config: &Config, library: Library) -> Result<(), ServerError> {
        let sessions = CancellationToken::new();
        let app = router(config, McpHandler::new(library), sessions.clone());
        let listener = TcpListener::from_std(self.listener).map_err(ServerError::Serve)?;
        // without it a streamed reply waits some 40 ms for the client's acknowledgement
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        sidelight::info!("serving", address = self.address.to_string());
        let (told, health) = (CancellationToken::new(), self.health);
        let end = {
            let told = told.clone();
            async move {
                let signal = told_to_end().await;
                sidelight::info!("ending", signal = signal);
                health.is_unwell("server", "the server is ending");
                told.cancel();
            }
        };
        let serving = axum::serve(listener, app).with_graceful_shutdown(end);
        tokio::select! {
            served = serving.into_future() => served.map_err(ServerError::Serve),
            () = drain(told, sessions) => Ok(()),
        }
    }

    /// Serves one client over standard input and output.
    ///
    /// # Errors
    /// A store that cannot be opened, an admin port that cannot be had, or a client that does not speak MCP.
    pub async fn stdio(config: &Config) -> Result<(), ServerError> {
        let health = Health::default();
        health.is_unwell(first_start::PART, "the documents are still being read");
        let admin = open_admin(config, &health)?;
        let library = library(config).await?;
        let corpus = corpus(config.docs.clone()).await?;
        sidelight::info!("serving over stdio", corpus = corpus.says, admin = admin.is_some());
        let filling = tokio::spawn(fill(library.clone(), corpus, health));
        let handler = Observed::new(McpHandler::new(library.clone()));
        let serve = async {
            match handler.serve(rmcp::transport::stdio_pipes()).await {
                Ok(client) => drop(client.waiting().await), // a client that leaves is the end, however it leaves
                Err(ServerInitializeError::ConnectionClosed(_)) => {}
                Err(error) => return Err(ServerError::Stdio(error.to_string())),
            }
            Ok(())
        };
        let ended = tokio::select! {
            ended = serve => ended,
            _ = told_to_end() => Ok(()),
        };
        filling.abort();
        library.close().await;
        ended
    }

    /// Brings the store up to date with its documents.
    ///
    /// # Errors
    /// A store that cannot be opened or written.
    pub async fn ingest(config: &Config) -> Result<(), ServerError> {
        let library = library(config).await?;
        let corpus = corpus(config.docs.clone()).await?;
        eprintln!("reading {} into {}", corpus.says, config.store);
        let report = library.ingest(&corpus).await?;
        eprintln!(
            "{} stored, {} unchanged, {} left out, {} failed, {} removed",
            report.stored, report.unchanged, report.left_out, report.failed, report.removed
        );
        library.close().await;
        Ok(())
    }
}

async fn library(config: &Config) -> Result<Library, ServerError> {
    let queries = DocumentQueries::open(&config.store).await?;
    Ok(Library::new(queries, Arc::new(LocalEmbedder::new())).await?)
}

fn open_admin(config: &Config, health: &Health) -> Result<Option<SocketAddr>, ServerError> {
    let Some(settings) = &config.admin else { return Ok(None) };
    Ok(Some(sidelight_admin::spawn(settings, health.clone(), sidelight::pages())?))
}

/// `/mcp` and nothing else.
fn router(config: &Config, handler: McpHandler, sessions: CancellationToken) -> Router {
    let transport = StreamableHttpServerConfig::default()
        .with_allowed_hosts(config.allowed_hosts.clone())
        .with_allowed_origins(config.allowed_origins.clone())
        .enforce_origin_validation()
        .with_max_request_body_bytes(BODY_BYTES_MAX)
        .with_cancellation_token(sessions);
    let observed = Observed::new(handler);
    let service =
        StreamableHttpService::new(move || Ok(observed.clone()), Arc::new(LocalSessionManager::default()), transport);
    Router::new().route_service("/mcp", service).layer(middleware::from_fn(edge::correlate))
}

/// SIGTERM from a supervisor, or Ctrl-C from a person. Never ends where neither can be heard.
async fn told_to_end() -> &'static str {
    let by_supervisor = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    let by_person = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = by_supervisor => "SIGTERM",
        () = by_person => "SIGINT",
    }
}

/// Calls under way have their time; then streams and sessions are ended, which would never end by themselves; then it is
/// over.
async fn drain(told: CancellationToken, sessions: CancellationToken) {
    told.cancelled().await;
    tokio::time::sleep(DRAIN).await;
    sessions.cancel();
    tokio::time::sleep(LAST_WORDS).await;
}

/// The longest JSON-RPC message: a question is some hundred bytes.
const BODY_BYTES_MAX: usize = 1024 * 1024;
const DRAIN: Duration = Duration::from_secs(3);
const LAST_WORDS: Duration = Duration::from_secs(1);
