//! Step `bench`: our metrics beside those of the field, as tables in Markdown. What was aimed at and not reached is shown and
//! fails nothing: a machine that others use is no judge. Pins no version: the workspace in `ci/bench` has its own lock file.

use crate::{cargo::cargo, house::House, run, score::Score};
use std::process::Command;

/// Which tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tables {
    /// Times, allocations, memory.
    Metrics,
    /// The same, and what recording is in instructions; needs valgrind.
    Instructions,
}

impl Tables {
    /// The tables of a word on the command line.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        [Self::Metrics, Self::Instructions].into_iter().find(|tables| tables.word() == word)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Instructions => "instructions",
        }
    }
}

/// Runs the step.
pub(crate) fn run(tables: Tables, house: &House, score: &mut Score) {
    score.check(&format!("bench {}", tables.word()), measure(tables, house));
}

/// Builds beside the product's own output, which knows nothing of the other libraries. Not `--locked`: when a crate of ours
/// gets a dependency, the lock file in there follows.
fn measure(tables: Tables, house: &House) -> Result<(), String> {
    let target = house.target().join("bench-build");
    let build = ["build", "--quiet", "--release", "--manifest-path", "ci/bench/Cargo.toml"];
    run::run(cargo(house, &build).env("CARGO_TARGET_DIR", &target))?;
    run::run(Command::new(target.join("release/bench")).arg(tables.word()))
}
