//! Rule: who may know whom. Arrows between the workspace's packages, for the program and for tests alike; packages from
//! elsewhere are the business of the rule `only_in`.

use super::{
    Violation,
    graph::{Dependency, Graph},
};

/// Arrows that are not allowed, machinery that is not optional, and packages that the table does not know.
pub(crate) fn violations(graph: &Graph) -> Vec<Violation> {
    let mut found = Vec::new();
    for package in &graph.ours {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == package.name) else {
            found.push(format!("{}: is not in the table of ci/src/tidy/edges.rs", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| is_ours(graph, &dependency.name)) {
            if !allowed.contains(&dependency.name.as_str()) {
                found.push(format!("{} -> {}: not allowed", package.name, dependency.name));
            } else if MACHINERY.contains(&dependency.name.as_str()) && !is_behind_a_feature(dependency) {
                found.push(format!("{} -> {}: must be optional", package.name, dependency.name));
            }
        }
    }
    found
}

fn is_ours(graph: &Graph, name: &str) -> bool {
    graph.ours.iter().any(|package| package.name == name)
}

fn is_behind_a_feature(dependency: &Dependency) -> bool {
    dependency.optional && dependency.normal
}

const MACHINERY: [&str; 3] = ["sidelight-metrics", "sidelight-tracing", "sidelight-profiling"];

const ALLOWED: [(&str, &[&str]); 11] = [
    ("mcp", &["documents", "embeddings", "sidelight", "sidelight-rmcp", "sidelight-admin"]),
    ("documents", &["embeddings", "sidelight"]),
    ("embeddings", &["sidelight"]),
    ("sidelight-rmcp", &["sidelight"]),
    ("sidelight-admin", &["sidelight"]),
    ("sidelight", &MACHINERY),
    ("sidelight-metrics", &[]),
    ("sidelight-tracing", &[]),
    ("sidelight-profiling", &[]),
    ("ci", &[]),
    ("workspace-hack", &[]),
];

#[cfg(test)]
mod tests {
    use super::{super::graph::Package, *};

    fn of(packages: Vec<Package>) -> Vec<Violation> {
        violations(&Graph { ours: packages, others: Vec::new() })
    }

    #[test]
    fn an_arrow_upwards_is_found() {
        let found = of(vec![Package::of("documents", &["sidelight", "mcp"]), Package::of("mcp", &[])]);
        assert_eq!(found, ["documents -> mcp: not allowed"]);
    }

    #[test]
    fn machinery_must_be_optional() {
        let found = of(vec![Package::of("sidelight", &["sidelight-metrics"]), Package::of("sidelight-metrics", &[])]);
        assert_eq!(found, ["sidelight -> sidelight-metrics: must be optional"]);
    }

    #[test]
    fn a_new_package_must_be_given_its_place() {
        assert!(of(vec![Package::of("attic", &[])])[0].contains("attic"));
    }
}
