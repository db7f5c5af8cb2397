//! The store on a server: PostgreSQL with pgvector, at `TEST_POSTGRES_URL`. `cargo ci store` starts one and runs this; a
//! bare `cargo test` does not, because it needs what a fresh machine has not.
#![allow(clippy::unwrap_used)] // a test may stop

mod store;

use documents::{DocumentQueries, Location, Model, StoreError};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::{
    process,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

fn server() -> String {
    std::env::var("TEST_POSTGRES_URL").expect("TEST_POSTGRES_URL names the server: run `cargo ci store`")
}

async fn say(statement: &str) {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
}

/// A database of its own; it is gone with the server.
async fn database() -> Location {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("t_{}_{}", process::id(), NEXT.fetch_add(1, Relaxed));
    say(&format!("CREATE DATABASE {name}")).await;
    let (server, _) = server().rsplit_once('/').map(|(server, name)| (server.to_owned(), name.to_owned())).unwrap();
    format!("{server}/{name}").parse().unwrap()
}

async fn open(location: &Location, model: &str) -> DocumentQueries {
    DocumentQueries::open(location, store::model(model)).await.unwrap()
}

async fn fresh() -> (DocumentQueries, ()) {
    (open(&database().await, "m").await, ())
}

store_suite!(fresh());

#[tokio::test]
async fn replicas_that_start_at_once_share_one_store() {
    let location = database().await;
    let (one, other) = tokio::join!(open(&location, "m"), open(&location, "m"));
    let documents = [store::document("a.md", "one"), store::document("b.md", "two")];
    let (stored, again) = tokio::join!(one.store(&documents), other.store(&documents));
    stored.and(again).unwrap();
    assert_eq!(one.nearest(&[1.0, 0.0], None, 9).await.unwrap().len(), 4);
    one.save_session("x", "{}").await.unwrap();
    assert_eq!(other.load_session("x").await.unwrap().as_deref(), Some("{}"));
}

#[tokio::test]
async fn a_model_that_gives_vectors_of_another_length_has_all_read_anew() {
    let location = database().await;
    let queries = open(&location, "m").await;
    queries.store(&[store::document("a.md", "one")]).await.unwrap();
    queries.remember("c", "m", true).await.unwrap();
    // somebody who still sees the old vectors keeps their rows
    let mut looking = PgConnection::connect(&location_url(&location)).await.unwrap();
    for statement in ["BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT 1"] {
        sqlx::query(statement).execute(&mut looking).await.unwrap();
    }
    let longer = Model { name: "m".to_owned(), dimensions: 3 };
    store::has_forgotten_the_vectors_and_reads_all_anew(DocumentQueries::open(&location, longer).await.unwrap()).await;
}

/// The same database on the server.
fn location_url(location: &Location) -> String {
    let (server, name) = (server(), location.to_string());
    format!("{}/{}", server.rsplit_once('/').unwrap().0, name.rsplit_once('/').unwrap().1)
}

/// The same database, behind the pooler at `TEST_POOLER_URL`.
fn behind_a_pooler(location: &Location, more: &str) -> Location {
    let url = std::env::var("TEST_POOLER_URL").expect("TEST_POOLER_URL names the pooler: run `cargo ci store`");
    let (server, _) = url.rsplit_once('/').unwrap();
    let name = location.to_string();
    format!("{server}/{}{more}", name.rsplit_once('/').unwrap().1).parse().unwrap()
}

#[tokio::test]
async fn a_pooler_that_gives_each_transaction_another_connection_is_noticed_or_told_of() {
    for more in ["", "?statement-cache-capacity=0"] {
        let location = behind_a_pooler(&database().await, more);
        let (one, other) = tokio::join!(open(&location, "m"), open(&location, "m"));
        let documents: Vec<_> = (0..20).map(|at| store::document(&format!("{at}.md"), &format!("word{at}"))).collect();
        let (stored, again) = tokio::join!(one.store(&documents), other.store(&documents));
        stored.and(again).unwrap();
        let mut asked = tokio::task::JoinSet::new();
        for at in 0..60 {
            let queries = if at % 2 == 0 { one.clone() } else { other.clone() };
            asked.spawn(async move {
                let id = format!("x{at}");
                queries.save_session(&id, "{}").await.unwrap();
                assert_eq!(queries.load_session(&id).await.unwrap().as_deref(), Some("{}"));
                assert_eq!(queries.full_text(&format!("word{}", at % 20), None, 9).await.unwrap().len(), 1);
                assert_eq!(queries.nearest(&[1.0, 0.0], Some("s"), 9).await.unwrap().len(), 9);
                queries.say("nothing").await.unwrap();
            });
        }
        asked.join_all().await;
    }
}

#[tokio::test]
async fn what_one_replica_says_the_others_hear() {
    let location = database().await;
    let (one, other) = (open(&location, "m").await, open(&location, "m").await);
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let listening = tokio::spawn(async move { other.hear(|said| drop(told.send(said))).await });
    let said = async {
        while heard.is_empty() {
            one.say("a word").await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        heard.recv().await
    };
    assert_eq!(said.await.as_deref(), Some("a word"));
    listening.abort();
}

#[tokio::test]
async fn vectors_of_another_model_are_not_compared() {
    let location = database().await;
    let one = open(&location, "m").await;
    one.store(&[store::document("a.md", "one")]).await.unwrap();
    let other = open(&location, "it's another").await;
    assert_eq!(other.nearest(&[1.0, 0.0], None, 9).await.unwrap().len(), 0);
    assert_eq!(other.full_text("one", None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn vectors_may_be_longer_than_an_index_takes() {
    for dimensions in [3_072, 5_000] {
        let model = Model { dimensions, ..store::model("long") };
        let store = DocumentQueries::open(&database().await, model).await.unwrap();
        let mut vector = vec![0.0; dimensions];
        vector[dimensions - 1] = 1.0;
        let mut document = store::document("a.md", "one");
        document.passages.truncate(1);
        document.passages[0].vector.clone_from(&vector);
        store.store(&[document]).await.unwrap();
        assert_eq!(store.nearest(&vector, None, 9).await.unwrap().len(), 1, "{dimensions}");
    }
}

#[tokio::test]
async fn a_server_that_cuts_its_connections_is_found_again() {
    let location = database().await;
    let store = open(&location, "m").await;
    store.store(&[store::document("a.md", "one")]).await.unwrap();
    let name = location.to_string().rsplit('/').next().unwrap().to_owned();
    say(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")).await;
    let mut failures = 0;
    while let Err(error) = store.ping().await {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        failures += 1;
        assert!(failures < 20, "{error:?}");
    }
    assert_eq!(store.full_text("one", None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_its_password() {
    let location: Location = "postgres://me:s3cret@127.0.0.1:1/docs".parse().unwrap();
    let refused = DocumentQueries::open(&location, store::model("m")).await.unwrap_err().to_string();
    assert!(refused.contains("postgres://me@127.0.0.1:1/docs") && !refused.contains("s3cret"), "{refused}");
}
