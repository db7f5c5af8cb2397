//! Step `check`: format, spelling, lints of the on builds and of the off builds, tests with everything on, documentation. Does not
//! run the tests of the other feature sets: that is step `features`.

use crate::{
    cargo::{FEATURES, cargo},
    counts::Counts,
    house::House,
    others, run,
    score::Score,
    suite::{SAME_DEPENDENCIES, Suite},
    unified,
};

/// Runs the step.
pub(crate) fn run(house: &House, score: &mut Score) {
    score.check("fmt", run::run(&mut cargo(house, &["fmt", "--all", "--check"])));
    score.check("each dependency is compiled once for all suites", unified::check(house));
    others::run(house, score);
    for (name, packages) in builds() {
        score.check(&name, clippy(house, &packages));
    }
    let counts = Counts::load(house).unwrap_or_else(|why| {
        score.fail("ci/test-counts.toml", &why);
        Counts::default()
    });
    if !Suite::workspace().run(house, &counts, score) {
        return score.give_up_building();
    }
    Suite::ci().run(house, &counts, score);
    score.check("loom: those who hold an arena, in every order", model(house));
    let mut doc = cargo(house, &["doc", "--workspace", "--all-features", "--no-deps"]);
    score.check("doc", run::run(doc.env("RUSTDOCFLAGS", "-Dwarnings")));
}

/// A workspace of its own, beside the product's output: there the arena's locks are the model checker's.
fn model(house: &House) -> Result<(), String> {
    let mut command = cargo(house, &["test", "--quiet", "--release"]);
    run::run(command.current_dir(house.path("ci/loom")).env("CARGO_TARGET_DIR", house.target().join("loom")))
}

fn clippy(house: &House, packages: &[String]) -> Result<(), String> {
    let mut arguments: Vec<String> = vec!["clippy".to_owned()];
    arguments.extend_from_slice(packages);
    if !packages.iter().any(|word| word == "--test") {
        arguments.push("--all-targets".to_owned());
    }
    arguments.extend(["--", "-D", "warnings", "-W", "clippy::pedantic"].map(str::to_owned));
    run::run(&mut cargo(house, &arguments))
}

/// The builds that are linted: everything on, everything off, and each feature of the facade alone. The off builds are
/// asked for per package, because Cargo unifies features.
fn builds() -> Vec<(String, Vec<String>)> {
    let with_same = format!("-p {SAME_DEPENDENCIES} --all-features");
    let mut builds = vec![
        ("clippy: all features".to_owned(), words("--workspace --exclude ci --all-features")),
        ("clippy: ci".to_owned(), words("-p ci")),
        ("clippy: mcp, tests that need more".to_owned(), words(&format!("-p mcp --test replicas {with_same}"))),
        (
            "clippy: documents, tests that need more".to_owned(),
            words(&format!("-p documents --test judged --test large --test postgres {with_same}")),
        ),
    ];
    // without others beside them: what a package does not ask for itself, it does not get
    for package in ["mcp", "sidelight", "sidelight-admin"] {
        builds.push((format!("clippy: {package} off"), words(&format!("-p {package} --no-default-features"))));
    }
    for feature in FEATURES {
        let arguments = words(&format!("-p sidelight --no-default-features --features {feature}"));
        builds.push((format!("clippy: sidelight with {feature} alone"), arguments));
    }
    builds
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_builds_and_off_builds_are_linted() {
        let builds = builds();
        assert_eq!(builds.len(), 2 + 2 + 3 + FEATURES.len());
        assert!(builds.iter().any(|(_, words)| words.join(" ") == "-p mcp --no-default-features"));
    }
}
