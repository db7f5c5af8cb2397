//! Another model than the built-in one, on a server of the test's own.

use crate::{
    running::{PATIENCE, Server, binary, has, refused, store, until},
    wire::{ask, call, serve},
};
use serde_json::{Value, json};
use std::{
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

/// Answers with vectors of three numbers, until the process ends; a question with more texts than `most` has no answer
/// for a long time, nor has one that holds "neverland", one that holds "slumber" a late one, and one that holds "nonsense" is
/// refused.
pub(crate) fn model(most: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/embeddings", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || answer(&stream, most));
        }
    });
    url
}

fn answer(stream: &TcpStream, most: usize) {
    serve(stream, |_, body| {
        let asked: Value = serde_json::from_slice(&body).unwrap();
        let texts = asked["input"].as_array().unwrap();
        if texts.len() > most || asked["input"].to_string().contains("neverland") {
            thread::sleep(PATIENCE);
        }
        if asked["input"].to_string().contains("slumber") {
            thread::sleep(Duration::from_millis(2_500)); // a request of more than two seconds is slow
        }
        if asked["input"].to_string().contains("nonsense") {
            return Some("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_owned());
        }
        let vector = |text: &str| if text.contains("mutably") { [0.0, 1.0, 0.0] } else { [1.0, 0.1, 0.0] };
        let one =
            |(index, text): (usize, &Value)| json!({ "index": index, "embedding": vector(text.as_str().unwrap()) });
        let data: Vec<Value> = texts.iter().enumerate().map(one).collect();
        let reply = json!({ "data": data, "usage": { "prompt_tokens": 1 } }).to_string();
        let length = reply.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        Some(head + &reply)
    });
}

/// What `mcp ingest` says in the end.
fn ingest(url: &str, model: &[(&str, &str)]) -> String {
    let done = binary().arg("ingest").env("DATABASE_URL", url).envs(model.iter().copied()).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8_lossy(&done.stderr).lines().last().unwrap().to_owned()
}

#[test]
fn another_model_embeds_every_document_anew_and_the_first_one_again() {
    let (_folder, store) = store();
    let url = model(usize::MAX);
    let model = [("EMBEDDINGS_URL", url.as_str()), ("EMBEDDINGS_MODEL", "small")];
    assert_eq!(ingest(&store, &model), "7 stored, 0 unchanged, 0 left out, 0 failed, 0 removed");
    assert_eq!(ingest(&store, &model), "0 stored, 7 unchanged, 0 left out, 0 failed, 0 removed");
    assert_eq!(ingest(&store, &[]), "7 stored, 0 unchanged, 0 left out, 0 failed, 0 removed");
}

#[test]
fn a_server_whose_documents_another_model_has_read_says_that_it_finds_by_words_alone() {
    let (folder, store) = store();
    let lines = folder.path().join("lines");
    let server = Server::logging_to(lines, tempfile::tempdir().unwrap(), &store, &[]);
    let says = |query: &str| {
        let message = call(server.mcp, "search_docs", &json!({ "query": query })).message();
        message["result"]["content"][0]["text"].as_str().unwrap().contains("by words alone")
    };
    assert!(!says("a mutable borrow"));
    let url = model(usize::MAX);
    let mut command = binary();
    command.arg("ingest").envs([
        ("DATABASE_URL", store.as_str()),
        ("EMBEDDINGS_URL", &url),
        ("EMBEDDINGS_MODEL", "small"),
    ]);
    let told = String::from_utf8_lossy(&command.output().unwrap().stderr).into_owned();
    assert!(told.contains("read with the model small from now on, and were with hashed-ngrams-384"), "{told}");
    assert!(says("mutable borrows"));
    if has("tracing") {
        assert!(server.line("the model has changed").contains("\"documents\":\"small\""));
    }
    assert_eq!(ingest(&store, &[]), "7 stored, 0 unchanged, 0 left out, 0 failed, 0 removed");
    assert!(!says("borrows that are mutable"));
}

#[test]
fn a_server_answers_by_words_while_another_model_embeds_and_then_by_its_vectors() {
    let url = model(usize::MAX);
    let server = Server::with(&[("EMBEDDINGS_URL", &url), ("EMBEDDINGS_MODEL", "small")]);
    let first = |query: &str| {
        let found = call(server.mcp, "search_docs", &json!({ "query": query, "source": "documents" })).message();
        assert_eq!(found["result"]["isError"], false, "{found}");
        found["result"]["structuredContent"]["hits"][0]["heading"].as_str().unwrap_or_default().to_owned()
    };
    let wanted = "Borrowing > Mutable references";
    assert_eq!(first("mutably"), wanted, "from the first moment on");
    // a word that stands nowhere, whose vector is that of the passage
    assert!(until(|| (first("xmutablyx") == wanted).then_some(())).is_some(), "once the vectors are there");
}

#[test]
fn while_documents_are_read_answers_say_that_something_may_be_missing() {
    let url = model(1); // says how long its vectors are, and embeds no document
    let server = Server::with(&[("EMBEDDINGS_URL", &url), ("EMBEDDINGS_MODEL", "small")]);
    let says = |tool, arguments: Value| {
        let message = call(server.mcp, tool, &arguments).message();
        message["result"]["content"][0]["text"].as_str().unwrap().contains("still being read")
    };
    assert!(until(|| says("list_sources", json!({})).then_some(())).is_some());
    assert!(says("read_document", json!({ "id": "documents/none.md" })));
    assert!(says("search_docs", json!({ "query": "a", "source": "none" })));
    assert_eq!(ask(server.mcp, "resources/list", json!({}), "").message()["result"]["ttlMs"], 0);
}

#[test]
fn a_model_that_is_away_or_wrong_at_a_restart_leaves_the_words() {
    let (folder, store) = store();
    let url = model(usize::MAX);
    ingest(&store, &[("EMBEDDINGS_URL", url.as_str()), ("EMBEDDINGS_MODEL", "small")]);
    let wrong = Server::start(); // which knows of no embeddings: 404
    for (at, there) in ["127.0.0.1:1".to_owned(), wrong.mcp.to_string()].into_iter().enumerate() {
        let url = format!("http://{there}/v1/embeddings");
        let away = [("EMBEDDINGS_URL", url.as_str()), ("EMBEDDINGS_MODEL", "small")];
        let lines = folder.path().join(format!("lines-{at}"));
        let server = Server::logging_to(lines, tempfile::tempdir().unwrap(), &store, &away);
        let found = call(server.mcp, "search_docs", &json!({ "query": "mutably" })).message();
        assert_eq!(found["result"]["structuredContent"]["hits"][0]["heading"], "Borrowing > Mutable references");
        if has("tracing") {
            assert!(server.line("the embedding model does not answer").contains("WARN"));
        }
    }
}

#[test]
fn a_model_that_cannot_be_used_is_refused_and_no_key_is_shown() {
    let key = ("EMBEDDINGS_API_KEY", "s3cret");
    let (code, said) = refused(&[], &[("EMBEDDINGS_URL", "http://127.0.0.1:1/v1/embeddings"), key]);
    assert_eq!((code, said.contains("EMBEDDINGS_MODEL")), (Some(64), true), "{said}");
    let (code, said) = refused(&[], &[("EMBEDDINGS_URL", "nowhere"), ("EMBEDDINGS_MODEL", "m"), key]);
    assert_eq!((code, said.contains("EMBEDDINGS_URL takes")), (Some(64), true), "{said}");
    let there = [("EMBEDDINGS_URL", "http://127.0.0.1:1/v1/embeddings"), ("EMBEDDINGS_MODEL", "m"), key];
    let (code, said) = refused(&[], &there);
    assert_eq!((code, said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains("cannot be reached") && !said.contains("s3cret"), "{said}");
}
