//! Why the program did not start, or ended early.

use crate::{catalog, terminal};
use documents::OpenError;
use embeddings::EmbedError;
use sidelight_admin::AdminError;
use std::{io, net::SocketAddr, process::ExitCode};

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
    /// The model that was asked for cannot be used.
    #[error("EMBEDDINGS_URL: {0}")]
    Embed(#[from] EmbedError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] documents::StoreError),
    /// The documents cannot be read.
    #[error(transparent)]
    Ingest(#[from] documents::IngestError),
    /// The documents cannot be watched.
    #[error("changes of the documents cannot be watched: {0}")]
    Watch(#[from] notify::Error),
    /// The documents cannot be found.
    #[error("the search for documents was broken off")]
    Corpus,
    /// The listener broke.
    #[error("the public port broke: {0}")]
    Serve(io::Error),
    /// There is nothing to list.
    #[error(transparent)]
    NoMetrics(#[from] catalog::NoMetrics),
    /// The client on standard input does not speak MCP.
    #[error("the client on standard input did not begin as MCP asks, with `initialize`")]
    Stdio,
    /// Told to end in the middle of it.
    #[error("broken off by {0}; what was read until then is kept")]
    BrokenOff(&'static str),
}

impl ServerError {
    /// Says it on standard error, and gives the exit code: 64 for a setting, else 1.
    #[must_use]
    pub fn print(&self) -> ExitCode {
        terminal::say(format_args!("mcp: {self}"));
        match self {
            Self::Observe(_)
            | Self::NoMetrics(_)
            | Self::Admin(AdminError::NeedsToken(_) | AdminError::NotBuilt(_)) => ExitCode::from(64),
            _ => ExitCode::FAILURE,
        }
    }
}
