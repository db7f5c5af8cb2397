//! What happens over time: sessions and their cap, streams at the end, progress, a start that was killed, folders that
//! change and go away.

use crate::{
    models::model,
    running::{Server, binary, has, store, until},
    wire::{Reply, ask, call, get, request},
};
use documents::{After, DocumentName, Library, Location};
use embeddings::LocalEmbedder;
use serde_json::json;
use sqlx::{Connection as _, SqliteConnection};
use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

const HEADERS: &str = "content-type: application/json\r\naccept: application/json, text/event-stream\r\n";

fn hello(mcp: SocketAddr) -> Reply {
    let hello = json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": { "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } },
    });
    request(mcp, "POST", "/mcp", HEADERS, hello.to_string().as_bytes())
}

/// The handshake of 2025-11-25; gives the session's id.
pub(crate) fn session(mcp: SocketAddr) -> String {
    let reply = hello(mcp);
    let id = reply.header("mcp-session-id").unwrap_or_else(|| panic!("{} {}", reply.status, reply.text())).to_owned();
    let done = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string();
    assert_eq!(in_session(mcp, &id, &done).status, 202);
    id
}

pub(crate) fn in_session(mcp: SocketAddr, id: &str, body: &str) -> Reply {
    let headers = format!("{HEADERS}mcp-protocol-version: 2025-11-25\r\nmcp-session-id: {id}\r\n");
    request(mcp, "POST", "/mcp", &headers, body.as_bytes())
}

pub(crate) const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

#[test]
fn a_session_is_answered_until_it_is_ended() {
    let server = Server::start();
    let id = session(server.mcp);
    assert_eq!(in_session(server.mcp, &id, LIST).status, 200);
    let headers = format!("mcp-protocol-version: 2025-11-25\r\nmcp-session-id: {id}\r\n");
    assert!(request(server.mcp, "DELETE", "/mcp", &headers, b"").status < 300);
    let gone = until(|| (in_session(server.mcp, &id, LIST).status == 404).then_some(()));
    assert!(gone.is_some());
}

#[test]
fn one_session_too_many_ends_the_one_that_was_not_used_longest_and_its_client_does_not_notice() {
    let server = Server::with(&[("MCP_MAX_SESSIONS", "2")]);
    let (first, second) = (session(server.mcp), session(server.mcp));
    assert_eq!(in_session(server.mcp, &first, LIST).status, 200, "it is used");
    let third = session(server.mcp);
    for id in [&first, &second, &third, &second] {
        assert_eq!(in_session(server.mcp, id, LIST).status, 200, "the store has it");
    }
    if has("metrics") {
        let page = get(server.admin().unwrap(), "/metrics").text();
        let of = |name: &str| page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u32>().ok());
        assert_eq!(of("mcp_active_sessions"), Some(2));
        assert_eq!(of("mcp_sessions_closed_total{reason=\"crowded\"}"), Some(3));
    }
}

#[test]
fn sessions_that_begin_all_at_once_are_never_more_than_there_may_be() {
    let server = Server::with(&[("MCP_MAX_SESSIONS", "3")]);
    let mcp = server.mcp;
    let begun: Vec<_> = (0..12).map(|_| thread::spawn(move || hello(mcp).status)).collect();
    assert!(begun.into_iter().all(|it| it.join().unwrap() == 200));
    if has("metrics") {
        let page = get(server.admin().unwrap(), "/metrics").text();
        assert!(page.lines().any(|line| line == "mcp_active_sessions 3"), "{page}");
    }
}

#[test]
fn a_stream_that_is_open_at_the_end_is_ended_with_a_reason() {
    let server = Server::start();
    let (mcp, id) = (server.mcp, session(server.mcp));
    let headers = format!("accept: text/event-stream\r\nmcp-protocol-version: 2025-11-25\r\nmcp-session-id: {id}\r\n");
    let stream = thread::spawn(move || request(mcp, "GET", "/mcp", &headers, b""));
    thread::sleep(Duration::from_millis(300));
    let (status, took) = server.end();
    assert!(status.success() && took < Duration::from_secs(10), "{status} after {took:?}");
    let said = stream.join().unwrap();
    assert_eq!(said.status, 200);
    assert!(said.text().contains(": the server ends this stream"), "{:?}", said.text());
}

#[test]
fn readiness_says_no_for_a_while_before_the_port_is_closed() {
    let server = Server::with(&[("MCP_DRAIN_NOTICE", "2")]);
    let Some(admin) = server.admin() else { return };
    until(|| (get(admin, "/readyz").status == 200).then_some(())).expect("it is ready");
    server.signal();
    until(|| (get(admin, "/readyz").status == 503).then_some(())).expect("it says no");
    assert_eq!(call(server.mcp, "list_sources", &json!({})).status, 200, "and still answers");
}

/// A call that takes 2.5 seconds, on its way.
fn slow_call(mcp: SocketAddr, words: &'static str) -> thread::JoinHandle<Reply> {
    let asked = thread::spawn(move || call(mcp, "search_docs", &json!({ "query": format!("slumber {words}") })));
    thread::sleep(Duration::from_millis(500));
    asked
}

#[test]
fn a_call_under_way_at_the_end_has_its_whole_grace_unless_it_is_said_twice() {
    let url = model(usize::MAX);
    let with = |grace| Server::with(&[("EMBEDDINGS_URL", &url), ("EMBEDDINGS_MODEL", "m"), ("MCP_DRAIN_GRACE", grace)]);
    let server = with("10");
    let asked = slow_call(server.mcp, "one");
    let (status, took) = server.end();
    assert!(status.success() && took < Duration::from_secs(9), "{status} after {took:?}: it waits for nothing else");
    assert_eq!(asked.join().unwrap().message()["result"]["isError"], false);
    let server = with("600");
    let _asked = slow_call(server.mcp, "two");
    server.signal();
    thread::sleep(Duration::from_millis(300));
    let (status, took) = server.end();
    assert!(status.success() && took < Duration::from_secs(3), "{status} after {took:?}");
}

#[test]
fn a_terminal_that_is_closed_ends_it_as_a_supervisor_does_unless_it_was_told_to_ignore_it() {
    let server = Server::wrapped(&["env", "--default-signal=HUP"]);
    assert_eq!(call(server.mcp, "list_sources", &json!({})).status, 200);
    let status = server.end_by("HUP").0;
    assert!(status.success(), "{status}");
    let mut server = Server::wrapped(&["nohup"]);
    server.signal_by("HUP");
    thread::sleep(Duration::from_millis(300));
    assert!(server.lives());
    assert_eq!(call(server.mcp, "list_sources", &json!({})).status, 200);
    assert!(server.end().0.success());
}

#[test]
fn a_terminal_that_cannot_be_written_to_is_nothing_to_end_for() {
    let (_folder, url) = store();
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let read = binary().arg("ingest").env("DATABASE_URL", &url).stderr(full()).output().unwrap();
    assert!(read.status.success(), "{read:?}");
    let refused = binary().env("MCP_PORT", "none").stderr(full()).status().unwrap();
    assert_eq!(refused.code(), Some(64));
}

#[test]
fn a_model_that_does_not_answer_holds_up_only_those_who_ask_it() {
    let url = model(usize::MAX);
    let server = Server::with(&[("EMBEDDINGS_URL", &url), ("EMBEDDINGS_MODEL", "m")]);
    let Some(()) = until(|| {
        let listed = call(server.mcp, "list_sources", &json!({})).text();
        listed.contains("documents").then_some(())
    }) else {
        panic!("it reads documents")
    };
    let mcp = server.mcp;
    let ask = move |at| {
        thread::spawn(move || call(mcp, "search_docs", &json!({ "query": format!("neverland borrow {at}") })))
    };
    let asked: Vec<_> = (0..70).map(ask).collect();
    thread::sleep(Duration::from_millis(500));
    assert_eq!(call(mcp, "list_sources", &json!({})).message()["result"]["isError"], false);
    assert_eq!(crate::wire::ask(mcp, "resources/list", json!({}), "").status, 200);
    assert!(asked.iter().filter(|it| it.is_finished()).count() < 70, "those who ask it still wait");
    for asked in asked {
        let message = asked.join().unwrap().message();
        assert_eq!(message["result"]["isError"], false, "and then words are found: {message}");
        assert!(message["result"]["content"][0]["text"].as_str().unwrap().contains("by words alone"), "{message}");
    }
}

#[test]
fn a_client_that_asks_is_told_how_far_its_search_is() {
    let server = Server::start();
    let params = json!({
        "name": "search_docs", "arguments": { "query": "borrow" }, "_meta": { "progressToken": "p-1" },
    });
    let text = ask(server.mcp, "tools/call", params, "").text();
    let told: Vec<&str> = text.lines().filter(|line| line.contains("notifications/progress")).collect();
    assert_eq!(told.len(), 2, "{text}");
    assert!(told.iter().all(|line| line.contains("\"p-1\"") && line.contains("\"total\":1")), "{text}");
}

fn ingest(url: &str, docs: Option<&Path>) -> Command {
    let mut command = binary();
    command.arg("ingest").env("DATABASE_URL", url).stdout(Stdio::null()).stderr(Stdio::null());
    match docs {
        Some(docs) => command.env("DOCS_PATH", docs),
        None => command.env_remove("DOCS_PATH"),
    };
    command
}

/// All documents of a store, and what a search in it finds.
fn contents(file: &Path) -> (Vec<DocumentName>, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let library = Library::open(&Location::File(file.into()), Arc::new(LocalEmbedder::new())).await.unwrap();
        let names = library.names(After::default(), 10_000).await.unwrap();
        let search = documents::Search { query: "word7 of document 3", limit: 20, ..documents::Search::default() };
        let hits = library.search(&search).await.unwrap().hits;
        (names, hits.into_iter().map(|hit| hit.id).collect())
    })
}

fn many_documents(folder: &Path) {
    for at in 0..300 {
        let words: Vec<String> = (0..200).map(|word| format!("word{} of document {at}.", (word * at) % 97)).collect();
        let words = words.join(" ");
        fs::write(folder.join(format!("{at}.md")), format!("# Document {at}\n\n{words}\n\n## More\n\n{words}"))
            .unwrap();
    }
}

#[test]
fn an_ingestion_that_is_killed_again_and_again_ends_with_the_same_store() {
    let folder = tempfile::tempdir().unwrap();
    let docs = folder.path().join("docs");
    fs::create_dir(&docs).unwrap();
    many_documents(&docs);
    let url = |name: &str| format!("sqlite://{}", folder.path().join(name).display());
    assert!(ingest(&url("whole.db"), Some(&docs)).status().unwrap().success());
    for kill in 0..20u64 {
        let mut child = ingest(&url("killed.db"), Some(&docs)).spawn().unwrap();
        // spread over the whole run, and different each time
        thread::sleep(Duration::from_millis(5 + (kill * 7919 + u64::from(child.id())) % 400));
        let _ = child.kill(); // it may be over
        child.wait().unwrap();
    }
    assert!(ingest(&url("killed.db"), Some(&docs)).status().unwrap().success());
    assert_eq!(contents(&folder.path().join("killed.db")), contents(&folder.path().join("whole.db")));
}

#[test]
fn a_start_without_a_folder_keeps_what_the_store_was_filled_from() {
    let folder = tempfile::tempdir().unwrap();
    let docs = folder.path().join("docs");
    fs::create_dir(&docs).unwrap();
    fs::write(docs.join("a.md"), "# A\n\nalpha").unwrap();
    let file = folder.path().join("a.db");
    let url = format!("sqlite://{}", file.display());
    assert!(ingest(&url, Some(&docs)).status().unwrap().success());
    fs::write(docs.join("b.md"), "# B\n\nbeta").unwrap();
    assert!(ingest(&url, None).status().unwrap().success(), "the folder is remembered");
    let paths: Vec<String> = contents(&file).0.into_iter().filter(|it| it.source == "docs").map(|it| it.path).collect();
    assert_eq!(paths, ["a.md", "b.md"]);
    fs::rename(&docs, folder.path().join("moved")).unwrap();
    let gone = ingest(&url, None).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(gone.status.code(), Some(1), "a folder that is gone is an error");
    let said = String::from_utf8_lossy(&gone.stderr);
    let line = said.lines().find(|line| line.contains("could not be read to their end"));
    assert_eq!(line.is_some_and(|line| line.contains(r#""correlation_id":""#)), has("tracing"), "{said}");
    assert_eq!(contents(&file).0.iter().filter(|it| it.source == "docs").count(), 2, "and nothing is lost");
}

#[test]
fn a_folder_that_replaces_another_says_how_many_documents_are_removed() {
    let (_folder, url) = store();
    let docs = tempfile::tempdir().unwrap();
    fs::write(docs.path().join("a.md"), "# A\n\nalpha").unwrap();
    let done = ingest(&url, Some(docs.path())).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(said.lines().last(), Some("1 stored, 4 unchanged, 0 left out, 0 failed, 3 removed"), "{said}");
}

#[test]
fn a_watched_folder_is_read_again_when_it_changes_and_a_server_beside_it_finds_the_change() {
    let folder = tempfile::tempdir().unwrap();
    let docs = folder.path().join("docs");
    fs::create_dir(&docs).unwrap();
    fs::write(docs.join("a.md"), "# A\n\nalpha").unwrap();
    let url = format!("sqlite://{}", folder.path().join("a.db").display());
    let mut watching = ingest(&url, Some(&docs)).arg("--watch").spawn().unwrap();
    let server = Server::with(&[("DATABASE_URL", &url), ("DOCS_PATH", docs.to_str().unwrap())]);
    let finds = |query: &str| {
        let found = call(server.mcp, "search_docs", &json!({ "query": query, "source": "docs" })).message();
        let first = found["result"]["structuredContent"]["hits"][0]["id"].as_str().map(str::to_owned);
        first.filter(|id| id == "docs/b.md")
    };
    assert!(
        until(|| call(server.mcp, "read_document", &json!({ "id": "docs/a.md" }))
            .text()
            .contains("alpha")
            .then_some(()))
        .is_some()
    );
    assert_eq!(finds("volcanoes"), None);
    fs::write(docs.join("b.md"), "# B\n\nA volcano erupts.").unwrap();
    assert!(until(|| finds("volcanoes")).is_some(), "by vectors and words, though another process has read it");
    busy(&url, || {
        fs::write(docs.join("b.md"), "# B\n\nA glacier melts.").unwrap();
        thread::sleep(Duration::from_secs(6)); // longer than the store is waited for
    });
    assert!(until(|| finds("glaciers")).is_some(), "what could not be written is written when that has passed");
    for words in ["An avalanche falls.", "A meteor shines."] {
        fs::rename(&docs, folder.path().join(words)).unwrap();
        fs::create_dir(&docs).unwrap();
        fs::write(docs.join("b.md"), format!("# B\n\n{words}")).unwrap();
        let wanted = words.split(' ').nth(1).unwrap();
        assert!(until(|| finds(wanted)).is_some(), "{wanted}: a folder that was replaced is watched, too");
    }
    assert!(Command::new("kill").args(["-TERM", &watching.id().to_string()]).status().unwrap().success());
    assert!(watching.wait().unwrap().success());
}

/// Does this while another program keeps everybody from writing to the store.
pub(crate) fn busy<T>(url: &str, meanwhile: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut other = runtime.block_on(SqliteConnection::connect(url)).unwrap();
    let mut say = |statement: &'static str| {
        runtime.block_on(async { sqlx::query(statement).execute(&mut other).await.unwrap() });
    };
    say("BEGIN IMMEDIATE");
    let output = meanwhile();
    say("ROLLBACK");
    output
}

#[test]
fn odd_files_do_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let docs = folder.path().join("docs");
    fs::create_dir(&docs).unwrap();
    fs::write(docs.join("good.md"), "# Good\n\nwords").unwrap();
    fs::write(docs.join("empty.md"), "").unwrap();
    fs::write(docs.join("binary.md"), [0u8, 159, 146, 150, 0]).unwrap();
    fs::write(docs.join("deep.html"), "<div>".repeat(50_000)).unwrap();
    let odd = format!("<body><p>x</p><pre><h1>abc{}<svg></h1><p>{}", "\u{3000}".repeat(7), "\u{5b57}".repeat(200));
    fs::write(docs.join("odd.html"), odd).unwrap();
    fs::write(docs.join("heading.md"), format!("# {}\n\n{}", "h".repeat(1_000_000), "words.\n\n".repeat(2_000)))
        .unwrap();
    let file = folder.path().join("a.db");
    let url = format!("sqlite://{}", file.display());
    assert!(ingest(&url, Some(&docs)).status().unwrap().success());
    let paths: Vec<String> = contents(&file).0.into_iter().filter(|it| it.source == "docs").map(|it| it.path).collect();
    assert_eq!(paths, ["good.md", "heading.md", "odd.html"]);
    assert!(fs::metadata(&file).unwrap().len() < 10_000_000, "a heading is not copied whole into every passage");
}
