//! Documents as resources: listed, read, completed.

use crate::{running::Server, wire::ask};
use serde_json::{Value, json};

fn result(server: &Server, method: &str, params: Value) -> Value {
    let message = ask(server.mcp, method, params, "").message();
    assert!(message["error"].is_null(), "{message}");
    message["result"].clone()
}

fn refusal(server: &Server, method: &str, params: Value) -> Value {
    ask(server.mcp, method, params, "").message()["error"].clone()
}

/// `resources/read` names its resource in a header as well.
fn read(server: &Server, uri: &str) -> Value {
    let header = format!("mcp-name: {uri}\r\n");
    ask(server.mcp, "resources/read", json!({ "uri": uri }), &header).message()
}

#[test]
fn every_document_is_a_resource_that_can_be_read() {
    let server = Server::start();
    let listed = result(&server, "resources/list", json!({}));
    let resources = listed["resources"].as_array().unwrap();
    let uris: Vec<&str> = resources.iter().map(|resource| resource["uri"].as_str().unwrap()).collect();
    assert!(
        uris.contains(&"docs://documents/borrowing.md") && uris.contains(&"docs://sidelight/README.md"),
        "{uris:?}"
    );
    assert_eq!((&listed["cacheScope"], &listed["nextCursor"]), (&json!("public"), &Value::Null));
    for uri in uris {
        let contents = read(&server, uri)["result"]["contents"][0].clone();
        assert_eq!(contents["uri"], uri);
        assert!(!contents["text"].as_str().unwrap().is_empty(), "{uri}");
    }
}

#[test]
fn a_list_goes_on_behind_its_cursor() {
    let server = Server::start();
    let all = result(&server, "resources/list", json!({}));
    let second = all["resources"][1]["uri"].as_str().unwrap();
    let rest = result(&server, "resources/list", json!({ "cursor": second }));
    assert_eq!(rest["resources"][0], all["resources"][2]);
    assert_eq!(refusal(&server, "resources/list", json!({ "cursor": "page 2" }))["code"], -32602);
}

#[test]
fn what_is_no_resource_is_refused() {
    let server = Server::start();
    for uri in ["docs://documents/none.md", "docs://documents/../notes.txt", "file:///etc/passwd", "documents"] {
        let error = read(&server, uri)["error"].clone();
        assert_eq!(error["code"], -32602, "{uri}: {error}");
        assert!(error["message"].as_str().unwrap().contains("resources/list"), "{error}");
    }
}

#[test]
fn sources_and_paths_are_completed() {
    let server = Server::start();
    let template = result(&server, "resources/templates/list", json!({}))["resourceTemplates"][0].clone();
    let complete = |argument: Value, context: Value| {
        let reference = json!({ "type": "ref/resource", "uri": template["uriTemplate"] });
        let params = json!({ "ref": reference, "argument": argument, "context": context });
        result(&server, "completion/complete", params)["completion"]["values"].clone()
    };
    assert_eq!(complete(json!({ "name": "source", "value": "d" }), json!({})), json!(["documents"]));
    let in_documents = json!({ "arguments": { "source": "documents" } });
    let paths = complete(json!({ "name": "path", "value": "b" }), in_documents);
    assert_eq!(paths, json!(["borrowing.md"]));
    assert_eq!(complete(json!({ "name": "path", "value": "b" }), json!({})), json!([]), "of which source?");
}

#[test]
fn what_cannot_be_completed_says_what_can() {
    let server = Server::start();
    let reference = json!({ "type": "ref/resource", "uri": "docs://{source}/{+path}" });
    let wrong = json!({ "ref": reference, "argument": { "name": "colour", "value": "" } });
    assert!(refusal(&server, "completion/complete", wrong)["message"].as_str().unwrap().contains("source and path"));
    let prompt = json!({ "ref": { "type": "ref/prompt", "name": "x" }, "argument": { "name": "y", "value": "" } });
    assert_eq!(refusal(&server, "completion/complete", prompt)["code"], -32602);
}
