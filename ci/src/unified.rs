//! Whether every suite asks for the same features of each dependency: else Cargo compiles it, and all that stands on it, once
//! more. Reads what `cargo tree` prints; compiles nothing.

use crate::{
    cargo::cargo,
    house::House,
    run,
    suite::{SAME_DEPENDENCIES, Suite},
};
use std::collections::{BTreeMap, BTreeSet};

/// A package and its version, and with which features the suites want it.
type Wanted = BTreeMap<String, BTreeSet<String>>;

/// A sentence that names what is compiled more than once.
pub(crate) fn check(house: &House) -> Result<(), String> {
    let (mut programs, mut all) = (Wanted::new(), Wanted::new());
    for suite in [Suite::workspace()].into_iter().chain(Suite::of_all_feature_sets()) {
        // what macros and build scripts need is built apart
        read(&tree(house, &suite, "normal,dev,no-proc-macro")?, &mut programs);
        read(&tree(house, &suite, "normal,dev,build")?, &mut all);
    }
    all.retain(|package, _| !programs.contains_key(package));
    programs.append(&mut all);
    let found = differing(&programs);
    if found.is_empty() {
        return Ok(());
    }
    Err(format!("the suites differ; name the union in ci/{SAME_DEPENDENCIES}/Cargo.toml: {}", found.join("; ")))
}

fn tree(house: &House, suite: &Suite, edges: &str) -> Result<String, String> {
    let mut arguments = vec!["tree".to_owned()];
    arguments.extend_from_slice(suite.arguments());
    arguments.extend(["-e", edges, "--prefix", "none", "-f", "{p}\t{f}"].map(str::to_owned));
    run::output_of(&mut cargo(house, &arguments))
}

fn read(tree: &str, wanted: &mut Wanted) {
    for (package, features) in tree.lines().filter_map(|line| line.split_once('\t')) {
        let is_ours = package.contains(" (/");
        if !is_ours {
            let features = features.trim_end_matches(" (*)").to_owned();
            wanted.entry(package.replace(" (proc-macro)", "")).or_default().insert(features);
        }
    }
}

fn differing(wanted: &Wanted) -> Vec<String> {
    let several = wanted.iter().filter(|(_, sets)| sets.len() > 1);
    several.map(|(package, sets)| format!("{package}: {sets:?}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_with_two_sets_of_features_is_named_and_ours_are_not() {
        let mut wanted = Wanted::new();
        read("mcp v0.1.0 (/x)\tmetrics\nslab v0.4.12\tstd\nlog v0.4.33\t", &mut wanted);
        read("mcp v0.1.0 (/x)\t\nslab v0.4.12\tdefault,std\nlog v0.4.33\t (*)", &mut wanted);
        assert_eq!(differing(&wanted), [r#"slab v0.4.12: {"default,std", "std"}"#]);
    }
}
