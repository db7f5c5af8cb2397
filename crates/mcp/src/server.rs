//! Owns the listener and the lifecycle: binds, fills, serves, drains. Knows the protocol's methods only as a handler.

use crate::{
    Config, McpHandler,
    admission::Admission,
    banner::Banner,
    catalog,
    config::Embeddings,
    edge,
    endpoint::{ENDPOINT, ENDPOINT_SLASH},
    intake::{self, BODY_BYTES_MAX, Intake},
    lines::Lines,
    listener,
    readiness::{self, corpus, keep},
    refusal::{Refusal, TRANSPORT},
    server_error::ServerError,
    sessions::{Saved, Sessions},
    signals::told_to_end,
    streams::Streams,
    tools,
    wording::Worded,
};
use axum::{
    Router,
    http::{StatusCode, Uri},
    middleware::from_fn_with_state,
    response::Response,
};
use documents::{Corpus, DocumentQueries, Library};
use embeddings::{EmbedError, Embedder, HttpEmbedder, LocalEmbedder, ModelName};
use rmcp::{
    ServiceExt as _,
    service::ServerInitializeError,
    transport::{StreamableHttpServerConfig, streamable_http_server::StreamableHttpService},
};
use sidelight::Running;
use sidelight_admin::Health;
use sidelight_rmcp::{Observed, ObservedTransport, Tool};
use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// A server that has its ports.
#[derive(Debug)]
pub struct McpServer {
    listener: TcpListener,
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
        let declared = config.declared.iter().map(|tool| tool.name.as_str());
        Tool::intern(tools::NAMES.into_iter().chain(declared));
        let on_a_server = config.embeddings.as_ref().map(|it| it.model.as_str());
        ModelName::intern([LocalEmbedder::MODEL].into_iter().chain(on_a_server));
        let running = sidelight::start(&config.kit, &catalog::CATALOGS)?;
        for warning in &config.warnings {
            sidelight::warn!("a setting is ignored", why = warning.as_str());
        }
        Ok(running)
    }

    /// Takes both ports; within a runtime.
    ///
    /// # Errors
    /// A port that cannot be had, or an admin port that this build or the settings do not allow.
    pub fn bind(config: &Config) -> Result<Self, ServerError> {
        let address = config.mcp_address;
        let bound = listener::bind(address).and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = bound.map_err(|cause| ServerError::Bind { address, cause })?;
        let health = Health::default();
        health.is_unwell(readiness::DOCUMENTS, "the documents are still being read");
        let admin = open_admin(config, &health)?;
        Ok(Self { listener, address, admin, health })
    }

    /// Opens the store and serves until the process is told to end.
    ///
    /// # Errors
    /// A store that cannot be opened, or a listener that breaks.
    pub async fn serve(self, config: &Config) -> Result<(), ServerError> {
        let mut signal = pin!(told_to_end()); // heard from here on, also by the first process of a container
        let (library, corpus) = tokio::select! {
            ready = prepared(config) => ready?,
            signal = &mut signal => {
                announce(signal);
                return Ok(());
            }
        };
        let store = config.store.to_string();
        Banner { mcp: self.address, admin: self.admin, store: &store, documents: &corpus.says }.print();
        let _runtime = sidelight::metrics::watch_runtime();
        let filling = tokio::spawn(keep(library.clone(), corpus, self.health.clone()));
        let ended = self.answer(config, library.clone(), signal).await;
        close(&library, filling).await;
        sidelight::info!("ended");
        ended
    }

    async fn answer(
        self,
        config: &Config,
        library: Library,
        signal: impl Future<Output = &'static str>,
    ) -> Result<(), ServerError> {
        let (limits, ending) = (config.limits, CancellationToken::new());
        let streams = Streams::new(limits.streams);
        let sessions = Sessions::new(limits.sessions, library.queries().clone());
        let app = router(config, library, sessions.clone(), ending.clone(), streams.clone());
        sidelight::info!("serving", address = self.address.to_string());
        let told = CancellationToken::new();
        let ends = async {
            let signal = signal.await;
            let again = told_to_end();
            announce(signal);
            self.health.is_unwell("server", "the server is ending");
            let ends = async {
                tokio::time::sleep(limits.notice).await; // whoever balances load learns of it before the port is closed
                told.cancel();
                streams.end_lasting();
                tokio::time::sleep(limits.grace).await;
                streams.end_all(); // they would never end by themselves
                ending.cancel();
                tokio::time::sleep(LAST_WORDS).await;
            };
            tokio::select! {
                () = ends => {}
                _ = again => {} // whoever says it twice means it
            }
        };
        tokio::select! {
            () = listener::serve(self.listener, app, limits, told.clone()) => {}
            () = sessions.hear_others() => {}
            () = ends => {}
        }
        Ok(())
    }

    /// Serves one client over standard input and output.
    ///
    /// # Errors
    /// A store that cannot be opened, an admin port that cannot be had, or a client that does not speak MCP.
    pub async fn stdio(config: &Config) -> Result<(), ServerError> {
        let health = Health::default();
        health.is_unwell(readiness::DOCUMENTS, "the documents are still being read");
        let admin = open_admin(config, &health)?;
        let mut signal = pin!(told_to_end()); // heard from here on, also by the first process of a container
        let (library, corpus) = tokio::select! {
            ready = prepared(config) => ready?,
            signal = &mut signal => {
                announce(signal);
                return Ok(());
            }
        };
        sidelight::info!("serving over stdio", corpus = corpus.says, admin = admin.is_some());
        let _runtime = sidelight::metrics::watch_runtime();
        let filling = tokio::spawn(keep(library.clone(), corpus, health));
        let handler = Observed::new(McpHandler::with(library.clone(), config.declared.clone(), config.tool_time));
        let told = CancellationToken::new();
        let serve = async {
            let (input, output) = rmcp::transport::stdio_pipes();
            let lines = Lines::new(input, output).until(told.clone(), config.limits.grace);
            match Box::pin(handler.serve(ObservedTransport::new(Worded(lines)))).await {
                Ok(client) => drop(client.waiting().await), // a client that leaves is the end, however it leaves
                Err(ServerInitializeError::ConnectionClosed(_)) => {}
                Err(_) => return Err(ServerError::Stdio), // it would repeat what the client said
            }
            Ok(())
        };
        let ends = async {
            let signal = signal.await;
            let again = told_to_end();
            announce(signal);
            told.cancel();
            tokio::select! {
                () = tokio::time::sleep(config.limits.grace + LAST_WORDS) => {}
                _ = again => {}
            }
        };
        let ended = tokio::select! {
            ended = serve => ended,
            () = ends => Ok(()),
        };
        close(&library, filling).await;
        ended
    }
}

/// The model on a server, if one is set; else the built-in one.
async fn embedder(config: &Config) -> Result<Arc<dyn Embedder>, ServerError> {
    let Some(Embeddings { url, model, key, batch }) = &config.embeddings else {
        return Ok(Arc::new(LocalEmbedder::new()));
    };
    let known = DocumentQueries::known_dimensions(&config.store, model).await;
    let asked = HttpEmbedder::connect(url.clone(), model.clone(), key.clone(), *batch);
    let patience = if known.is_some() { ASKED } else { Duration::MAX };
    let asked = timeout(patience, asked).await.unwrap_or(Err(EmbedError::Timeout));
    match (asked, known) {
        (Ok(embedder), _) => Ok(Arc::new(embedder)),
        // the store has vectors of this model: whatever is wrong with it now, it was right before
        (Err(away), Some(dimensions)) => {
            sidelight::warn!(
                "the embedding model does not answer; documents are found by their words alone until it does",
                error = away.to_string(),
            );
            Ok(Arc::new(HttpEmbedder::unasked(url.clone(), model.clone(), key.clone(), *batch, dimensions)?))
        }
        (Err(failed), _) => Err(failed.into()),
    }
}

/// What is served, and from what it is filled.
async fn prepared(config: &Config) -> Result<(Library, Corpus), ServerError> {
    let library = library(config).await?;
    let corpus = corpus(&library, config.docs.clone()).await?;
    Ok((library, corpus))
}

fn announce(signal: &str) {
    sidelight::info!("ending", signal = signal);
}

pub(crate) async fn library(config: &Config) -> Result<Library, ServerError> {
    Ok(Library::open(&config.store, embedder(config).await?).await?)
}

/// Whoever reads into the store lets go of it first. A database that hangs must not hang the end.
async fn close(library: &Library, filling: JoinHandle<()>) {
    filling.abort();
    let closing = async {
        let _ = filling.await; // it was told to end
        library.close().await;
    };
    if timeout(CLOSE, closing).await.is_err() {
        sidelight::warn!("the document store did not close in time");
    }
}

fn open_admin(config: &Config, health: &Health) -> Result<Option<SocketAddr>, ServerError> {
    let Some(settings) = &config.admin else { return Ok(None) };
    Ok(Some(sidelight_admin::spawn(settings, health.clone(), sidelight::pages())?))
}

/// `/mcp` and nothing else.
fn router(
    config: &Config,
    library: Library,
    sessions: Sessions,
    ending: CancellationToken,
    streams: Streams,
) -> Router {
    // who may call, and how long a body may be, is decided before
    let mut transport = StreamableHttpServerConfig::default()
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_max_request_body_bytes(BODY_BYTES_MAX)
        .with_sse_retry(None) // whole families of clients cannot read it
        .with_cancellation_token(ending);
    transport.session_store = Some(Arc::new(Saved(sessions.clone())));
    let observed = Observed::new(McpHandler::with(library, config.declared.clone(), config.tool_time));
    let service = StreamableHttpService::new(move || Ok(observed.clone()), Arc::new(sessions), transport);
    let (hosts, origins) = (config.allowed_hosts.clone(), config.allowed_origins.clone());
    let intake = Intake::new(config.limits.body);
    Router::new()
        .route_service(ENDPOINT, service.clone())
        .route_service(ENDPOINT_SLASH, service)
        .route_layer(from_fn_with_state(intake, intake::take))
        .fallback(nothing)
        .layer(edge::cors())
        .layer(from_fn_with_state(Arc::new(Admission { hosts, origins }), edge::admit))
        .layer(from_fn_with_state(streams, edge::correlate))
}

/// Any other path.
async fn nothing(uri: Uri) -> Response {
    let path: String = uri.path().chars().take(PATH_CHARS_MAX).collect();
    Refusal::new(StatusCode::NOT_FOUND, TRANSPORT, format!("there is nothing at {path:?}; MCP is spoken at {ENDPOINT}"))
        .unread()
}

/// As much of a path as is worth repeating.
const PATH_CHARS_MAX: usize = 128;

/// How long a model is waited for at the start, if the store knows how long its vectors are.
const ASKED: Duration = Duration::from_secs(5);
/// How long queries under way have, after that.
const CLOSE: Duration = Duration::from_secs(1);
/// How long streams have to say that they end.
const LAST_WORDS: Duration = Duration::from_secs(1);
