//! Steps `traces` and `jaeger`: the real binary sends a trace to a real store of traces, and `ci/e2e/read_back.py` reads it
//! back there. Phoenix is installed; a Jaeger must be brought along. What is checked is written there.

use crate::{cargo::cargo, e2e, house::House, run, score::Score, tools};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Runs the step `traces`.
pub(crate) fn phoenix(house: &House, score: &mut Score) {
    let python = tools::venv(house, "venv-phoenix", PHOENIX, "a store of traces that can be asked for them");
    read_back("traces", "--phoenix", python, house, score);
}

/// Runs the step `jaeger` with the binary at this path.
pub(crate) fn jaeger(binary: &Path, house: &House, score: &mut Score) {
    read_back("jaeger", "--jaeger", found(binary), house, score);
}

/// As a whole path, because the program is started in a folder of its own.
fn found(binary: &Path) -> Result<PathBuf, String> {
    let whole = std::path::absolute(binary).map_err(|error| format!("{}: {error}", binary.display()))?;
    if whole.is_file() { Ok(whole) } else { Err(format!("{} is no file: name a Jaeger v2 binary", whole.display())) }
}

fn read_back(name: &str, option: &str, program: Result<PathBuf, String>, house: &House, score: &mut Score) {
    let ready = program.and_then(|program| tools::need(&tools::PYTHON).map(|()| program));
    let program = match ready {
        Ok(program) => program,
        Err(why) => return score.fail(name, &why),
    };
    if let Err(why) = run::run(&mut cargo(house, &["build", "--release"])) {
        score.fail("the release build", &why);
        return score.give_up_building();
    }
    let mut driver = Command::new("python3");
    driver.arg(house.path("ci/e2e/read_back.py")).arg("--binary").arg(house.target().join("release/mcp"));
    driver.arg(option).arg(program);
    e2e::drive(name, &mut driver, score);
}

const PHOENIX: &str = "arize-phoenix==20.26.1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jaeger_that_is_not_there_is_told_before_anything_is_built() {
        assert!(found(Path::new("no/such/jaeger")).unwrap_err().contains("no/such/jaeger is no file"));
        assert!(found(Path::new("Cargo.toml")).is_ok_and(|whole| whole.is_absolute()));
    }
}
