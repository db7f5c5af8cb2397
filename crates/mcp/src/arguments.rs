//! The flags and variables by their names. What a single value may be stands in `values`, what they mean together in `config`.
//!
//! A variable that is empty is unset: compose files and the forms of clients set what nobody filled in to nothing. So is one
//! that holds an address such as `tcp://10.96.0.12:3000`: Kubernetes sets `MCP_PORT` to that beside a Service called `mcp`.

use crate::{
    admission::{AllowedHost, AllowedOrigin},
    command::Command,
    handlers::CALL,
    values::{self, AdminAddress},
};
use clap::{Arg, ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, builder::Resettable};
use sidelight::{LogFormat, Profiling};
use std::{ffi::OsStr, net::SocketAddr, path::PathBuf};

/// A document server that speaks MCP: search in documents, over HTTP or stdio.
#[derive(Debug, Parser)]
#[allow(clippy::doc_markdown)] // these docs are what --help prints
#[command(name = "mcp", version, subcommand_negates_reqs = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Public listener, HOST:PORT; the endpoint is /mcp [default: 127.0.0.1:3000]
    #[arg(long, env = "MCP_ADDR", value_parser = values::mcp_address, value_name = "HOST:PORT", global = true)]
    pub(crate) mcp_addr: Option<SocketAddr>,
    /// Host of the public listener, if MCP_ADDR is not set
    #[arg(long, env = "MCP_HOST", value_name = "HOST", global = true)]
    pub(crate) mcp_host: Option<String>,
    /// Port of the public listener, if MCP_ADDR is not set
    #[arg(long, env = "MCP_PORT", value_name = "PORT", global = true)]
    pub(crate) mcp_port: Option<u16>,
    /// The same, if MCP_PORT is not set either
    #[arg(long, env = "PORT", value_name = "PORT", global = true)]
    pub(crate) port: Option<u16>,
    /// Hosts that a request to the public listener may name, separated by commas
    #[arg(
        long,
        env = "MCP_ALLOWED_HOSTS",
        value_delimiter = ',',
        value_name = "HOSTS",
        global = true,
        value_parser = values::host,
        default_value = "localhost,127.0.0.1,::1"
    )]
    pub(crate) mcp_allowed_hosts: Vec<AllowedHost>,
    /// Origins of web pages that may call the public listener, as http://HOST:PORT, separated by commas; `:*` is any port
    #[arg(
        long,
        env = "MCP_ALLOWED_ORIGINS",
        value_delimiter = ',',
        value_name = "ORIGINS",
        global = true,
        value_parser = values::origin,
        default_value = "http://localhost:*,http://127.0.0.1:*,http://[::1]:*"
    )]
    pub(crate) mcp_allowed_origins: Vec<AllowedOrigin>,

    /// Admin listener, HOST:PORT or off [default: 127.0.0.1:8080; with stdio: off]
    #[arg(long, env = "ADMIN_ADDR", value_parser = values::admin_address, value_name = "HOST:PORT", global = true)]
    pub(crate) admin_addr: Option<AdminAddress>,
    /// What callers of the admin port prove themselves with; needed on every address but loopback
    #[arg(long, env = "ADMIN_TOKEN", value_name = "TOKEN", global = true)]
    pub(crate) admin_token: Option<String>,
    /// A file that holds the token
    #[arg(long, env = "ADMIN_TOKEN_FILE", value_name = "FILE", global = true)]
    pub(crate) admin_token_file: Option<PathBuf>,
    /// Hosts that a request to the admin port may name, separated by commas
    #[arg(long, env = "ADMIN_ALLOWED_HOSTS", value_delimiter = ',', value_name = "HOSTS", global = true)]
    pub(crate) admin_allowed_hosts: Vec<String>,

    /// true (CPU and heap), cpu or false [default: true on a loopback admin address, else false]
    #[arg(long, env = "ENABLE_PROFILING", value_parser = values::profiling, value_name = "WHICH", global = true)]
    pub(crate) enable_profiling: Option<Profiling>,
    /// Share of requests to trace, 0 to 1 [default: OTEL_TRACES_SAMPLER, else 0.01]
    #[arg(long, env = "OTEL_TRACE_SAMPLE_RATE", value_parser = values::sample_rate, value_name = "RATE", global = true)]
    pub(crate) otel_trace_sample_rate: Option<f64>,
    /// Where this runs, for logs and traces [default: what OTEL_RESOURCE_ATTRIBUTES says, else development]
    #[arg(long, env = "ENVIRONMENT", value_name = "NAME", global = true)]
    pub(crate) environment: Option<String>,
    /// Sessions at a time, of revisions up to 2025-11-25; the one not used for the longest time makes room
    #[arg(long, env = "MCP_MAX_SESSIONS", value_name = "NUMBER", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..), global = true)]
    pub(crate) mcp_max_sessions: u32,
    /// Connections at a time; the one that was idle for the longest time makes room [default: 4096, or as many as there are file descriptors for]
    #[arg(long, env = "MCP_MAX_CONNECTIONS", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..), global = true)]
    pub(crate) mcp_max_connections: Option<u32>,
    /// Replies at a time that are streams; the one silent for the longest time makes room [default and most: three of four connections]
    #[arg(long, env = "MCP_MAX_STREAMS", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..), global = true)]
    pub(crate) mcp_max_streams: Option<u32>,
    /// How long a connection may be idle between two requests, in seconds; longer than any proxy in front keeps its own
    #[arg(long, env = "MCP_IDLE_TIMEOUT", value_name = "SECONDS", default_value_t = 620, value_parser = clap::value_parser!(u64).range(1..=86_400), global = true)]
    pub(crate) mcp_idle_timeout: u64,
    /// How long the head of a request may take, from its first byte to its last, in seconds
    #[arg(long, env = "MCP_HEAD_TIMEOUT", value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600), global = true)]
    pub(crate) mcp_head_timeout: u64,
    /// How long the body of a request may take, in seconds
    #[arg(long, env = "MCP_BODY_TIMEOUT", value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600), global = true)]
    pub(crate) mcp_body_timeout: u64,
    /// How long a client may read nothing of its reply, in seconds
    #[arg(long, env = "MCP_WRITE_TIMEOUT", value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600), global = true)]
    pub(crate) mcp_write_timeout: u64,
    /// Between a readiness that says no and a closed port, in seconds: as long as a balancer in front needs to notice
    #[arg(long, env = "MCP_DRAIN_NOTICE", value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=3600), global = true)]
    pub(crate) mcp_drain_notice: u64,
    /// How long calls under way have after that to end, in seconds
    #[arg(long, env = "MCP_DRAIN_GRACE", value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(..=3600), global = true)]
    pub(crate) mcp_drain_grace: u64,
    /// How long a call of a tool may take, in seconds
    #[arg(long, env = "MCP_TOOL_TIMEOUT", value_name = "SECONDS", default_value_t = CALL.as_secs(), value_parser = clap::value_parser!(u64).range(1..=3600), global = true)]
    pub(crate) mcp_tool_timeout: u64,
    /// A file that declares further query tools, such as tools.toml
    #[arg(long, env = "TOOLS_CONFIG", value_name = "FILE", global = true)]
    pub(crate) tools_config: Option<PathBuf>,

    /// Where a model is asked for vectors: any OpenAI-compatible /v1/embeddings [default: the built-in model]
    #[arg(long, env = "EMBEDDINGS_URL", value_name = "URL", global = true)]
    pub(crate) embeddings_url: Option<String>,
    /// Which model; needed with EMBEDDINGS_URL
    #[arg(long, env = "EMBEDDINGS_MODEL", value_name = "MODEL", global = true)]
    pub(crate) embeddings_model: Option<String>,
    /// Texts in one request to it; fewer are asked by themselves where it takes fewer
    #[arg(long, env = "EMBEDDINGS_BATCH", value_name = "NUMBER", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=2048), global = true)]
    pub(crate) embeddings_batch: u16,
    /// The key that the server asks for
    #[arg(long, env = "EMBEDDINGS_API_KEY", value_name = "KEY", global = true)]
    pub(crate) embeddings_api_key: Option<String>,

    /// When each counter began, as samples `_created` in OpenMetrics: true or false. For a Prometheus that is told to read them
    #[arg(long, env = "METRICS_CREATED", value_name = "BOOLEAN", default_value_t = false, action = clap::ArgAction::Set, global = true)]
    pub(crate) metrics_created: bool,

    /// Which log lines are written, by target and level
    #[arg(long, env = "RUST_LOG", value_name = "FILTER", default_value = LOG_FILTER, global = true)]
    pub(crate) rust_log: String,
    /// json or text [default: text on a terminal, else json]
    #[arg(long, env = "LOG_FORMAT", value_parser = values::log_format, value_name = "FORMAT", global = true)]
    pub(crate) log_format: Option<LogFormat>,

    /// The document store, sqlite://PATH or postgres://USER@HOST/DATABASE [default: a file in the user's data folder]
    #[arg(long, env = "DATABASE_URL", value_name = "URL", global = true)]
    pub(crate) database_url: Option<String>,
    /// The folder to index [default: the Rust books of the installed toolchain]
    #[arg(long, env = "DOCS_PATH", value_parser = values::folder, value_name = "FOLDER", global = true)]
    pub(crate) docs_path: Option<PathBuf>,
}

/// Everything worth knowing. What the SDK says of a client that left, or of a request that is answered with an error, is in the
/// request's own line already, and no fault of the server.
pub(crate) const LOG_FILTER: &str = "info,rmcp=off";

impl Arguments {
    /// The flags and variables of this process.
    pub(crate) fn read() -> Result<Self, clap::Error> {
        let mut command = Self::known();
        let matches = command.try_get_matches_from_mut(std::env::args_os())?;
        Self::of(&matches, &mut command)
    }

    /// The command line without the variables that are unset. Help shows no value of the environment: it may be a secret.
    pub(crate) fn known() -> clap::Command {
        Self::command()
            .mut_args(|arg| if is_unset(&arg) { arg.env(Resettable::Reset) } else { arg.hide_env_values(true) })
    }

    fn of(matches: &ArgMatches, command: &mut clap::Command) -> Result<Self, clap::Error> {
        Self::from_arg_matches(matches).map_err(|error| error.format(command))
    }
}

/// Whether the argument's variable says nothing.
fn is_unset(arg: &Arg) -> bool {
    let value = arg.get_env().and_then(std::env::var_os);
    value.as_deref().and_then(OsStr::to_str).is_some_and(says_nothing)
}

fn says_nothing(value: &str) -> bool {
    let value = value.trim();
    value.is_empty() || ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_or_a_form_left_in_a_variable_says_nothing() {
        for value in ["", " \n", "tcp://10.96.0.12:3000", "udp://[fd00::1]:53"] {
            assert!(says_nothing(value), "{value:?}");
        }
        for value in ["3000", "tcp", "http://localhost", "0"] {
            assert!(!says_nothing(value), "{value:?}");
        }
    }
}
