//! A document server that speaks MCP over HTTP and stdio: real in itself, and the proof of Sidelight.
//!
//! The path of a request, each room entered once and always downwards: `server` (listener, limits, correlation id,
//! context) -> `sidelight_rmcp::Observed` (operation, count) -> [`McpHandler::handle_tool_call`] -> the tool's function in
//! `tools` -> `documents` and `embeddings`.
//!
//! This is the only crate that names Sidelight's features, in its `Cargo.toml`; its code is the same with and without
//! them.

mod admission;
mod arguments;
mod banner;
pub mod catalog;
mod command;
mod config;
mod connection;
mod crowd;
mod edge;
mod endpoint;
mod given;
mod handlers;
mod intake;
mod limits;
mod lines;
mod listener;
mod message;
mod metrics;
mod minutely;
mod otel;
mod parameters;
mod progress;
mod readiness;
mod refusal;
mod resources;
mod schemas;
mod server;
mod server_error;
mod sessions;
mod slips;
mod streams;
mod toolbox;
mod tools;
mod uploads;
mod values;
pub mod watch;
mod wording;

pub use command::Command;
pub use config::{Config, Refusal};
pub use handlers::McpHandler;
pub use metrics::CATALOG;
pub use progress::Progress;
pub use server::McpServer;
pub use server_error::ServerError;
