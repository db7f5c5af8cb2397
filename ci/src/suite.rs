//! One `cargo test` with a name under which its least number of tests is kept. Does not choose the suites of a step.

use crate::{
    cargo::{cargo, feature_sets},
    counts::Counts,
    house::House,
    libtest::Results,
    run,
    score::Score,
};
use std::thread;

/// One invocation of `cargo test`.
pub(crate) struct Suite {
    /// The key in `ci/test-counts.toml`, such as `mcp [metrics,tracing]`.
    pub name: String,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Suite {
    /// Every package but `ci`, with all features.
    pub(crate) fn workspace() -> Self {
        Self::new("default members [all features]", &["--workspace", "--exclude", "ci", "--all-features"])
    }

    /// The tests of this very program.
    pub(crate) fn ci() -> Self {
        Self::new("ci", &["-p", "ci"])
    }

    /// A package with exactly these features (comma separated; empty: none). Per package, because Cargo unifies the
    /// features of all packages that one invocation names.
    pub(crate) fn of_package(package: &str, features: &str) -> Self {
        let packages = ["-p", package, "-p", SAME_DEPENDENCIES, "--no-default-features"];
        let mut suite = Self::new(&format!("{package} [{features}]"), &packages);
        for feature in features.split(',').filter(|feature| !feature.is_empty()) {
            suite.arguments.extend(["--features".to_owned(), format!("{package}/{feature}")]);
        }
        suite
    }

    /// The same with a variable in the environment.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    /// The tests that need a PostgreSQL, at this address, and a pooler before it.
    pub(crate) fn of_postgres(url: &str, pooler: &str) -> [Self; 2] {
        [("documents", "postgres"), ("mcp", "replicas")].map(|(package, test)| {
            let name = format!("{package} on PostgreSQL");
            let suite = Self::new(&name, &["-p", package, "-p", SAME_DEPENDENCIES, "--all-features", "--test", test]);
            suite.with("TEST_POSTGRES_URL", url).with("TEST_POOLER_URL", pooler)
        })
    }

    /// The suites of the step `features`.
    pub(crate) fn of_all_feature_sets() -> Vec<Self> {
        let packages = ["sidelight", "mcp"];
        packages
            .iter()
            .flat_map(|package| feature_sets().into_iter().map(|set| Self::of_package(package, &set)))
            .collect()
    }

    /// What `cargo` is told beside its command.
    pub(crate) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// Every suite whose count is kept.
    pub(crate) fn counted() -> Vec<Self> {
        [Self::workspace(), Self::ci()].into_iter().chain(Self::of_all_feature_sets()).collect()
    }

    /// Runs it, counts it, and holds it to its least number of tests. Says whether it could be built.
    pub(crate) fn run(&self, house: &House, counts: &Counts, score: &mut Score) -> bool {
        let results = self.run_unguarded(house, score);
        let built = results.targets > 0;
        if built {
            score.check(&format!("{}: enough tests ran", self.name), counts.judge(&self.name, results.passed));
        }
        built
    }

    /// Runs it and counts it, however few its tests are.
    pub(crate) fn run_unguarded(&self, house: &House, score: &mut Score) -> Results {
        let mut results = Results::default();
        let mut arguments = vec!["test".to_owned(), "--no-fail-fast".to_owned()];
        arguments.extend_from_slice(&self.arguments);
        let mut command = cargo(house, &arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.env("RUST_TEST_THREADS", tests_at_once().to_string());
        let end = run::run_reading(&mut command, |line| results.read(line));
        score.add(&self.name, results.passed, results.failed);
        if let Err(why) = end
            && results.failed == 0
        {
            score.fail(&self.name, &why);
        }
        if results.ignored > 0 {
            let why = format!("{} tests are ignored; a test runs, or it is deleted", results.ignored);
            score.fail(&format!("{}: nothing is ignored", self.name), &why);
        }
        results
    }

    fn new(name: &str, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { name: name.to_owned(), arguments, environment: Vec::new() }
    }
}

/// Beside it, every suite compiles its dependencies with the same features; so they are compiled once.
pub(crate) const SAME_DEPENDENCIES: &str = "workspace-hack";

/// Three for each processor: most tests wait for a server or a disk, and not for a processor.
fn tests_at_once() -> usize {
    3 * thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_has_a_name_of_its_own() {
        let suites = Suite::counted();
        let names: std::collections::BTreeSet<&str> = suites.iter().map(|suite| suite.name.as_str()).collect();
        assert_eq!((suites.len(), names.len()), (18, 18));
    }

    #[test]
    fn a_set_without_features_names_none() {
        let none = ["-p", "mcp", "-p", "workspace-hack", "--no-default-features"];
        assert_eq!(Suite::of_package("mcp", "").arguments, none);
        assert_eq!(Suite::of_package("mcp", "metrics").arguments[none.len()..], ["--features", "mcp/metrics"]);
    }
}
