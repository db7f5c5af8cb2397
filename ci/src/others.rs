//! What well-kept tools judge better than rules of ours: spelling (typos), and the workflow (zizmor). Each comes as a wheel that
//! holds a binary, so nothing is compiled for it.

use crate::{house::House, run, score::Score, tools};
use std::process::Command;

/// Runs them.
pub(crate) fn run(house: &House, score: &mut Score) {
    score.check("spelling", judge(house, "typos", &["--config", "ci/typos.toml", "--format", "brief", "."]));
    score.check("the workflow", judge(house, "zizmor", &["--offline", "--quiet", ".github/workflows"]));
}

fn judge(house: &House, tool: &str, arguments: &[&str]) -> Result<(), String> {
    let python = tools::venv(house, &format!("venv-{tool}"), &format!("{tool}>=1,<2"), "it judges what is written")?;
    let binary = python.with_file_name(tool);
    run::run(Command::new(binary).current_dir(house.root()).args(arguments))
}
