//! The store in a file.
#![allow(clippy::unwrap_used)] // a test may stop

mod store;

use documents::{DocumentQueries, Library, Location, OpenError, Search};
use embeddings::{Embedder as _, LocalEmbedder};
use sqlx::{Connection as _, SqliteConnection};
use std::{path::Path, sync::Arc};
use tempfile::TempDir;

async fn open(folder: &Path, model: &str) -> DocumentQueries {
    DocumentQueries::open(&Location::File(folder.join("a.db")), store::model(model)).await.unwrap()
}

async fn fresh() -> (DocumentQueries, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (open(folder.path(), "m").await, folder)
}

store_suite!(fresh());

#[tokio::test]
async fn a_session_that_is_used_is_not_forgotten_however_long_ago_it_began() {
    let (queries, folder) = fresh().await;
    for id in ["used", "left"] {
        queries.save_session(id, "{}").await.unwrap();
    }
    let mut file =
        SqliteConnection::connect(&format!("sqlite://{}", folder.path().join("a.db").display())).await.unwrap();
    sqlx::query("UPDATE sessions SET used = 1").execute(&mut file).await.unwrap();
    queries.touch_session("used").await.unwrap();
    queries.save_session("another", "{}").await.unwrap();
    assert!(queries.load_session("used").await.unwrap().is_some());
    assert_eq!(queries.load_session("left").await.unwrap(), None);
}

#[tokio::test]
async fn a_store_outlives_its_process_and_vectors_of_another_model_are_not_compared() {
    let (queries, folder) = fresh().await;
    queries.store(&[store::document("a.md", "one")]).await.unwrap();
    queries.remember("c", "m", true).await.unwrap();
    queries.close().await;
    let again = open(folder.path(), "m").await;
    assert_eq!(again.remembered().await.unwrap(), Some(("c".to_owned(), "m".to_owned(), true)));
    assert_eq!(again.nearest(&[1.0, 0.0], None, 9).await.unwrap().len(), 2);
    let other = open(folder.path(), "n").await;
    assert_eq!(other.nearest(&[1.0, 0.0], None, 9).await.unwrap().len(), 0);
    assert_eq!(other.full_text("one", None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_model_that_gives_vectors_of_another_length_has_all_read_anew() {
    let (queries, folder) = fresh().await;
    queries.store(&[store::document("a.md", "one")]).await.unwrap();
    queries.remember("c", "m", true).await.unwrap();
    queries.close().await;
    let longer = documents::Model { name: "m".to_owned(), dimensions: 3 };
    let again = DocumentQueries::open(&Location::File(folder.path().join("a.db")), longer).await.unwrap();
    store::has_forgotten_the_vectors_and_reads_all_anew(again).await;
}

#[tokio::test]
async fn what_one_process_changes_the_other_one_finds() {
    let (one, folder) = fresh().await;
    let other = open(folder.path(), "m").await;
    one.store(&[store::document("a.md", "one")]).await.unwrap();
    assert_eq!(other.nearest(&[1.0, 0.0], None, 9).await.unwrap().len(), 2);
    other.remove("s", &["a.md".to_owned()]).await.unwrap();
    assert_eq!(one.nearest(&[1.0, 0.0], None, 9).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let words = "These are words.\n".repeat(100);
    std::fs::write(&file, &words).unwrap();
    let refused = DocumentQueries::open(&Location::File(file.clone()), store::model("m")).await.unwrap_err();
    assert!(matches!(refused, OpenError::Database { .. }), "{refused}");
    assert!(refused.to_string().contains("a.db"), "{refused}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), words);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let refused = DocumentQueries::open(&Location::File(file.join("sub/a.db")), store::model("m")).await.unwrap_err();
    assert!(matches!(refused, OpenError::Folder { .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_replaced_meanwhile_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let embedder = Arc::new(LocalEmbedder::new());
    let mut document = store::document("a.md", "words that are there all the time");
    for passage in &mut document.passages {
        passage.vector = vec![0.1; embedder.dimensions()];
    }
    let document = [document];
    let library = Library::open(&Location::File(folder.path().join("a.db")), embedder).await.unwrap();
    library.queries().store(&document).await.unwrap();
    for round in 0..100 {
        let search = Search { query: "words", limit: 1, ..Search::default() };
        let (stored, found) = tokio::join!(library.queries().store(&document), library.search(&search));
        stored.unwrap();
        assert_eq!(found.unwrap().hits.len(), 1, "round {round}");
    }
}
