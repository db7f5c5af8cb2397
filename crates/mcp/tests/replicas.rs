//! Several servers on one PostgreSQL, at `TEST_POSTGRES_URL`: sessions outlive a replica, and a database that goes away and
//! comes back is borne. `cargo ci store` runs this.
#![allow(clippy::unwrap_used)] // a test may stop
#![allow(dead_code)] // the modules are shared with the tests in `server`, which use more of them

#[path = "server/models.rs"]
mod models;
#[path = "server/running.rs"]
mod running;
#[path = "server/wire.rs"]
mod wire;

use running::{Server, binary, has, until};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::{
    net::SocketAddr,
    process,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    thread,
    time::Duration,
};
use wire::{Reply, ask, call, get, request};

fn server() -> String {
    std::env::var("TEST_POSTGRES_URL").expect("TEST_POSTGRES_URL names the server: run `cargo ci store`")
}

async fn say(statement: &str) {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
}

/// A database that is filled with the test's documents: its name and its URL.
async fn database() -> (String, String) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("r_{}_{}", process::id(), NEXT.fetch_add(1, Relaxed));
    say(&format!("CREATE DATABASE {name}")).await;
    let url = format!("{}/{name}", server().rsplit_once('/').unwrap().0);
    let filled = binary().arg("ingest").env("DATABASE_URL", &url).output().unwrap();
    assert!(filled.status.success(), "{filled:?}");
    (name, url)
}

/// What the server's own log says of statements from now on, on this database.
async fn statements_are_logged(database: &str) {
    say(&format!("ALTER DATABASE {database} SET log_statement = 'all'")).await;
}

async fn server_log() -> String {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    let text = sqlx::query_scalar("SELECT pg_read_file(pg_current_logfile())").fetch_one(&mut connection).await;
    text.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_s_own_log_names_the_sampled_requests_and_no_others() {
    let (name, url) = database().await;
    statements_are_logged(&name).await;
    let replica = Server::with(&[("DATABASE_URL", &url)]);
    let headers = |id: &str, flag: &str| {
        let parent = format!("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flag}\r\n");
        format!("x-correlation-id: {id}\r\n{parent}")
    };
    let search = |id: &str, flag: &str| {
        let params = json!({ "name": "search_docs", "arguments": { "query": format!("borrow {id}") } });
        let headers = headers(id, flag);
        assert_eq!(ask(replica.mcp, "tools/call", params, &headers).status, 200);
    };
    search("pg-sampled", "01");
    search("pg-unsampled", "00");
    session(replica.mcp, &headers("pg-session", "01"));
    if !has("tracing") {
        return assert!(!server_log().await.contains("correlation_id="));
    }
    let log = server_log().await;
    let of = |id: &str| log.lines().filter(|line| line.contains(&format!("correlation_id='{id}'"))).count();
    // words, vectors, passages and the number of the last change, at least
    assert!(of("pg-sampled") >= 4, "{}", of("pg-sampled"));
    assert_eq!(of("pg-unsampled"), 0);
    assert!(of("pg-session") >= 1, "that a session is saved is part of the request that began it");
    let line = log.lines().find(|line| line.contains("pg-sampled")).unwrap();
    assert!(line.contains("traceparent='00-0af7651916cd43dd8448eb211c80319c-"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_query_leaves_a_line_with_the_ids_of_its_request() {
    let (_, url) = database().await;
    let replica = Server::with(&[("DATABASE_URL", &url)]);
    let mcp = replica.mcp;
    let mut other = PgConnection::connect(&url).await.unwrap();
    let mut locked = other.begin().await.unwrap();
    sqlx::query("LOCK TABLE documents IN ACCESS EXCLUSIVE MODE").execute(&mut *locked).await.unwrap();
    let params = json!({ "name": "list_sources", "arguments": {} });
    let asked = thread::spawn(move || ask(mcp, "tools/call", params, "x-correlation-id: pg-slow\r\n"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    locked.rollback().await.unwrap();
    assert_eq!(asked.join().unwrap().status, 200);
    if has("tracing") {
        // the server's own look at the store is slow as well
        let is_it = |line: &&str| line.contains("a query was slow") && line.contains("pg-slow");
        let line = until(|| replica.lines().lines().find(is_it).map(str::to_owned)).unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&line["correlation_id"], &line["system"]), (&json!("pg-slow"), &json!("postgresql")));
        assert!(line["duration_seconds"].as_f64() > Some(0.5) && line["span_id"].is_string(), "{line}");
    }
}

const HEADERS: &str = "content-type: application/json\r\naccept: application/json, text/event-stream\r\n";
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

fn session(mcp: SocketAddr, more_headers: &str) -> String {
    let hello = json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": { "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } },
    });
    let reply = request(mcp, "POST", "/mcp", &format!("{HEADERS}{more_headers}"), hello.to_string().as_bytes());
    let id = reply.header("mcp-session-id").unwrap().to_owned();
    let done = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string();
    assert_eq!(in_session(mcp, &id, &done).status, 202);
    id
}

fn in_session(mcp: SocketAddr, id: &str, body: &str) -> Reply {
    let headers = format!("{HEADERS}mcp-protocol-version: 2025-11-25\r\nmcp-session-id: {id}\r\n");
    request(mcp, "POST", "/mcp", &headers, body.as_bytes())
}

/// How often the store was asked this, as the page has it.
fn query(server: &Server, name: &str) -> f64 {
    let page = server.admin().map(|admin| get(admin, "/metrics").text()).unwrap_or_default();
    let labels = format!(r#"{{db_operation_name="{name}",db_system_name="postgresql"}} "#);
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix("db_client_operation_duration_seconds_count")?.strip_prefix(&labels));
    line.map_or(0.0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn a_session_goes_on_at_another_replica_when_its_own_is_gone() {
    let (_, url) = database().await;
    let one = Server::with(&[("DATABASE_URL", &url)]);
    let other = Server::with(&[("DATABASE_URL", &url)]);
    let id = session(one.mcp, "");
    assert_eq!(query(&one, "save_session") > 0.5, has("metrics"), "that it is saved is seen");
    drop(one); // killed: it has no time to hand anything over
    let listed = in_session(other.mcp, &id, LIST);
    assert_eq!((listed.status, listed.text().contains("search_docs")), (200, true), "{}", listed.text());
    assert_eq!(query(&other, "load_session") > 0.5, has("metrics"), "and that it is asked for");
    if has("tracing") {
        other.line("\"method\":\"tools/list\"");
        assert!(!other.lines().contains("\"method\":\"initialize\""), "no client has asked it for that");
    }
    assert_eq!(in_session(other.mcp, "made-up", LIST).status, 404);
}

#[tokio::test]
async fn a_database_that_goes_away_is_told_and_one_that_comes_back_is_used() {
    let (name, url) = database().await;
    let server = Server::with(&[("DATABASE_URL", &url)]);
    let search = || call(server.mcp, "search_docs", &json!({ "query": "borrow" })).message();
    let works = || (search()["result"]["isError"] == false).then_some(());
    works().unwrap();
    say(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
    say(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")).await;
    let message = search();
    assert_eq!(message["result"]["isError"], true, "{message}");
    assert!(message["result"]["content"][0]["text"].as_str().unwrap().contains("document store"), "{message}");
    if let Some(admin) = server.admin() {
        let why = until(|| Some(get(admin, "/readyz")).filter(|reply| reply.status == 503));
        assert!(why.unwrap().text().contains("document store"));
    }
    say(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await;
    until(works).expect("it works again");
    if let Some(admin) = server.admin() {
        until(|| (get(admin, "/readyz").status == 200).then_some(())).expect("and says so");
    }
}

#[tokio::test]
async fn queries_on_a_server_are_counted_under_its_name() {
    let (_, url) = database().await;
    let server = Server::with(&[("DATABASE_URL", &url)]);
    drop(call(server.mcp, "search_docs", &json!({ "query": "borrow" })));
    if has("metrics") {
        let page = get(server.admin().unwrap(), "/metrics").text();
        assert!(page.contains(r#"db_operation_name="nearest",db_system_name="postgresql""#), "{page}");
    }
}

const SESSION: &str = "content-type: application/json\r\nmcp-protocol-version: 2025-11-25\r\n";

fn by_session(replica: &Server, id: &str, method: &str, message: &Value) -> Reply {
    let headers = format!("{SESSION}mcp-session-id: {id}\r\n");
    request(replica.mcp, method, "/mcp", &headers, message.to_string().as_bytes())
}

/// Two replicas that ask a model which is slow to answer "slumber", and a session of the first.
async fn pair() -> ([Server; 2], String) {
    let (_, url) = database().await;
    let model = models::model(usize::MAX);
    let settings = [("DATABASE_URL", url.as_str()), ("EMBEDDINGS_URL", &model), ("EMBEDDINGS_MODEL", "m")];
    let replicas = [Server::with(&settings), Server::with(&settings)];
    let params =
        json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } });
    let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }).to_string();
    let reply = request(replicas[0].mcp, "POST", "/mcp", "content-type: application/json\r\n", hello.as_bytes());
    let id = reply.header("mcp-session-id").unwrap().to_owned();
    by_session(&replicas[0], &id, "POST", &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    (replicas, id)
}

fn list() -> Value {
    json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_ended_at_one_replica_is_over_at_the_other() {
    let ([one, other], id) = pair().await;
    assert_eq!(by_session(&other, &id, "POST", &list()).status, 200);
    assert_eq!(by_session(&one, &id, "DELETE", &json!(null)).status, 200);
    assert_eq!(by_session(&other, &id, "POST", &list()).status, 404);
}

/// How long a call of 2.5 s takes at one replica, when this happens at the other meanwhile; and the other.
async fn cut_short(meanwhile: impl FnOnce(&Server, &str)) -> (Duration, Server, String) {
    let ([one, other], id) = pair().await;
    assert_eq!(by_session(&other, &id, "POST", &list()).status, 200);
    let call = json!({ "name": "search_docs", "arguments": { "query": "slumber" } });
    let call = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": call });
    let id_ = id.clone();
    let asked = thread::spawn(move || {
        let began = std::time::Instant::now();
        by_session(&one, &id_, "POST", &call);
        (began.elapsed(), one)
    });
    thread::sleep(Duration::from_millis(700));
    meanwhile(&other, &id);
    let (took, _one) = asked.join().unwrap();
    (took, other, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_taken_back_at_another_replica_and_its_stream_is_not_there() {
    let params = json!({ "requestId": 7, "reason": "r".repeat(9_000) });
    let taken_back = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
    let (took, other, id) = cut_short(|other, id| {
        assert_eq!(by_session(other, id, "POST", &taken_back).status, 202);
    })
    .await;
    assert!(took < Duration::from_millis(2_300), "the model takes 2.5 s, and the call took {took:?}");
    let headers = format!("{SESSION}accept: text/event-stream\r\nmcp-session-id: {id}\r\nlast-event-id: 0/0\r\n");
    let reply = request(other.mcp, "GET", "/mcp", &headers, b"");
    assert_eq!(reply.status, 410, "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_ended_at_another_replica_takes_its_calls_with_it() {
    let (took, ..) = cut_short(|other, id| {
        assert_eq!(by_session(other, id, "DELETE", &json!(null)).status, 200);
    })
    .await;
    assert!(took < Duration::from_millis(2_300), "the model takes 2.5 s, and the call took {took:?}");
}
