//! Rule: nobody but `mcp` switches a feature of `sidelight` on, not even for tests: Cargo would switch it on for everybody.
//! And the facade has none on by itself.

use super::{
    Violation,
    graph::{Graph, Package},
};

/// Manifest lines and features that switch one on.
pub(crate) fn violations(graph: &Graph) -> Vec<Violation> {
    let mut found = Vec::new();
    for package in &graph.ours {
        if package.name == "sidelight" && package.features.get("default").is_some_and(|on| !on.is_empty()) {
            found.push("sidelight: has features that are on by default".to_owned());
        }
        if package.name != "mcp" {
            found.extend(switched_on(package).iter().map(|what| format!("{}: {what}", package.name)));
        }
    }
    found
}

fn switched_on(package: &Package) -> Vec<String> {
    let lines = package.dependencies.iter().filter(|dependency| dependency.name == "sidelight");
    let by_line = lines.flat_map(|line| line.features.iter()).map(|feature| format!("sidelight with `{feature}`"));
    let brought = package.features.iter().flat_map(|(name, brings)| brings.iter().map(move |what| (name, what)));
    let by_feature = brought
        .filter(|(_, what)| what.starts_with("sidelight/") || what.starts_with("sidelight?/"))
        .map(|(name, what)| format!("feature `{name}` brings `{what}`"));
    by_line.chain(by_feature).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(package: Package) -> Vec<Violation> {
        violations(&Graph { ours: vec![package], others: Vec::new() })
    }

    #[test]
    fn a_dependency_line_with_a_feature_is_found() {
        let mut package = Package::of("documents", &["sidelight"]);
        package.dependencies[0].features = vec!["metrics".to_owned()];
        package.dependencies[0].normal = false;
        assert_eq!(of(package), ["documents: sidelight with `metrics`"]);
    }

    #[test]
    fn a_feature_that_brings_one_is_found_but_not_in_mcp() {
        for (name, violations) in [("documents", 1), ("mcp", 0)] {
            let mut package = Package::of(name, &["sidelight"]);
            package.features.insert("seen".to_owned(), vec!["sidelight/tracing".to_owned()]);
            assert_eq!(of(package).len(), violations, "{name}");
        }
    }

    #[test]
    fn the_facade_itself_is_off() {
        let mut package = Package::of("sidelight", &[]);
        package.features.insert("default".to_owned(), vec!["metrics".to_owned()]);
        assert_eq!(of(package).len(), 1);
    }
}
