//! `cargo` as a person would start it, and the eight feature sets. Chooses no step's arguments.

use crate::house::House;
use std::{env, process::Command};

/// `cargo` with these arguments, in the repository's root, without what the outer `cargo run` put into the environment
/// (build scripts watch some of it, and would run again for nothing).
pub(crate) fn cargo<S: AsRef<str>>(house: &House, arguments: &[S]) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(house.root()).args(arguments.iter().map(AsRef::as_ref));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if OUTER.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

const OUTER: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_NAME", "CARGO_BIN_NAME"];

/// Every subset of the three features, the empty one first: `""`, `"metrics"`, `"metrics,tracing"`.
pub(crate) fn feature_sets() -> Vec<String> {
    (0..1usize << FEATURES.len())
        .map(|bits| {
            let chosen: Vec<&str> =
                (0..FEATURES.len()).filter(|bit| bits >> bit & 1 == 1).map(|bit| FEATURES[bit]).collect();
            chosen.join(",")
        })
        .collect()
}

/// The features that can be left out.
pub(crate) const FEATURES: [&str; 3] = ["metrics", "tracing", "profiling"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_eight_feature_sets_and_none_is_the_first() {
        let sets = feature_sets();
        assert_eq!(sets.len(), 8);
        assert_eq!(sets[0], "");
        assert_eq!(sets[3], "metrics,tracing");
        assert_eq!(sets[7], "metrics,tracing,profiling");
    }
}
