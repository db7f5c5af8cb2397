//! The document store: every query by its name, the pool that it takes its connection from, the caches before it, and what
//! was read into it.

use super::{grows, page, value};
use crate::{
    running::{Server, store, until},
    wire::{ask, call},
};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};
use std::{fs, thread};

fn query(name: &str) -> String {
    format!(r#"db_client_operation_duration_seconds_count{{db_operation_name="{name}",db_system_name="sqlite"}}"#)
}

fn completion(server: &Server) {
    let params = json!({
        "ref": { "type": "ref/resource", "uri": "docs://{source}/{+path}" },
        "argument": { "name": "path", "value": "b" },
        "context": { "arguments": { "source": "documents" } },
    });
    assert_eq!(ask(server.mcp, "completion/complete", params, "").status, 200);
}

#[test]
fn every_question_to_the_store_is_timed_under_its_name() {
    let server = Server::start();
    let names = ["full_text", "nearest", "passages", "change", "document", "sources", "names", "paths"].map(query);
    let [full_text, nearest, passages, change, document, sources, listed, paths] = &names;
    let work = || {
        drop(call(server.mcp, "search_docs", &json!({ "query": "borrow" })));
        (0..2).for_each(|_| drop(call(server.mcp, "read_document", &json!({ "id": "documents/borrowing.md" }))));
        (0..3).for_each(|_| drop(call(server.mcp, "list_sources", &json!({}))));
        (0..4).for_each(|_| drop(ask(server.mcp, "resources/list", json!({}), "")));
        (0..5).for_each(|_| completion(&server));
    };
    let counts = [
        (&**full_text, 1.0),
        (&**nearest, 1.0),
        (&**passages, 1.0),
        (&**change, 1.0),
        (&**document, 2.0),
        (&**sources, 3.0),
        (&**listed, 4.0),
        (&**paths, 5.0),
    ];
    grows(&server, work, &counts);
}

#[test]
fn what_a_first_start_reads_is_counted_query_by_query_and_file_by_file() {
    let folder = tempfile::tempdir().unwrap();
    let docs = folder.path().join("docs");
    fs::create_dir(&docs).unwrap();
    fs::write(docs.join("a.md"), "# A\n\nwords").unwrap();
    fs::write(docs.join("b.md"), "# B\n\nwords\n\n# C\n\nmore").unwrap();
    fs::write(docs.join("empty.md"), "").unwrap();
    fs::write(docs.join("binary.md"), [0u8, 159, 146, 150, 0]).unwrap();
    let url = format!("sqlite://{}", folder.path().join("new.db").display());
    let variables = [("DATABASE_URL", url.as_str()), ("DOCS_PATH", docs.to_str().unwrap())];
    let server = Server::with(&variables);
    let Some(counts) = once_ready(&server) else { return };
    let is = |name: &str, wanted: f64| assert_is(&counts, name, wanted);
    is(r#"ingest_documents_total{source="docs",outcome="stored"}"#, 2.0);
    is(r#"ingest_documents_total{source="docs",outcome="left_out"}"#, 1.0);
    is(r#"ingest_documents_total{source="docs",outcome="failed"}"#, 1.0);
    is(r#"ingest_passages_total{source="docs"}"#, 3.0);
    is(r#"ingest_bytes_total{source="docs"}"#, 31.0);
    is(r#"ingest_duration_seconds_count{source="docs"}"#, 1.0);
    is(&query("hashes"), 2.0); // of two sources: the folder, and the project's own documents
    is(&query("retain"), 1.0);
    is(&query("remember"), 2.0); // that it begins, and that it has ended
    is(&query("store"), 2.0);
    assert!(value(&counts, &query("ping")) > 0.5 && value(&counts, &query("remembered")) > 0.5);
    drop(server);

    fs::write(docs.join("b.md"), "# B\n\nother words").unwrap();
    fs::remove_file(docs.join("a.md")).unwrap();
    fs::write(docs.join("c.md"), "# C\n\nwords").unwrap();
    let touched = store_of(&url, "UPDATE ingested SET complete = 0");
    assert_eq!(touched, 1, "it is read again");
    let server = Server::with(&variables);
    let counts = once_ready(&server).unwrap();
    let is = |name: &str, wanted: f64| assert_is(&counts, name, wanted);
    is(r#"ingest_documents_total{source="docs",outcome="stored"}"#, 2.0);
    is(&query("remove"), 1.0);
}

/// A page that was begun after the server was ready: a page reads one series after the other, and readiness is among the
/// last.
fn once_ready(server: &Server) -> Option<String> {
    page(server)?;
    until(|| page(server).filter(|page| value(page, "sidelight_ready") > 0.5)).expect("it is ready");
    page(server)
}

fn assert_is(page: &str, name: &str, wanted: f64) {
    assert!((value(page, name) - wanted).abs() < 0.5, "{name} is not {wanted}:\n{page}");
}

/// Does something to the store behind the server's back; gives how many rows it touched.
pub(crate) fn store_of(url: &str, statement: &str) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = SqliteConnection::connect(url).await.unwrap();
        sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap().rows_affected()
    })
}

#[test]
fn a_query_that_fails_is_timed_as_an_error() {
    let (_folder, url) = store();
    let server = Server::with(&[("DATABASE_URL", &url)]);
    let failed = r#"db_client_operation_duration_seconds_count{db_operation_name="full_text",db_system_name="sqlite",error_type="_OTHER"}"#;
    store_of(&url, "DROP TABLE words");
    let work = || {
        for at in 0..3 {
            let found = call(server.mcp, "search_docs", &json!({ "query": format!("borrow {at}") })).message();
            assert_eq!(found["result"]["isError"], true);
        }
    };
    grows(&server, work, &[(failed, 3.0)]);
}

#[test]
fn every_query_waits_for_a_connection_and_the_pool_says_what_it_has() {
    let server = Server::start();
    let of = |name: &str| format!(r#"db_client_connection_{name}{{db_client_connection_pool_name="documents"}}"#);
    let (waits, timeouts) = (of("wait_time_seconds_count"), of("timeouts_total"));
    let work = || (0..5).for_each(|_| drop(call(server.mcp, "list_sources", &json!({}))));
    let Some(before) = page(&server) else { return };
    assert!(before.contains(&format!("{timeouts} 0\n")), "it is there before it is needed");
    work();
    let after = until(|| page(&server).filter(|page| value(page, &waits) - value(&before, &waits) > 4.5)).unwrap();
    assert!((value(&after, &of("max")) - 8.0).abs() < 0.5 && value(&after, &of("pending_requests")).abs() < 0.5);
    let state = |state: &str| {
        let labels = format!(r#"db_client_connection_pool_name="documents",db_client_connection_state="{state}""#);
        value(&after, &format!("db_client_connection_count{{{labels}}}"))
    };
    assert!(state("idle") > 0.5 && state("used") < 1.5, "{after}");
}

#[test]
fn caches_count_lookups_entries_and_what_made_room() {
    let server = Server::start();
    let lookups = |cache: &str, result: &str| format!(r#"cache_requests_total{{cache="{cache}",result="{result}"}}"#);
    let search =
        |query: String, limit: u32| drop(call(server.mcp, "search_docs", &json!({ "query": query, "limit": limit })));
    let (miss, hit) = (lookups("query_vectors", "miss"), lookups("query_vectors", "hit"));
    let work = || {
        search("borrow".into(), 1);
        search("borrow".into(), 2); // another result of the same question
    };
    let entries = r#"cache_entries{cache="query_vectors"}"#;
    grows(&server, work, &[(&miss, 1.0), (&hit, 1.0), (entries, 1.0)]);
    let many = || {
        thread::scope(|scope| {
            for part in 0..4 {
                scope.spawn(move || (0..280).for_each(|at| search(format!("question {part} {at}"), 1)));
            }
        });
    };
    let Some(_) = page(&server) else { return };
    many();
    let of = |page: &str, name: &str| value(page, &format!(r#"{name}{{cache="search_results"}}"#));
    // more results than the cache holds, which is 1,024; it makes room a little later, while it is used
    let made_room = |page: &String| {
        let (entries, evictions) = (of(page, "cache_entries"), of(page, "cache_evictions_total"));
        let inserted = value(page, &lookups("search_results", "miss"));
        inserted > 1_121.5 && (entries + evictions - inserted).abs() < 0.5 && entries < 1_024.5
    };
    assert!(
        until(|| {
            search("borrow".into(), 1);
            page(&server).filter(made_room)
        })
        .is_some(),
        "{:?}",
        page(&server).map(|page| (of(&page, "cache_entries"), of(&page, "cache_evictions_total")))
    );
}
