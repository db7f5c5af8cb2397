//! What every kind of store must do: one suite, run over a file and over a server. Knows no statement.

use documents::{After, Document, DocumentQueries, Model, NewDocument, NewPassage, SourceCount};

/// A model of two numbers.
pub(crate) fn model(name: &str) -> Model {
    Model { name: name.to_owned(), dimensions: 2 }
}

/// A store whose model gives vectors of another length than before, opened on what it gave then.
pub(crate) async fn has_forgotten_the_vectors_and_reads_all_anew(store: DocumentQueries) {
    assert!(store.hashes("s").await.unwrap().values().all(Vec::is_empty));
    assert!(store.remembered().await.unwrap().is_none_or(|(_, _, complete)| !complete));
    assert_eq!(store.nearest(&[1.0, 0.0, 0.0], None, 9).await.unwrap().len(), 0);
    let mut longer = document("a.md", "one");
    longer.passages.iter_mut().for_each(|passage| passage.vector = vec![1.0, 0.0, 0.0]);
    store.store(&[longer]).await.unwrap();
    assert_eq!(store.nearest(&[1.0, 0.0, 0.0], None, 9).await.unwrap().len(), 2);
}

pub(crate) fn document(path: &str, text: &str) -> NewDocument {
    with_vector(path, text, [1.0, 0.0])
}

fn with_vector(path: &str, text: &str, vector: [f32; 2]) -> NewDocument {
    let passage = |start: usize, text: &str, vector: &[f32]| NewPassage {
        start,
        heading: format!("Title of {path}"),
        text: text.to_owned(),
        vector: vector.to_vec(),
    };
    NewDocument {
        document: Document { source: "s".into(), path: path.into(), title: format!("T {path}"), text: text.into() },
        hash: vec![1, 2, 3],
        passages: vec![passage(0, text, &vector), passage(7, "a second passage", &[0.6, 0.8])],
    }
}

async fn found(store: &DocumentQueries, question: &str, source: Option<&str>) -> Vec<(String, usize)> {
    let ids = store.full_text(question, source, 9).await.unwrap();
    store.passages(&ids).await.unwrap().into_iter().map(|passage| (passage.path, passage.start)).collect()
}

async fn near(store: &DocumentQueries, vector: [f32; 2], source: Option<&str>) -> Vec<(String, usize)> {
    let ids = store.nearest(&vector, source, 9).await.unwrap();
    store.passages(&ids).await.unwrap().into_iter().map(|passage| (passage.path, passage.start)).collect()
}

pub(crate) async fn what_is_stored_is_found_by_its_words_and_read_back(store: DocumentQueries) {
    store.store(&[document("a.md", "borrowing a value"), document("b.md", "cargo")]).await.unwrap();
    assert_eq!(found(&store, "Borrow?", None).await, [("a.md".to_owned(), 0)], "stems are equal: borrow, borrowing");
    let read = store.document("s", "a.md").await.unwrap().unwrap();
    assert_eq!(read, document("a.md", "borrowing a value").document);
    assert_eq!(store.document("s", "c.md").await.unwrap(), None);
    assert_eq!(found(&store, "?!", None).await, []);
}

pub(crate) async fn a_source_limits_words_and_vectors(store: DocumentQueries) {
    store.store(&[document("a.md", "cargo")]).await.unwrap();
    assert_eq!(found(&store, "cargo", Some("s")).await.len(), 1);
    assert_eq!(found(&store, "cargo", Some("t")).await.len(), 0);
    assert_eq!(near(&store, [1.0, 0.0], Some("s")).await.len(), 2);
    assert_eq!(near(&store, [1.0, 0.0], Some("t")).await.len(), 0);
}

pub(crate) async fn a_passage_without_a_vector_is_found_by_its_words(store: DocumentQueries) {
    let mut refused = document("a.md", "a text that the model does not take");
    refused.passages[0].vector.clear();
    store.store(&[refused, document("b.md", "cargo")]).await.unwrap();
    assert_eq!(found(&store, "model", None).await, [("a.md".to_owned(), 0)]);
    assert!(!near(&store, [1.0, 0.0], None).await.contains(&("a.md".to_owned(), 0)));
    assert_eq!(near(&store, [1.0, 0.0], None).await.len(), 3);
}

pub(crate) async fn the_nearest_vector_comes_first_and_the_opposite_not_at_all(store: DocumentQueries) {
    store.store(&[with_vector("a.md", "x", [1.0, 0.0]), with_vector("b.md", "y", [-1.0, 0.0])]).await.unwrap();
    let found = near(&store, [1.0, 0.0], None).await;
    assert_eq!(found[0], ("a.md".to_owned(), 0));
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(!found.contains(&("b.md".to_owned(), 0)));
}

pub(crate) async fn storing_again_replaces_and_removing_forgets_words_and_vectors(store: DocumentQueries) {
    store.store(&[document("a.md", "one")]).await.unwrap();
    store.store(&[document("a.md", "two")]).await.unwrap();
    assert_eq!(found(&store, "one", None).await.len(), 0);
    assert_eq!(near(&store, [1.0, 0.0], None).await.len(), 2);
    assert_eq!(store.sources().await.unwrap(), [SourceCount { name: "s".into(), documents: 1, passages: 2 }]);
    store.remove("s", &["a.md".to_owned()]).await.unwrap();
    assert_eq!(found(&store, "two", None).await.len(), 0);
    assert_eq!(near(&store, [1.0, 0.0], None).await.len(), 0);
    assert_eq!(store.sources().await.unwrap(), []);
}

pub(crate) async fn other_sources_than_those_retained_are_removed(store: DocumentQueries) {
    store.store(&[document("a.md", "one")]).await.unwrap();
    store.retain_sources(&["s", "t"]).await.unwrap();
    assert_eq!(store.hashes("s").await.unwrap().len(), 1);
    store.retain_sources(&["t"]).await.unwrap();
    assert_eq!(store.hashes("s").await.unwrap().len(), 0);
    assert_eq!(near(&store, [1.0, 0.0], None).await.len(), 0);
}

pub(crate) async fn documents_are_named_page_by_page_in_a_stable_order(store: DocumentQueries) {
    let all: Vec<NewDocument> = ["b.md", "a/c.md", "a.md", "Z.md"].map(|path| document(path, "words")).into();
    store.store(&all).await.unwrap();
    let mut named = Vec::new();
    let mut last: Option<(String, String)> = None;
    loop {
        let after =
            After { source: Some("s"), last: last.as_ref().map(|(source, path)| (source.as_str(), path.as_str())) };
        let page = store.names(after, 3).await.unwrap();
        let Some(end) = page.last() else { break };
        last = Some((end.source.clone(), end.path.clone()));
        named.extend(page.into_iter().map(|name| name.path));
    }
    assert_eq!(named, ["Z.md", "a.md", "a/c.md", "b.md"], "by bytes, whatever the server's language");
    assert_eq!(store.paths("s", "a", 9).await.unwrap(), ["a.md", "a/c.md"]);
    assert_eq!(store.paths("s", "%", 9).await.unwrap(), [] as [&str; 0]);
}

pub(crate) async fn a_corpus_is_remembered(store: DocumentQueries) {
    assert_eq!(store.remembered().await.unwrap(), None);
    store.remember("c", "m", true).await.unwrap();
    store.remember("d", "m", false).await.unwrap();
    assert_eq!(store.remembered().await.unwrap(), Some(("d".to_owned(), "m".to_owned(), false)));
}

pub(crate) async fn a_session_is_saved_and_forgotten(store: DocumentQueries) {
    assert_eq!(store.load_session("x").await.unwrap(), None);
    store.save_session("x", "{}").await.unwrap();
    store.save_session("x", "{\"a\":1}").await.unwrap();
    assert_eq!(store.load_session("x").await.unwrap().as_deref(), Some("{\"a\":1}"));
    store.delete_session("x").await.unwrap();
    assert_eq!(store.load_session("x").await.unwrap(), None);
}

pub(crate) async fn any_text_can_be_stored_and_asked_for(store: DocumentQueries) {
    for text in ["nul \0 inside", "'); DROP TABLE documents; --", "\u{202e}right to left", "\u{1f980} crab"] {
        store.store(&[document("odd.md", text)]).await.unwrap();
        assert!(store.document("s", "odd.md").await.unwrap().is_some());
        found(&store, text, None).await;
        found(&store, &format!("\"{text}\" NEAR(a b) col:x ^y *"), Some(text)).await;
    }
}

/// Every test of the suite, each with a store of its own that `$open` gives.
#[macro_export]
macro_rules! store_suite {
    ($open:expr) => {
        $crate::store_suite! { $open =>
            what_is_stored_is_found_by_its_words_and_read_back
            a_source_limits_words_and_vectors
            a_passage_without_a_vector_is_found_by_its_words
            the_nearest_vector_comes_first_and_the_opposite_not_at_all
            storing_again_replaces_and_removing_forgets_words_and_vectors
            other_sources_than_those_retained_are_removed
            documents_are_named_page_by_page_in_a_stable_order
            a_corpus_is_remembered
            a_session_is_saved_and_forgotten
            any_text_can_be_stored_and_asked_for
        }
    };
    ($open:expr => $($name:ident)+) => {$(
        #[tokio::test]
        async fn $name() {
            let (store, _kept) = $open.await;
            store::$name(store).await;
        }
    )+};
}
