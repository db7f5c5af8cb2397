//! Programs and Python packages that a step needs: found, or installed with a line that says what and why, or refused with
//! a line that says what to do. Pins no version of a program; never touches what is there already.

use crate::{house::House, run};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// A program and the Debian package that brings it.
pub(crate) struct Tool {
    program: &'static str,
    package: &'static str,
    why: &'static str,
}

/// `nm` and `objdump`.
pub(crate) const BINUTILS: Tool =
    Tool { program: "objdump", package: "binutils", why: "reads the machine code of the off build" };
/// `go tool pprof`.
pub(crate) const GO: Tool =
    Tool { program: "go", package: "golang-go", why: "`go tool pprof` is the judge of our profiles" };
/// `prometheus` and `promtool`. A service that the package starts is left alone: the checks start processes of their own.
pub(crate) const PROMETHEUS: Tool = Tool {
    program: "prometheus",
    package: "prometheus",
    why: "it is the judge of our metrics, and promtool of their names",
};
/// Scrapes as Prometheus does not; its service, too, is left alone.
pub(crate) const VICTORIA_METRICS: Tool = Tool {
    program: "victoria-metrics",
    package: "victoria-metrics",
    why: "it reads our metrics as text, which Prometheus does not ask for any more",
};
/// Stands before PostgreSQL as people have it; its service is left alone.
pub(crate) const PGBOUNCER: Tool =
    Tool { program: "pgbouncer", package: "pgbouncer", why: "it gives each transaction another connection" };
/// What people have in front of a server; their services are left alone.
pub(crate) const NGINX: Tool = Tool { program: "nginx", package: "nginx-light", why: "clients come through it" };
/// The same.
pub(crate) const HAPROXY: Tool = Tool { program: "haproxy", package: "haproxy", why: "clients come through it, too" };
/// The same.
pub(crate) const JAVA: Tool =
    Tool { program: "javac", package: "default-jdk-headless", why: "clients of Java and Kotlin are built with it" };
/// Builds the clients of Java and Kotlin.
pub(crate) const MAVEN: Tool =
    Tool { program: "mvn", package: "maven", why: "clients of Java and Kotlin are Maven packages" };
/// Drives the end-to-end checks.
pub(crate) const PYTHON: Tool =
    Tool { program: "python3", package: "python3", why: "the official MCP clients are Python packages" };
const PYTHON_VENV: Tool =
    Tool { program: "python3 -m venv", package: "python3-venv", why: "each client gets an environment of its own" };

/// Makes sure that the program is there.
pub(crate) fn need(tool: &Tool) -> Result<(), String> {
    if is_installed(tool.program) { Ok(()) } else { install(tool) }
}

/// A Python environment under the build output with the newest package that meets `requirement`; gives its interpreter.
pub(crate) fn venv(house: &House, name: &str, requirement: &str, why: &str) -> Result<PathBuf, String> {
    need(&PYTHON)?;
    let folder = house.scratch().join(name);
    let python = folder.join("bin/python");
    if !python.exists() {
        println!("makes {} with `{requirement}`: {why}", folder.display());
        make_venv(&folder)?;
    }
    let marker = folder.join("installed");
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade", requirement];
    match run::run(Command::new(&python).args(pip)) {
        Ok(()) => fs::write(&marker, requirement).map_err(|error| format!("{}: {error}", marker.display()))?,
        Err(why) if fs::read_to_string(&marker).is_ok_and(|installed| installed == requirement) => {
            println!("the newest `{requirement}` cannot be fetched ({why}); the one that is there is used");
        }
        Err(why) => return Err(format!("`{requirement}` cannot be installed into {}: {why}", folder.display())),
    }
    Ok(python)
}

fn make_venv(folder: &Path) -> Result<(), String> {
    let make = || run::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
    make().or_else(|_| install(&PYTHON_VENV).and_then(|()| make()))
}

fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    // where an administrator's programs are, which a user's path may lack
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.into_iter().any(|folder| folder.join(program).is_file())
}

fn install(tool: &Tool) -> Result<(), String> {
    println!("installs {} for `{}`: {}", tool.package, tool.program, tool.why);
    let advice = |why: &str| format!("`{}` is missing ({}): install {}; {why}", tool.program, tool.why, tool.package);
    if !is_installed("apt-get") {
        return Err(advice("this system has no apt-get"));
    }
    update_once().as_ref().map_err(|why| advice(why))?;
    run::run(&mut apt_get(&["install", "-y", "--no-install-recommends", tool.package])).map_err(|why| advice(&why))
}

/// The package lists are fetched at most once a run.
fn update_once() -> &'static Result<(), String> {
    static UPDATED: OnceLock<Result<(), String>> = OnceLock::new();
    UPDATED.get_or_init(|| run::run(&mut apt_get(&["update", "-qq"])))
}

/// As root directly, else through `sudo`, which must not ask for a password.
fn apt_get(arguments: &[&str]) -> Command {
    let is_root = run::output_of(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let mut command = Command::new(if is_root { "env" } else { "sudo" });
    if !is_root {
        command.args(["-n", "env"]);
    }
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(arguments);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_its_whole_name() {
        assert!(is_installed("sh"));
        assert!(!is_installed("sh-of-nobody"));
    }

    #[test]
    fn what_is_there_is_not_installed() {
        let shell = Tool { program: "sh", package: "no-such-package", why: "a test" };
        assert_eq!(need(&shell), Ok(()));
    }
}
