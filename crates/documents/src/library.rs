//! The collection as its readers see it: search, read on, list. Puts the ranker together from words, vectors and fusion;
//! asks the store only through `queries`.

use crate::{
    Corpus, DocumentQueries, IngestError, Report, SourceCount, StoreError, fusion::fuse, ingest::ingest,
    queries::Passage, snippet::snippet, vectors::Vectors,
};
use embeddings::{EmbedError, Embedder};
use sidelight::Context;
use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
};

/// Documents that can be searched and read. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Library {
    queries: DocumentQueries,
    embedder: Arc<dyn Embedder>,
    vectors: Arc<RwLock<Arc<Vectors>>>,
}

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Search<'a> {
    /// A question, or words.
    pub query: &'a str,
    /// Only in this source.
    pub source: Option<&'a str>,
    /// So many documents at the most.
    pub limit: usize,
}

/// A document that was found, by its best passage.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// `source/path`, for [`Library::read`].
    pub id: String,
    /// The source.
    pub source: String,
    /// The document's title.
    pub title: String,
    /// The headings above the passage, the outermost first, joined by ` > `.
    pub heading: String,
    /// The part of the passage around the first match, at most 300 characters.
    pub snippet: String,
    /// Where the passage starts in the document, in characters.
    pub offset: usize,
    /// The reciprocal rank fusion's sum: higher is better, comparable within one search only.
    pub score: f64,
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The source.
    pub source: String,
    /// The title.
    pub title: String,
    /// At most [`Excerpt::CHARS_MAX`] characters, from `offset` on.
    pub text: String,
    /// Where the text starts, in characters.
    pub offset: usize,
    /// How long the whole document is, in characters.
    pub total: usize,
}

impl Excerpt {
    /// The most that is read at once: some ten minutes for a person, and a bearable part of a model's context.
    pub const CHARS_MAX: usize = 8_000;

    /// Where to read on; `None` at the document's end.
    #[must_use]
    pub fn next_offset(&self) -> Option<usize> {
        let next = self.offset + self.text.chars().count();
        (next < self.total).then_some(next)
    }
}

/// Why a search has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The question could not be turned into a vector.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// A thread that compares vectors is gone.
    #[error("the search was broken off")]
    BrokenOff,
}

impl Library {
    /// A library over a store. Reads its vectors into memory.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn new(queries: DocumentQueries, embedder: Arc<dyn Embedder>) -> Result<Self, StoreError> {
        let vectors = queries.vectors(embedder.model(), embedder.dimensions()).await?;
        Ok(Self { queries, embedder, vectors: Arc::new(RwLock::new(Arc::new(vectors))) })
    }

    /// Documents for a question, the best first: by words and by vectors, fused.
    ///
    /// # Errors
    /// See [`SearchError`].
    pub async fn search(&self, search: &Search<'_>) -> Result<Vec<Hit>, SearchError> {
        let by_words = async { Ok(self.queries.full_text(search.query, search.source, CANDIDATES).await?) };
        let (by_words, by_vectors) = tokio::try_join!(by_words, self.nearest(search))?;
        let ranked = fuse(&[by_words, by_vectors]);
        let ids: Vec<i64> = ranked.iter().map(|(id, _)| *id).collect();
        let passages = self.queries.passages(&ids).await?;
        let scores = |id| ranked.iter().find(|(ranked, _)| *ranked == id).map_or(0.0, |(_, score)| *score);
        let mut seen = HashSet::new();
        let best = passages.into_iter().filter(|it| seen.insert((it.source.clone(), it.path.clone())));
        Ok(best.take(search.limit).map(|passage| hit(search.query, &passage, scores(passage.id))).collect())
    }

    async fn nearest(&self, search: &Search<'_>) -> Result<Vec<i64>, SearchError> {
        let query = self.embedder.embed(&[search.query]).await?.pop().unwrap_or_default();
        let vectors = Arc::clone(&self.vectors.read().unwrap_or_else(PoisonError::into_inner));
        let source = search.source.map(str::to_owned);
        let context = Context::current();
        let compare = move || context.run(|| vectors.nearest(&query, source.as_deref(), CANDIDATES as usize));
        tokio::task::spawn_blocking(compare).await.map_err(|_| SearchError::BrokenOff)
    }

    /// A document from `offset` characters on; `None` where there is no such document.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn read(&self, id: &str, offset: usize) -> Result<Option<Excerpt>, StoreError> {
        let Some((source, path)) = id.split_once('/') else { return Ok(None) };
        let document = self.queries.document(source, path).await?;
        Ok(document.map(|document| Excerpt {
            total: document.text.chars().count(),
            text: document.text.chars().skip(offset).take(Excerpt::CHARS_MAX).collect(),
            source: document.source,
            title: document.title,
            offset,
        }))
    }

    /// Every source, by name.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn sources(&self) -> Result<Vec<SourceCount>, StoreError> {
        self.queries.sources().await
    }

    /// Whether the store holds this corpus to its end.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn holds(&self, corpus: &Corpus) -> Result<bool, StoreError> {
        Ok(self.queries.ingested().await?.is_some_and(|ingested| ingested == corpus.identity()))
    }

    /// Brings the store to what the corpus says now; what did not change is not read again. Searches go on meanwhile.
    ///
    /// # Errors
    /// See [`IngestError`]; what was stored before stays, and the next run goes on from there.
    pub async fn ingest(&self, corpus: &Corpus) -> Result<Report, IngestError> {
        let report = ingest(&self.queries, &*self.embedder, corpus).await?;
        let vectors = self.queries.vectors(self.embedder.model(), self.embedder.dimensions()).await?;
        *self.vectors.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(vectors);
        Ok(report)
    }

    /// Closes the store.
    pub async fn close(&self) {
        self.queries.close().await;
    }
}

fn hit(query: &str, passage: &Passage, score: f64) -> Hit {
    Hit {
        id: format!("{}/{}", passage.source, passage.path),
        source: passage.source.clone(),
        title: passage.title.clone(),
        heading: passage.heading.clone(),
        snippet: snippet(&passage.text, query, SNIPPET_CHARS),
        offset: passage.start,
        score,
    }
}

/// Passages that each way of searching may name.
const CANDIDATES: u32 = 200;
/// How long a snippet is at most.
const SNIPPET_CHARS: usize = 300;
