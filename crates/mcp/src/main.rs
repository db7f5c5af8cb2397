//! Wiring only: settings, Sidelight, a runtime, the server. Exits 64 for a setting that cannot be, 1 for a start that
//! failed, 0 otherwise.

use mcp::{Command, Config, McpServer, ServerError, catalog, watch};
use std::{process::ExitCode, time::Duration};
use tokio::runtime::Runtime;

sidelight::allocator!();

fn main() -> ExitCode {
    let config = match Config::read() {
        Ok(config) => config,
        Err(refusal) => return refusal.print(),
    };
    let result = run(&config);
    result.map_or_else(|error| error.print(), |()| ExitCode::SUCCESS)
}

fn run(config: &Config) -> Result<(), ServerError> {
    let running = McpServer::observe(config)?;
    let runtime = Runtime::new().map_err(ServerError::Runtime)?;
    let result = runtime.block_on(async {
        match config.command {
            Command::Serve => McpServer::bind(config)?.serve(config).await,
            Command::Stdio => McpServer::stdio(config).await,
            Command::Ingest { watch } => watch::ingest(config, watch).await,
            Command::Catalog { format } => Ok(catalog::print(format)?),
        }
    });
    runtime.shutdown_timeout(LAST_REQUESTS); // not for ever: a read of stdin cannot be taken back
    drop(running);
    result
}

/// How long requests that are given up have to say so.
const LAST_REQUESTS: Duration = Duration::from_millis(200);
