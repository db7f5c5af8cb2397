//! Step `e2e`: builds the real binary and lets `ci/e2e/drive.py` drive it with the official Python clients, scrape it
//! with the real Prometheus and collect its traces with a real collector. What is checked is written there; here is only
//! what it needs.

use crate::{cargo::cargo, house::House, run, score::Score, suite::Suite, tools};
use std::process::Command;

/// Runs the step.
pub(crate) fn run(house: &House, score: &mut Score) {
    run_acts(house, score, &[]);
}

/// Runs what takes longer: all clients of other families, and crowds of thousands.
pub(crate) fn run_long(house: &House, score: &mut Score) {
    for act in ["families", "crowd"] {
        run_acts(house, score, &["--long", "--only", act]);
    }
}

fn run_acts(house: &House, score: &mut Score, arguments: &[&str]) {
    let everything = Suite::of_all_feature_sets().pop().expect("there are eight sets");
    // as the suites have built it already: what it is there for does not depend on it
    let example = [&["build", "--example", "work"].map(str::to_owned)[..], everything.arguments()].concat();
    for build in [vec!["build".to_owned(), "--release".to_owned()], example] {
        if let Err(why) = run::run(&mut cargo(house, &build)) {
            score.fail("the build", &why);
            return score.give_up_building();
        }
    }
    score.pass("the program is built");
    match driver(house) {
        Ok(mut driver) => drive("e2e", driver.args(arguments), score),
        Err(why) => score.fail("e2e", &why),
    }
}

fn driver(house: &House) -> Result<Command, String> {
    let of_metrics = [&tools::GO, &tools::PROMETHEUS, &tools::VICTORIA_METRICS];
    let of_clients = [&tools::JAVA, &tools::MAVEN, &tools::NGINX, &tools::HAPROXY];
    for tool in of_metrics.into_iter().chain(of_clients) {
        tools::need(tool)?;
    }
    let newest = tools::venv(house, "venv-2", "mcp>=2,<3", "the client that speaks 2026-07-28")?;
    let older = tools::venv(house, "venv-1", "mcp>=1,<2", "the client that speaks 2025-11-25, with a session")?;
    let parsers =
        tools::venv(house, "venv-prometheus", "prometheus-client", "the official parsers of our metrics page")?;
    let collector = tools::venv(house, "venv-rotel", ROTEL, "a real collector of traces")?;
    let mut driver = Command::new("python3");
    driver.arg(house.path("ci/e2e/drive.py"));
    driver.arg("--binary").arg(house.target().join("release/mcp"));
    driver.arg("--python-2").arg(newest).arg("--python-1").arg(older).arg("--python-prometheus").arg(parsers);
    driver.arg("--python-rotel").arg(collector).arg("--work").arg(house.target().join("debug/examples/work"));
    driver.arg("--families").arg(house.scratch().join("families"));
    Ok(driver)
}

/// All that there is are pre-releases, which are only installed by their whole name.
const ROTEL: &str = "rotel==0.0.1a15";

/// Runs a driver. Its last line holds its counts; one that ends without them has failed itself.
pub(crate) fn drive(name: &str, driver: &mut Command, score: &mut Score) {
    driver.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUNBUFFERED", "1");
    let mut last = None;
    let end = run::run_reading(driver, |line| {
        if let Some(check) = line.strip_prefix("ok ").or_else(|| line.strip_prefix("FAILED ")) {
            score.lap(&format!("{name}: {check}"));
        }
        last = counts(line).or(last);
    });
    match (last, end) {
        (Some((passed, failed)), end) => {
            score.add(name, passed, failed);
            if let Err(why) = end
                && failed == 0
            {
                score.fail(name, &why);
            }
        }
        (None, end) => score.fail(name, &end.err().unwrap_or_else(|| "the driver counted nothing".to_owned())),
    }
}

/// `N passed, N failed`.
fn counts(line: &str) -> Option<(usize, usize)> {
    let (passed, failed) = line.strip_suffix(" failed")?.split_once(" passed, ")?;
    Some((passed.parse().ok()?, failed.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drivers_last_line_is_read() {
        assert_eq!(counts("31 passed, 2 failed"), Some((31, 2)));
        assert_eq!(counts("ok 31 passed, 2 failed"), None);
    }
}
