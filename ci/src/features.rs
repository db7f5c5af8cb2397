//! Step `features`: the tests of all eight feature sets, per package, run and not only compiled; among them recorded
//! conversations that must replay byte for byte in every set. And the build with none depends on nothing of them.

use crate::{cargo::cargo, counts::Counts, house::House, run, score::Score, suite::Suite};

/// Runs the step.
pub(crate) fn run(house: &House, score: &mut Score) {
    let counts = Counts::load(house).unwrap_or_else(|why| {
        score.fail("ci/test-counts.toml", &why);
        Counts::default()
    });
    for suite in Suite::of_all_feature_sets() {
        suite.run(house, &counts, score);
    }
    score.check("the build without features links no machinery", off_build(house));
}

fn off_build(house: &House) -> Result<(), String> {
    let arguments = "tree -p mcp -e normal --no-default-features --prefix none --format {p}";
    let tree = run::output_of(&mut cargo(house, &arguments.split(' ').collect::<Vec<_>>()))?;
    let found = machinery(&tree);
    if found.is_empty() { Ok(()) } else { Err(format!("`cargo {arguments}` names {}", found.join(", "))) }
}

/// The packages of this tree that only a feature may bring.
fn machinery(tree: &str) -> Vec<&str> {
    let mut found: Vec<&str> =
        tree.lines().filter_map(|line| line.split(' ').next()).filter(|name| MACHINERY.contains(name)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

const MACHINERY: [&str; 15] = [
    "sidelight-metrics",
    "sidelight-tracing",
    "sidelight-profiling",
    "metrics",
    "metrics-util",
    "metrics-exporter-prometheus",
    "tracing-subscriber",
    "tracing-opentelemetry",
    "opentelemetry",
    "opentelemetry_sdk",
    "opentelemetry-proto",
    "pprof",
    "tikv-jemallocator",
    "jemalloc_pprof",
    "poem",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machinery_in_a_tree_is_named_once() {
        let tree =
            "mcp v0.1.0 (/x)\npoem v3.1.12\ntracing v0.1.44\nmetrics v0.24.6\npoem v3.1.12 (*)\npoem-derive v3.1.12";
        assert_eq!(machinery(tree), ["metrics", "poem"]);
    }

    #[test]
    fn the_tracing_crate_of_rmcp_and_sqlx_is_no_machinery_of_ours() {
        assert!(machinery("tracing v0.1.44\ntracing-core v0.1.36").is_empty());
    }
}
