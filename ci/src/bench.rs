//! Step `bench`: ours beside what the field has, as tables in Markdown. What was aimed at and not reached is shown and fails
//! nothing: a machine that others use is no judge. Only a control that should have missed its aim and did not is a failure.
//! Pins no version: the workspace in `ci/bench` has its own lock file.

use crate::{cargo::cargo, house::House, run, score::Score};
use std::{path::PathBuf, process::Command};

/// Which tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tables {
    /// Metrics: times, allocations, memory.
    Metrics,
    /// The same, and what recording is in instructions; needs valgrind.
    Instructions,
    /// A traced request with its log lines: CPU time, allocations.
    Tracing,
    /// The same, and what it is in instructions; needs valgrind.
    TracingInstructions,
}

impl Tables {
    /// The tables of a word on the command line.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        [Self::Metrics, Self::Instructions, Self::Tracing, Self::TracingInstructions]
            .into_iter()
            .find(|tables| tables.word() == word)
    }

    /// The feature that is measured, without the others.
    fn feature(self) -> &'static str {
        match self {
            Self::Metrics | Self::Instructions => "metrics",
            Self::Tracing | Self::TracingInstructions => "tracing",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Instructions => "instructions",
            Self::Tracing => "tracing",
            Self::TracingInstructions => "tracing-instructions",
        }
    }
}

/// Runs the step.
pub(crate) fn run(tables: Tables, house: &House, score: &mut Score) {
    score.check("bench: its own lints and tests", check(house));
    score.check(&format!("bench {}", tables.word()), measure(tables, house));
}

/// What is measured with is judged as everything else is; no other step sees this workspace.
fn check(house: &House) -> Result<(), String> {
    let lints = ["clippy", "--quiet", "--release", "--all-targets", "--", "-D", "warnings", "-W", "clippy::pedantic"];
    let tests = ["test", "--quiet", "--release"];
    for arguments in [lints.as_slice(), &tests] {
        let mut command = cargo(house, arguments);
        run::run(command.current_dir(house.path("ci/bench")).env("CARGO_TARGET_DIR", target(house)))?;
    }
    Ok(())
}

/// Beside the product's own output, which knows nothing of the other libraries.
fn target(house: &House) -> PathBuf {
    house.target().join("bench-build")
}

/// Not `--locked`: when a crate of ours gets a dependency, the lock file in there follows.
fn measure(tables: Tables, house: &House) -> Result<(), String> {
    let only = ["--no-default-features", "--features", tables.feature()];
    let build = ["build", "--quiet", "--release", "--manifest-path", "ci/bench/Cargo.toml"];
    let build = [build.as_slice(), &only].concat();
    run::run(cargo(house, &build).env("CARGO_TARGET_DIR", target(house)))?;
    run::run(Command::new(target(house).join("release/bench")).arg(tables.word()))
}
