//! Each query against a store in a folder of its own.

use super::*;
use std::path::Path;

async fn store(folder: &Path) -> DocumentQueries {
    DocumentQueries::open(&Location::file(folder.join("a.db"))).await.unwrap()
}

fn document(path: &str, text: &str) -> NewDocument {
    let passage = |at: usize, text: &str| NewPassage {
        start: at,
        heading: format!("Title of {path}"),
        text: text.to_owned(),
        vector: vec![1.0, 0.0],
    };
    NewDocument {
        document: Document { source: "s".into(), path: path.into(), title: format!("T {path}"), text: text.into() },
        hash: vec![1, 2, 3],
        passages: vec![passage(0, text), passage(7, "a second passage")],
    }
}

#[tokio::test]
async fn what_is_stored_is_found_by_its_words_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let queries = store(folder.path()).await;
    queries.store(&[document("a.md", "borrowing a value"), document("b.md", "cargo")], "m").await.unwrap();
    let found = queries.full_text("Borrow?", None, 9).await.unwrap();
    let passages = queries.passages(&found).await.unwrap();
    assert_eq!(passages.len(), 1, "stems are equal: borrow, borrowing");
    assert_eq!((passages[0].path.as_str(), passages[0].start), ("a.md", 0));
    let read = queries.document("s", "a.md").await.unwrap().unwrap();
    assert_eq!(read, document("a.md", "borrowing a value").document);
    assert_eq!(queries.document("s", "c.md").await.unwrap(), None);
}

#[tokio::test]
async fn a_source_limits_the_words_too() {
    let folder = tempfile::tempdir().unwrap();
    let queries = store(folder.path()).await;
    queries.store(&[document("a.md", "cargo")], "m").await.unwrap();
    assert_eq!(queries.full_text("cargo", Some("s"), 9).await.unwrap().len(), 1);
    assert_eq!(queries.full_text("cargo", Some("t"), 9).await.unwrap().len(), 0);
}

#[tokio::test]
async fn storing_again_replaces_and_removing_forgets_words_and_vectors() {
    let folder = tempfile::tempdir().unwrap();
    let queries = store(folder.path()).await;
    queries.store(&[document("a.md", "one")], "m").await.unwrap();
    queries.store(&[document("a.md", "two")], "m").await.unwrap();
    assert_eq!(queries.full_text("one", None, 9).await.unwrap().len(), 0);
    let sources = queries.sources().await.unwrap();
    assert_eq!(sources, [SourceCount { name: "s".into(), documents: 1, passages: 2 }]);
    queries.remove("s", &["a.md".to_owned()]).await.unwrap();
    assert_eq!(queries.full_text("two", None, 9).await.unwrap().len(), 0);
    assert_eq!(queries.vectors("m", 2).await.unwrap().nearest(&[1.0, 0.0], None, 9).len(), 0);
    assert_eq!(queries.sources().await.unwrap(), []);
}

#[tokio::test]
async fn other_sources_than_those_retained_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let queries = store(folder.path()).await;
    queries.store(&[document("a.md", "one")], "m").await.unwrap();
    queries.retain_sources(&["s", "t"]).await.unwrap();
    assert_eq!(queries.hashes("s").await.unwrap().len(), 1);
    queries.retain_sources(&["t"]).await.unwrap();
    assert_eq!(queries.hashes("s").await.unwrap().len(), 0);
}

#[tokio::test]
async fn vectors_of_another_model_are_not_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let queries = store(folder.path()).await;
    queries.store(&[document("a.md", "one")], "m").await.unwrap();
    assert_eq!(queries.vectors("m", 2).await.unwrap().nearest(&[1.0, 0.0], None, 9).len(), 2);
    assert_eq!(queries.vectors("n", 2).await.unwrap().nearest(&[1.0, 0.0], None, 9).len(), 0);
}

#[tokio::test]
async fn a_store_outlives_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let queries = store(folder.path()).await;
    queries.store(&[document("a.md", "one")], "m").await.unwrap();
    assert_eq!(queries.ingested().await.unwrap(), None);
    queries.mark_ingested("c").await.unwrap();
    queries.close().await;
    let queries = store(folder.path()).await;
    assert_eq!(queries.ingested().await.unwrap().as_deref(), Some("c"));
    assert_eq!(queries.full_text("one", None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    let words = "These are words.\n".repeat(100);
    std::fs::write(&file, &words).unwrap();
    let refused = DocumentQueries::open(&Location::file(&file)).await.unwrap_err();
    assert!(matches!(refused, OpenError::Database { .. }), "{refused}");
    assert!(refused.to_string().contains("notes.txt"), "{refused}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), words);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let refused = DocumentQueries::open(&Location::file(file.join("sub/a.db"))).await.unwrap_err();
    assert!(matches!(refused, OpenError::Folder { .. }), "{refused}");
}

#[test]
fn a_question_becomes_quoted_words() {
    assert_eq!(fts_expression("How? \"OR\" how NEAR(x*)").as_deref(), Some(r#""how" OR "or" OR "near" OR "x""#));
    assert_eq!(fts_expression("?! -- *"), None);
}
