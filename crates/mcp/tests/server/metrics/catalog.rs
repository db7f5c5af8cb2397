//! `mcp catalog`: the table that features.md holds, and whose series are all on the page.

use crate::running::{binary, has};
use serde_json::Value;
use std::{fs, path::Path};

/// What it prints; `None` in a build that has no series, and says so.
fn catalog(format: &str) -> Option<String> {
    let printed = binary().args(["catalog", "--format", format]).output().unwrap();
    if !has("metrics") {
        let said = String::from_utf8_lossy(&printed.stderr).into_owned();
        assert_eq!((printed.status.code(), said.contains("`metrics`")), (Some(64), true), "{said}");
        return None;
    }
    assert!(printed.status.success(), "{printed:?}");
    Some(String::from_utf8(printed.stdout).unwrap())
}

#[test]
fn features_md_holds_the_table_of_a_build_with_everything() {
    let Some(table) = catalog("markdown") else { return };
    let features = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../features.md");
    let features = fs::read_to_string(features).unwrap();
    for row in table.lines() {
        assert!(features.lines().any(|line| line == row), "features.md is stale: `mcp catalog` prints\n{row}");
    }
    let rows = features.lines().filter(|line| line.starts_with("| `") && line.matches(" | ").count() >= 4).count();
    let printed = table.lines().filter(|line| line.starts_with("| `")).count();
    assert!(printed == rows || !has("profiling"), "features.md has rows that `mcp catalog` does not print");
}

#[test]
fn the_series_that_were_asked_for_by_other_names_are_marked() {
    let Some(json) = catalog("json") else { return };
    let all: Vec<Value> = serde_json::from_str(&json).unwrap();
    for asked in [
        "query_latency_histogram",
        "embedding_generation_time_histogram",
        "cache_hit_rate_counter",
        "active_connections_gauge",
        "request_counter",
    ] {
        assert_eq!(all.iter().filter(|it| it["asked_for"] == asked).count(), 1, "{asked}");
    }
    assert!(all.iter().all(|it| it["help"].as_str().is_some_and(|help| !help.is_empty())));
}

#[test]
fn a_form_that_does_not_exist_is_refused() {
    let refused = binary().args(["catalog", "--format", "yaml"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!((refused.status.code(), said.contains("markdown, json")), (Some(64), true), "{said}");
}
