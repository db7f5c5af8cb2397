//! Tools that a deployment declares in a file.

use crate::{
    running::{Server, refused},
    wire::{ask, call},
};
use serde_json::json;
use std::fs;

const FILE: &str = r#"
[[tool]]
name = "borrow_query"
title = "Ask about borrowing"
description = "Searches the test's documents."
source = "documents"

[[tool]]
name = "lost_query"
description = "Searches what is not there."
source = "bock"

[[tool]]
name = "switched_off"
description = "Is not offered."
enabled = false
"#;

#[test]
fn a_declared_tool_is_offered_and_searches_its_own_source() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tools.toml");
    fs::write(&file, FILE).unwrap();
    let server = Server::with(&[("TOOLS_CONFIG", file.to_str().unwrap())]);
    let listed = ask(server.mcp, "tools/list", json!({}), "").message();
    let names: Vec<_> = listed["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].clone()).collect();
    assert_eq!(names, ["borrow_query", "list_sources", "lost_query", "read_document", "search_docs"]);
    let found = call(server.mcp, "borrow_query", &json!({ "query": "metrics crate value" })).message();
    let hits = found["result"]["structuredContent"]["hits"].as_array().unwrap().clone();
    assert!(!hits.is_empty() && hits.iter().all(|hit| hit["source"] == "documents"), "{found}");
    let added = call(server.mcp, "borrow_query", &json!({ "query": "value", "source": "sidelight" })).message();
    let hits = added["result"]["structuredContent"]["hits"].as_array().unwrap().clone();
    assert!(hits.iter().all(|hit| hit["source"] == "documents"), "an argument that it does not have: {added}");
    let lost = call(server.mcp, "lost_query", &json!({ "query": "a" })).text();
    assert!(lost.contains("lost_query: no source is called") && lost.contains("documents, sidelight"), "{lost}");
    assert_eq!(call(server.mcp, "switched_off", &json!({ "query": "a" })).message()["error"]["code"], -32602);
}

#[test]
fn a_bad_file_is_refused_with_its_line_and_field() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tools.toml");
    fs::write(&file, FILE.replacen("source = ", "sauce = ", 1)).unwrap();
    let (code, said) = refused(&[], &[("TOOLS_CONFIG", file.to_str().unwrap())]);
    assert_eq!(code, Some(64), "{said}");
    assert!(["TOOLS_CONFIG", "tools.toml", "line 6", "`sauce`"].iter().all(|word| said.contains(word)), "{said}");
    let (code, said) = refused(&[], &[("TOOLS_CONFIG", "/no/such/file")]);
    assert_eq!((code, said.contains("/no/such/file")), (Some(64), true), "{said}");
}
