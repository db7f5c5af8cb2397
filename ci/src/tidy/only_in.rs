//! Rule: a library that a feature or a protocol stands on is named by its own crate only. Looks at what manifests name, not
//! at what those libraries bring along, nor at what only tests and examples need.

use super::{Violation, graph::Graph};

/// Manifest lines that name a library outside its crate.
pub(crate) fn violations(graph: &Graph) -> Vec<Violation> {
    let mut found = Vec::new();
    for package in graph.ours.iter().filter(|package| package.name != LINKED_INTO_NOTHING) {
        for dependency in package.dependencies.iter().filter(|dependency| dependency.normal) {
            let homes = HOMES.iter().find(|(pattern, _)| matches(pattern, &dependency.name));
            if let Some((_, homes)) = homes
                && !homes.contains(&package.name.as_str())
            {
                found.push(format!("{} -> {}: only in {}", package.name, dependency.name, homes.join(", ")));
            }
        }
    }
    found
}

/// A name, or a beginning that ends with `*`.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

/// It names what the others' tests need, and nobody names it.
const LINKED_INTO_NOTHING: &str = "workspace-hack";

const HOMES: [(&str, &[&str]); 10] = [
    ("poem*", &["sidelight-admin"]),
    ("metrics*", &["sidelight-metrics"]),
    ("tracing", &["sidelight-tracing"]),
    ("tracing-*", &["sidelight-tracing"]),
    ("opentelemetry*", &["sidelight-tracing"]),
    ("pprof", &["sidelight-profiling"]),
    ("tikv-*", &["sidelight-profiling"]),
    ("jemalloc_pprof", &["sidelight-profiling"]),
    ("rmcp", &["sidelight-rmcp", "mcp"]),
    ("rmcp-*", &[]),
];

#[cfg(test)]
mod tests {
    use super::{super::graph::Package, *};

    fn of(package: &str, dependency: &str) -> Vec<Violation> {
        violations(&Graph { ours: vec![Package::of(package, &[dependency])], others: Vec::new() })
    }

    #[test]
    fn a_library_in_its_own_crate_is_silent() {
        assert!(of("sidelight-admin", "poem").is_empty() && of("sidelight-metrics", "metrics-util").is_empty());
        assert!(of("mcp", "rmcp").is_empty() && of("documents", "sqlx").is_empty());
    }

    #[test]
    fn a_library_elsewhere_is_found() {
        for (package, dependency) in [
            ("mcp", "poem"),
            ("documents", "tracing"),
            ("sidelight", "metrics"),
            ("sidelight-metrics", "opentelemetry_sdk"),
            ("mcp", "tikv-jemallocator"),
            ("documents", "rmcp"),
        ] {
            assert_eq!(of(package, dependency).len(), 1, "{package} -> {dependency}");
        }
    }
}
