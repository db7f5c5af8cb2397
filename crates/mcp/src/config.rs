//! Settings: flags and environment, read and refused before any port is bound. How a single value is read stands in
//! `values`; the standard `OTEL_*` variables in `otel`.

use crate::{
    admission::{AllowedHost, AllowedOrigin},
    arguments::{Arguments, LOG_FILTER},
    command::Command,
    limits::Limits,
    otel::Otel,
    toolbox::{self, Declared},
    tools,
    values::{self, AdminAddress},
};
use clap::error::ErrorKind;
use documents::Location;
use sidelight::{LogFormat, Output, Profiling};
use std::{
    env, fmt, fs,
    io::{self, IsTerminal as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};
use url::Url;

/// Every setting, checked.
#[derive(Debug)]
pub struct Config {
    /// What to do.
    pub command: Command,
    pub(crate) mcp_address: SocketAddr,
    pub(crate) allowed_hosts: Vec<AllowedHost>,
    pub(crate) allowed_origins: Vec<AllowedOrigin>,
    pub(crate) admin: Option<sidelight_admin::Settings>,
    pub(crate) kit: sidelight::Settings,
    pub(crate) store: Location,
    pub(crate) docs: Option<PathBuf>,
    pub(crate) limits: Limits,
    pub(crate) tool_time: Duration,
    pub(crate) declared: Vec<Declared>,
    pub(crate) embeddings: Option<Embeddings>,
    pub(crate) warnings: Vec<String>,
}

/// A model on a server.
pub(crate) struct Embeddings {
    pub(crate) url: Url,
    pub(crate) model: String,
    pub(crate) key: Option<String>,
    pub(crate) batch: usize,
}

/// The key stays out of every log.
impl fmt::Debug for Embeddings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, model, .. } = self;
        f.debug_struct("Embeddings").field("url", &url.as_str()).field("model", model).finish_non_exhaustive()
    }
}

/// Settings that cannot be, or a question (`--help`) that was answered.
#[derive(Debug)]
pub struct Refusal(clap::Error);

impl Refusal {
    /// Says it, and gives the exit code: 64 (`EX_USAGE`), or 0 for an answered question.
    #[must_use]
    pub fn print(self) -> ExitCode {
        let _ = self.0.print(); // there is nobody else to tell
        if self.0.use_stderr() { ExitCode::from(64) } else { ExitCode::SUCCESS }
    }
}

impl Config {
    /// Reads the process's flags and environment.
    ///
    /// # Errors
    /// The first setting that cannot be: the sentence names it and what is allowed.
    pub fn read() -> Result<Self, Refusal> {
        let arguments = Arguments::read().map_err(Refusal)?;
        let otel = Otel::read(&|name| env::var(name).ok());
        Self::check(arguments, otel).map_err(|why| {
            let mut command = Arguments::known();
            Refusal(command.error(ErrorKind::ValueValidation, why))
        })
    }

    fn check(arguments: Arguments, otel: Otel) -> Result<Self, String> {
        let command = arguments.command.unwrap_or(Command::Serve);
        let admin = admin(&arguments, command)?;
        let limits = Limits::of(&arguments);
        Ok(Self {
            command,
            mcp_address: mcp_address(&arguments)?,
            kit: kit(&arguments, &otel, command, admin.as_ref())?,
            admin,
            embeddings: embeddings(&arguments)?,
            store: arguments.database_url.map_or_else(default_store, |url| values::location(&url))?,
            docs: arguments.docs_path,
            limits,
            tool_time: Duration::from_secs(arguments.mcp_tool_timeout),
            declared: arguments.tools_config.map_or_else(|| Ok(Vec::new()), |file| declared(&file))?,
            allowed_hosts: arguments.mcp_allowed_hosts,
            allowed_origins: arguments.mcp_allowed_origins,
            warnings: otel.warnings,
        })
    }
}

fn mcp_address(arguments: &Arguments) -> Result<SocketAddr, String> {
    if let Some(address) = arguments.mcp_addr {
        return Ok(address);
    }
    let host = arguments.mcp_host.as_deref().unwrap_or("127.0.0.1");
    let port = arguments.mcp_port.or(arguments.port).unwrap_or(3000);
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    let address = values::mcp_address(&format!("{host}:{port}"));
    address.map_err(|_| format!("MCP_HOST={host:?} is no host; allowed is a name or an address such as 127.0.0.1"))
}

/// The admin port, unless it is off: by default it is on where this build has one and stdout is not the protocol.
fn admin(arguments: &Arguments, command: Command) -> Result<Option<sidelight_admin::Settings>, String> {
    let by_default = match command {
        Command::Serve if sidelight_admin::COMPILED => AdminAddress::At(SocketAddr::from(([127, 0, 0, 1], 8080))),
        _ => AdminAddress::Off,
    };
    let AdminAddress::At(address) = arguments.admin_addr.unwrap_or(by_default) else {
        return Ok(None);
    };
    Ok(Some(sidelight_admin::Settings {
        address,
        token: token(arguments)?,
        allowed_hosts: arguments.admin_allowed_hosts.clone(),
        program: "mcp",
        version: env!("CARGO_PKG_VERSION"),
        commit: env!("COMMIT"),
    }))
}

fn token(arguments: &Arguments) -> Result<Option<String>, String> {
    match (&arguments.admin_token, &arguments.admin_token_file) {
        (Some(_), Some(_)) => Err("ADMIN_TOKEN and ADMIN_TOKEN_FILE are both set: one of them is allowed".to_owned()),
        // not read by clap, which would print a bad one
        (Some(token), None) => values::token(token).map(Some).map_err(|why| format!("ADMIN_TOKEN: {why}")),
        (None, None) => Ok(None),
        (None, Some(file)) => {
            let refused = |why: String| format!("ADMIN_TOKEN_FILE={}: {why}", file.display());
            let text = fs::read_to_string(file).map_err(|cause| refused(cause.to_string()))?;
            values::token(&text).map(Some).map_err(refused)
        }
    }
}

fn kit(
    arguments: &Arguments,
    otel: &Otel,
    command: Command,
    admin: Option<&sidelight_admin::Settings>,
) -> Result<sidelight::Settings, String> {
    let asked = arguments.enable_profiling;
    if !sidelight::profiling::COMPILED && asked.is_some_and(|asked| asked != Profiling::Off) {
        return Err("ENABLE_PROFILING asks for profiles, but this build has none: build with feature `profiling`, or \
                    set ENABLE_PROFILING=false"
            .to_owned());
    }
    let by_default = match admin {
        Some(admin) if admin.address.ip().is_loopback() => Profiling::CpuAndHeap,
        _ => Profiling::Off,
    };
    let (log_output, is_terminal) = match command {
        Command::Serve => (Output::Stdout, io::stdout().is_terminal()),
        Command::Stdio | Command::Ingest { .. } | Command::Catalog { .. } => {
            (Output::Stderr, io::stderr().is_terminal())
        }
    };
    let log_format = if is_terminal { LogFormat::Text } else { LogFormat::Json };
    let environment = arguments.environment.clone().or(otel.environment.clone());
    Ok(sidelight::Settings {
        service_name: otel.service_name.clone().unwrap_or_else(|| "mcp".to_owned()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: env!("COMMIT").to_owned(),
        environment: environment.unwrap_or_else(|| "development".to_owned()),
        resource: otel.resource.clone(),
        log_filter: Some(arguments.rust_log.trim()).filter(|it| !it.is_empty()).unwrap_or(LOG_FILTER).to_owned(),
        log_format: arguments.log_format.unwrap_or(log_format),
        log_output,
        sample_rate: arguments.otel_trace_sample_rate.or(otel.sample_rate).unwrap_or(SAMPLE_RATE),
        export: otel.export,
        propagators: otel.propagators,
        profiling: asked.unwrap_or(by_default),
        created: arguments.metrics_created,
    })
}

fn embeddings(arguments: &Arguments) -> Result<Option<Embeddings>, String> {
    let Some(url) = &arguments.embeddings_url else {
        return Ok(None);
    };
    let parsed = url.trim().parse::<Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = parsed.ok_or("EMBEDDINGS_URL takes an address such as https://api.openai.com/v1/embeddings")?;
    let model = arguments.embeddings_model.clone();
    let model = model.ok_or("EMBEDDINGS_URL is set, so EMBEDDINGS_MODEL must name a model of that server")?;
    let key = arguments.embeddings_api_key.as_deref();
    let key = key.map(values::token).transpose().map_err(|why| format!("EMBEDDINGS_API_KEY: {why}"))?;
    Ok(Some(Embeddings { url, model, key, batch: usize::from(arguments.embeddings_batch) }))
}

fn declared(file: &Path) -> Result<Vec<Declared>, String> {
    toolbox::read(file, &tools::NAMES).map_err(|why| format!("TOOLS_CONFIG: {why}"))
}

fn default_store() -> Result<Location, String> {
    let folder = dirs::data_dir().ok_or("this user has no data folder: set DATABASE_URL=sqlite://PATH")?;
    Ok(Location::File(folder.join("sidelight/documents.db")))
}

/// One request in a hundred.
const SAMPLE_RATE: f64 = 0.01;

#[cfg(test)]
#[path = "config_test.rs"]
mod tests;
