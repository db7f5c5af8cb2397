//! Starts the real binary on a store that holds `tests/documents`, and ends it by its process id.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{LazyLock, mpsc},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Longer than anything takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Whether this build has a feature.
pub(crate) fn has(feature: &str) -> bool {
    sidelight::FEATURES.iter().any(|(name, on)| *name == feature && *on)
}

/// The binary, without the settings of whoever runs the tests.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcp"));
    for (name, _) in std::env::vars() {
        let ours = [
            "MCP_",
            "ADMIN_",
            "OTEL_",
            "LOG_",
            "RUST_LOG",
            "DATABASE_",
            "DOCS_",
            "ENABLE_",
            "PORT",
            "ENVIRONMENT",
            "TOOLS_",
            "EMBEDDINGS_",
        ];
        if ours.iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command.env("DOCS_PATH", documents()).stdin(Stdio::null());
    command
}

fn documents() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents")
}

/// A folder with a store that is filled, and its URL.
pub(crate) fn store() -> (TempDir, String) {
    // filled once for all tests: the program leaves one file behind, which can be copied
    static FILLED: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let (folder, url) = place();
        let filled = binary().arg("ingest").env("DATABASE_URL", &url).output().unwrap();
        assert!(filled.status.success(), "{filled:?}");
        assert!(!folder.path().join(format!("{STORE}-wal")).exists(), "a store that is closed is one file");
        fs::read(folder.path().join(STORE)).unwrap()
    });
    let (folder, url) = place();
    fs::write(folder.path().join(STORE), &*FILLED).unwrap();
    (folder, url)
}

fn place() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join(STORE).display());
    (folder, url)
}

const STORE: &str = "a.db";

/// A running server; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) mcp: SocketAddr,
    admin: Option<SocketAddr>,
    lines: PathBuf,
    _folder: TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With these variables in its environment.
    pub(crate) fn with(variables: &[(&str, &str)]) -> Self {
        let (folder, url) = store();
        let lines = folder.path().join("lines");
        Self::logging_to(lines, folder, &url, variables)
    }

    /// With its lines going to this file.
    pub(crate) fn logging_to(lines: PathBuf, folder: TempDir, url: &str, variables: &[(&str, &str)]) -> Self {
        Self::by(binary(), lines, folder, url, variables)
    }

    /// Started by another program, which becomes it: `nohup`, `env`.
    pub(crate) fn wrapped(by: &[&str]) -> Self {
        let (folder, url) = store();
        let (lines, ours) = (folder.path().join("lines"), binary());
        let mut command = Command::new(by[0]);
        command.args(&by[1..]).arg(ours.get_program()).stdin(Stdio::null());
        for (name, value) in ours.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Self::by(command, lines, folder, &url, &[])
    }

    fn by(mut command: Command, lines: PathBuf, folder: TempDir, url: &str, variables: &[(&str, &str)]) -> Self {
        command.env("DATABASE_URL", url).env("MCP_ADDR", "127.0.0.1:0").env("OTEL_TRACE_SAMPLE_RATE", "0");
        if sidelight_admin::COMPILED {
            command.env("ADMIN_ADDR", "127.0.0.1:0");
        }
        command.envs(variables.iter().copied()).stdout(fs::File::create(&lines).unwrap()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = banner(&mut child);
        let address = |name: &str| {
            let line = said.iter().find_map(|line| line.strip_prefix(name))?;
            line.trim().strip_prefix("http://")?.split('/').next()?.parse().ok()
        };
        let mcp = address("mcp ").unwrap_or_else(|| panic!("it said {said:?}"));
        Self { child, mcp, admin: address("admin "), lines, _folder: folder }
    }

    /// Where the admin port is; `None` in a build without features, and in no other.
    pub(crate) fn admin(&self) -> Option<SocketAddr> {
        assert_eq!(self.admin.is_some(), sidelight_admin::COMPILED, "any feature brings the port");
        self.admin
    }

    /// What it has logged so far.
    pub(crate) fn lines(&self) -> String {
        fs::read_to_string(&self.lines).unwrap()
    }

    /// Waits until a line holds this text, and gives the line.
    pub(crate) fn line(&self, text: &str) -> String {
        until(|| self.lines().lines().find(|line| line.contains(text)).map(str::to_owned))
            .unwrap_or_else(|| panic!("no line holds {text:?}:\n{}", self.lines()))
    }

    /// SIGTERM.
    pub(crate) fn signal(&self) {
        self.signal_by("TERM");
    }

    pub(crate) fn signal_by(&self, signal: &str) {
        kill(&self.child, signal);
    }

    /// SIGTERM; gives how it ended, and when.
    pub(crate) fn end(self) -> (ExitStatus, Duration) {
        self.end_by("TERM")
    }

    /// The same by another signal.
    pub(crate) fn end_by(mut self, signal: &str) -> (ExitStatus, Duration) {
        let started = Instant::now();
        kill(&self.child, signal);
        let status = until(|| self.child.try_wait().unwrap()).expect("it ends");
        (status, started.elapsed())
    }

    /// Whether it still runs.
    pub(crate) fn lives(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

fn kill(child: &Child, signal: &str) {
    let (signal, pid) = (format!("-{signal}"), child.id().to_string());
    assert!(Command::new("kill").args([&signal, &pid]).status().unwrap().success());
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The five lines on standard error, or fewer if it ends before.
fn banner(child: &mut Child) -> Vec<String> {
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let (told, lines) = mpsc::channel();
    thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(|line| drop(told.send(line))));
    (0..5).map_while(|_| lines.recv_timeout(PATIENCE).ok()).collect()
}

/// Asks again and again until there is an answer or the patience ends.
pub(crate) fn until<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        let answer = ask();
        if answer.is_some() || started.elapsed() > PATIENCE {
            return answer;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Starts it with settings that it must refuse; gives its exit code and what it said.
pub(crate) fn refused(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let (_folder, url) = store();
    let mut command = binary();
    command.args(arguments).env("DATABASE_URL", url).env("MCP_ADDR", "127.0.0.1:0").env("ADMIN_ADDR", "off");
    let mut child =
        command.envs(variables.iter().copied()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let status = until(|| child.try_wait().unwrap());
    let _ = child.kill();
    let _ = child.wait();
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    (status.expect("it must end by itself").code(), said)
}
