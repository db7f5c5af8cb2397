#![doc = include_str!("../README.md")]

#[cfg_attr(feature = "serve", path = "on/mod.rs")]
#[cfg_attr(not(feature = "serve"), path = "off.rs")]
mod imp;

mod metrics;

pub use imp::{COMPILED, Health, spawn};
pub use metrics::CATALOG;
use std::{fmt, io, net::SocketAddr};

/// Where the port is, and who may use it.
#[derive(Clone)]
pub struct Settings {
    /// The address to listen on; port 0 takes a free one.
    pub address: SocketAddr,
    /// What callers prove themselves with; needed on every address but loopback.
    pub token: Option<String>,
    /// The hosts that a request may name; empty: any with a token, loopback names without.
    pub allowed_hosts: Vec<String>,
    /// The program's name, for `/` and `/build`.
    pub program: &'static str,
    /// The program's version.
    pub version: &'static str,
    /// The commit that was built, or `unknown`.
    pub commit: &'static str,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, .. } = self; // the token stays out of every log
        f.debug_struct("Settings").field("address", address).finish_non_exhaustive()
    }
}

/// Why there is no admin port.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The build has none.
    #[error(
        "the admin port {0} was asked for, but this build has none: build with feature `metrics`, `tracing` or \
         `profiling`, or set ADMIN_ADDR=off"
    )]
    NotBuilt(SocketAddr),
    /// Whoever can reach the address could take profiles.
    #[error(
        "the admin port {0} can be reached from other machines, so it needs a token: set ADMIN_TOKEN or \
         ADMIN_TOKEN_FILE, or use a loopback address such as 127.0.0.1:8080, or off"
    )]
    NeedsToken(SocketAddr),
    /// The port is taken, or not ours to take.
    #[error("the admin port {address} cannot be opened: {cause}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// No thread or no runtime.
    #[error("the admin port's thread cannot be started: {0}")]
    Thread(io::Error),
}
