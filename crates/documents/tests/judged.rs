//! What a search finds: 64 questions that a Rust learner asks, each with the pages that answer it, over the books of the
//! installed toolchain. `cargo ci store` runs this; a bare `cargo test` does not, because a toolchain may have no books.
//!
//! Prints hit@1, hit@5 and the mean reciprocal rank of the first answer among ten (MRR@10), for words alone, vectors alone
//! and both, for each half of the questions; and how long a search took.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test may stop, and this one prints a table
#![allow(clippy::cast_precision_loss)] // some dozens

use documents::{By, Corpus, Library, Location, Search};
use embeddings::LocalEmbedder;
use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

struct Question {
    text: String,
    pages: Vec<String>,
}

fn questions(name: &str) -> Vec<Question> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judged").join(name);
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let question = |line: &str| {
        let (text, pages) = line.split_once(" | ").unwrap();
        Question { text: text.to_owned(), pages: pages.split(' ').map(|page| format!("{page}.html")).collect() }
    };
    lines.map(question).collect()
}

/// Sums over the questions of one half.
#[derive(Clone, Copy, Default)]
struct Score {
    first: f64,
    fifth: f64,
    reciprocal: f64,
}

async fn score(library: &Library, questions: &[Question], by: By, show: bool, times: &mut Vec<Duration>) -> Score {
    let mut score = Score::default();
    let each = 1.0 / questions.len() as f64;
    for question in questions {
        let started = Instant::now(); // each question is asked once, so none is answered from memory
        let hits = library.search(&Search { query: &question.text, source: None, limit: 10, by }).await.unwrap().hits;
        times.push(started.elapsed());
        let rank = hits.iter().position(|hit| question.pages.contains(&hit.id));
        if show && rank.is_none_or(|rank| rank > 0) {
            let found: Vec<&str> = hits.iter().map(|hit| hit.id.as_str()).collect();
            println!("    {by:?} {rank:?} {}: {found:?}", question.text);
        }
        score.first += each * f64::from(u8::from(rank == Some(0)));
        score.fifth += each * f64::from(u8::from(rank.is_some_and(|rank| rank < 5)));
        score.reciprocal += rank.map_or(0.0, |rank| each / (rank as f64 + 1.0));
    }
    score
}

#[tokio::test]
async fn questions_find_their_answers() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::File(folder.path().join("a.db"));
    let library = Library::open(&location, Arc::new(LocalEmbedder::new())).await.unwrap();
    let corpus = Corpus::find(None);
    let has = |name: &str| corpus.sources.iter().any(|source| source.name == name);
    assert!(has("book") && has("reference"), "the Rust books are missing: rustup component add rust-docs");
    library.ingest(&corpus).await.unwrap();
    println!("{:10} {:8} {:>6} {:>6} {:>7}", "half", "by", "hit@1", "hit@5", "MRR@10");
    let mut scores = Vec::new();
    let mut times = Vec::new();
    for half in ["untouched", "tuned"] {
        let questions = questions(&format!("{half}.txt"));
        assert!(questions.len() >= 30, "{half}");
        for by in [By::Words, By::Vectors, By::Both] {
            let mut own = Vec::new();
            // the untouched half is never shown: who sees its misses tunes for them
            let show = half == "tuned" && by == By::Both && std::env::var_os("SHOW_MISSES").is_some();
            let score = score(&library, &questions, by, show, &mut own).await;
            let Score { first, fifth, reciprocal } = score;
            println!("{half:10} {:8} {first:6.3} {fifth:6.3} {reciprocal:7.3}", format!("{by:?}"));
            if by == By::Both {
                times.extend(own);
            }
            scores.push(score);
        }
    }
    times.sort_unstable();
    println!("hybrid search: median {:?}, p99 {:?}", times[times.len() / 2], times[times.len() * 99 / 100]);
    let untouched = scores[2];
    assert!(untouched.fifth >= 0.85, "hit@5 {:.3}", untouched.fifth);
    assert!(untouched.reciprocal >= 0.65, "MRR@10 {:.3}", untouched.reciprocal);
}
