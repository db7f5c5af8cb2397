//! A search over 100,000 passages: how long it takes, printed and not judged, because machines differ. `cargo ci full` runs
//! this in a release build.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test may stop, and this one prints a table

use documents::{Document, Library, Location, NewDocument, NewPassage, Search};
use embeddings::{Embedder as _, LocalEmbedder};
use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

const DOCUMENTS: usize = 10_000;
const PASSAGES_EACH: usize = 10;
const SEARCHES: usize = 200;

/// Words of different frequency, as in language: the word at rank `r` comes up about `1/r` as often. Only those behind the
/// first `common` ranks.
fn words(seed: &mut u64, count: usize, common: f64) -> String {
    let mut words = Vec::with_capacity(count);
    for _ in 0..count {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share = f64::from(u32::try_from(*seed >> 32).unwrap()) / f64::from(u32::MAX);
        words.push(format!("w{:.0}x", common * (20_000f64 / common).powf(share)));
    }
    words.join(" ")
}

async fn document(at: usize, seed: &mut u64, embedder: &LocalEmbedder) -> NewDocument {
    let texts: Vec<String> = (0..PASSAGES_EACH).map(|_| words(seed, 120, 1.0)).collect();
    let vectors = embedder.embed(&texts.iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap();
    let passage = |(place, (text, vector)): (usize, (&String, Vec<f32>))| NewPassage {
        start: place * 800,
        heading: format!("Document {at} > Part {place}"),
        text: text.clone(),
        vector,
    };
    let document = Document {
        source: format!("s{}", at % 5),
        path: format!("{at}.md"),
        title: format!("Document {at}"),
        text: texts.join("\n\n"),
    };
    NewDocument { document, hash: vec![1], passages: texts.iter().zip(vectors).enumerate().map(passage).collect() }
}

/// Many heavy searches at once, and light questions beside them: none is told that the store is busy, and the light ones do
/// not wait for the heavy ones to be over.
async fn light_ones_pass(library: &Library, seed: &mut u64) {
    let mut heavy = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (library, query) = (library.clone(), words(seed, 30, 2.0));
        heavy.spawn(async move {
            let search = Search { query: &query, limit: 50, ..Search::default() };
            library.search(&search).await.unwrap().hits.len()
        });
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    for at in 0..20 {
        assert!(library.document("s0", &format!("{}.md", at * 5)).await.unwrap().is_some());
    }
    let mut over = 0;
    while heavy.try_join_next().is_some() {
        over += 1;
    }
    println!("20 light questions were answered while {over} of 64 heavy searches were");
    assert!(over < 32, "{over}");
    heavy.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_over_a_hundred_thousand_passages() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let embedder = LocalEmbedder::new();
    let library = Library::open(&Location::File(file.clone()), Arc::new(embedder)).await.unwrap();
    let mut seed = 7;
    let started = Instant::now();
    for first in (0..DOCUMENTS).step_by(100) {
        let mut batch = Vec::new();
        for at in first..first + 100 {
            batch.push(document(at, &mut seed, &embedder).await);
        }
        library.queries().store(&batch).await.unwrap();
    }
    println!("stored {} passages in {:?}", DOCUMENTS * PASSAGES_EACH, started.elapsed());
    println!("the file has {} MiB", fs::metadata(&file).unwrap().len() >> 20);
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..SEARCHES {
        let query = words(&mut seed, 6, 42.0); // the commonest words of a question are not asked for
        let started = Instant::now();
        let hits = library.search(&Search { query: &query, limit: 10, ..Search::default() }).await.unwrap().hits;
        times.push(started.elapsed());
        assert_eq!(hits.len(), 10, "{query}");
    }
    light_ones_pass(&library, &mut seed).await;
    times.sort_unstable();
    println!("hybrid search: median {:?}, p99 {:?}", times[SEARCHES / 2], times[SEARCHES * 99 / 100]);
}
