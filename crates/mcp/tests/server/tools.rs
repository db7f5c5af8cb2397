//! What a client gets of the tools, over HTTP.

use crate::{
    running::Server,
    wire::{ask, call},
};
use serde_json::{Value, json};

#[test]
fn the_tools_are_listed_with_their_schemas() {
    let server = Server::start();
    let message = ask(server.mcp, "tools/list", json!({}), "").message();
    let tools = message["result"]["tools"].as_array().unwrap();
    let names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["list_sources", "read_document", "search_docs"]);
    assert!(
        tools.iter().all(|tool| tool["inputSchema"]["type"] == "object" && tool["outputSchema"]["type"] == "object")
    );
}

#[test]
fn a_search_finds_the_section_and_reading_on_begins_there() {
    let server = Server::start();
    let found = call(server.mcp, "search_docs", &json!({ "query": "borrow a value mutably" })).message();
    let result = &found["result"];
    assert_eq!(result["isError"], false, "{found}");
    let hit = &result["structuredContent"]["hits"][0];
    assert_eq!(
        (&hit["id"], &hit["heading"]),
        (&json!("documents/borrowing.md"), &json!("Borrowing > Mutable references"))
    );
    assert!(hit["snippet"].as_str().unwrap().contains("&mut"), "{hit}");
    assert!(result["content"][0]["text"].as_str().unwrap().starts_with("1. Borrowing > Mutable references"), "{found}");
    let arguments = json!({ "id": hit["id"], "offset": hit["offset"] });
    let read = call(server.mcp, "read_document", &arguments).message();
    let page = &read["result"]["structuredContent"];
    assert!(page["text"].as_str().unwrap().starts_with("To change a borrowed value"), "{page}");
    assert_eq!(page["next_offset"], Value::Null, "a short document is read to its end");
}

#[test]
fn a_search_keeps_to_its_source_and_its_limit() {
    let server = Server::start();
    let hits = |arguments: &Value| {
        let message = call(server.mcp, "search_docs", arguments).message();
        message["result"]["structuredContent"]["hits"].as_array().unwrap().clone()
    };
    assert_eq!(hits(&json!({ "query": "value crate token", "limit": 1 })).len(), 1);
    let own = hits(&json!({ "query": "value crate token metrics", "source": "sidelight" }));
    assert!(!own.is_empty() && own.iter().all(|hit| hit["source"] == "sidelight"));
}

#[test]
fn sources_are_listed_with_what_they_hold() {
    let server = Server::start();
    let message = call(server.mcp, "list_sources", &json!({})).message();
    let sources = message["result"]["structuredContent"]["sources"].as_array().unwrap().clone();
    let count = |name| sources.iter().find(|source| source["name"] == name).map(|source| source["documents"].clone());
    assert_eq!((count("documents"), count("sidelight")), (Some(json!(3)), Some(json!(4))));
}

#[test]
fn what_a_tool_cannot_do_is_a_result_that_says_what_is_allowed() {
    let server = Server::start();
    for (name, arguments, words) in [
        ("search_docs", json!({ "query": "a", "limit": "many" }), "`limit`: invalid type"),
        ("search_docs", json!({ "query": "a", "limit": 51 }), "from 1 to 50, and is 51"),
        ("search_docs", json!({ "query": " " }), "1 to 4000 characters"),
        ("search_docs", json!({}), "missing field `query`"),
        ("search_docs", json!({ "query": "a", "source": "bock" }), "there are: documents, sidelight"),
        ("read_document", json!({ "id": "documents/none.md" }), "no document has the id"),
        ("read_document", json!({ "id": "no slash" }), "no document has the id"),
        ("read_document", json!({ "id": "documents/notes.txt", "offset": 999 }), "behind the document's end"),
        ("read_document", json!({ "id": "documents/notes.txt", "offset": -1 }), "`offset`: invalid value"),
        ("read_document", json!({ "id": "documents/notes.txt", "ofset": 7 }), "did you mean `offset`"),
    ] {
        let message = call(server.mcp, name, &arguments).message();
        assert_eq!(message["result"]["isError"], true, "{message}");
        let text = message["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_tool_that_does_not_exist_is_a_protocol_error_that_names_those_that_do() {
    let server = Server::start();
    let message = call(server.mcp, "no_such_tool", &json!({})).message();
    assert_eq!(message["error"]["code"], -32602, "{message}");
    assert!(message["error"]["message"].as_str().unwrap().contains("list_sources, read_document, search_docs"));
}
