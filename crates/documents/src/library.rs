//! The collection as its readers see it: search, read on, list. Puts the ranker together from words, vectors and fusion;
//! asks the store only through `queries`.

use crate::{
    After, By, Corpus, Document, DocumentName, DocumentQueries, Excerpt, Found, Hit, IngestError, Location, Model,
    OpenError, Passage, Report, Search, SearchError, SourceCount, StoreError,
    cache::{Asked, Caches},
    fusion::fuse,
    ingest::ingest,
    snippet::snippet,
};
use embeddings::{EmbedError, Embedder};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// Documents that can be searched and read. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Library {
    queries: DocumentQueries,
    embedder: Arc<dyn Embedder>,
    caches: Caches,
    rest: Rest,
    is_other: Arc<AtomicBool>,
}

impl Library {
    /// Opens the store at a place, with the vectors of this embedder.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(location: &Location, embedder: Arc<dyn Embedder>) -> Result<Self, OpenError> {
        let model = Model { name: embedder.model().to_owned(), dimensions: embedder.dimensions() };
        let queries = DocumentQueries::open(location, model).await?;
        Ok(Self { queries, embedder, caches: Caches::new(), rest: Rest::default(), is_other: Arc::default() })
    }

    /// The store's own queries, for what is not reading: sessions.
    #[must_use]
    pub fn queries(&self) -> &DocumentQueries {
        &self.queries
    }

    /// Documents for a question, the best first: by words and by vectors, fused. A search that was made before, with the
    /// store in the same state, is answered from memory.
    ///
    /// # Errors
    /// See [`SearchError`].
    pub async fn search(&self, search: &Search<'_>) -> Result<Found, SearchError> {
        let asked = Asked::new(search, self.queries.change().await?);
        if let Some(hits) = self.caches.results.get(&asked) {
            return Ok(Found { hits, by_words_alone: false });
        }
        let (passages, scores, by_words_alone) = self.found(search).await?;
        let mut documents = by_document(passages, &scores);
        documents.truncate(search.limit);
        let hits: Vec<Hit> = documents.iter().map(|(passage, score)| hit(search.query, passage, *score)).collect();
        if !by_words_alone {
            self.caches.results.put(asked, hits.clone());
        }
        Ok(Found { hits, by_words_alone })
    }

    /// The passages that are found, the best first, and their scores by number. A document that is replaced between the
    /// finding and the reading has passages of other numbers: then it is looked for again.
    async fn found(&self, search: &Search<'_>) -> Result<(Vec<Passage>, HashMap<i64, f64>, bool), SearchError> {
        let mut tries = 1;
        loop {
            let (ranked, by_words_alone) = self.rank(search).await?;
            let ids: Vec<i64> = ranked.iter().map(|(id, _)| *id).collect();
            let passages = self.queries.passages(&ids).await?;
            if passages.len() == ids.len() || tries == TRIES {
                return Ok((passages, ranked.into_iter().collect(), by_words_alone));
            }
            tries += 1;
        }
    }

    /// Passages with their scores, the best first, and whether there was no vector to find any by.
    async fn rank(&self, search: &Search<'_>) -> Result<(Vec<(i64, f64)>, bool), SearchError> {
        let by_words = async {
            match search.by {
                By::Vectors => Ok(Vec::new()),
                By::Both | By::Words => self.queries.full_text(search.query, search.source, CANDIDATES).await,
            }
        };
        let by_vectors = async {
            let vector = match search.by {
                By::Words => return Ok((Vec::new(), false)),
                By::Vectors => Some(self.vector(search.query).await?),
                By::Both => self.vector_in_time(search.query).await,
            };
            let Some(vector) = vector.filter(|vector| !vector.is_empty()) else { return Ok((Vec::new(), true)) };
            let found = self.queries.nearest(&vector, search.source, CANDIDATES).await?;
            let is_other = found.is_empty() && self.is_read_with_another_model().await?;
            Ok((found, is_other))
        };
        let by_words = async { by_words.await.map_err(SearchError::from) };
        let (by_words, (by_vectors, by_words_alone)) = tokio::try_join!(by_words, by_vectors)?;
        Ok((fuse(&[(1.0, by_words), (VECTORS, by_vectors)]), by_words_alone))
    }

    /// Whether the store's vectors are none that a question of ours can be compared with: another program has read the documents
    /// anew. It is told once, until it is otherwise.
    async fn is_read_with_another_model(&self) -> Result<bool, StoreError> {
        let other = self.other_model().await?;
        let was_other = self.is_other.swap(other.is_some(), Ordering::Relaxed); // only for the log
        if let Some(other) = other.as_deref().filter(|_| !was_other) {
            let why = "documents are found by their words alone: they were read with another embedding model";
            sidelight::warn!("the model has changed", why = why, model = self.embedder.model(), documents = other);
        }
        Ok(other.is_some())
    }

    /// The model that gives vectors.
    #[must_use]
    pub fn model(&self) -> &str {
        self.embedder.model()
    }

    /// The model that the documents were read with last, if it is another than this one's.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn other_model(&self) -> Result<Option<String>, StoreError> {
        let remembered = self.queries.remembered().await?.map(|(_, model, _)| model);
        if let Some(other) = remembered.filter(|model| model != self.embedder.model()) {
            return Ok(Some(other));
        }
        // one of the same name, whose vectors are longer or shorter, is another model
        let numbers = self.queries.other_dimensions().await?;
        Ok(numbers.map(|numbers| format!("{} with vectors of {numbers} numbers", self.embedder.model())))
    }

    /// The question's vector, unless the model cannot give it, or not soon: a model that is slow or dead does not keep words
    /// from being found. For a while it is not asked again.
    async fn vector_in_time(&self, query: &str) -> Option<Vec<f32>> {
        if self.rest.is_on() {
            return self.caches.vectors.get(&query.to_owned());
        }
        let failed = match timeout(PATIENCE, self.vector(query)).await {
            Ok(Ok(vector)) => return Some(vector),
            Ok(Err(error)) => error.to_string(), // a question alone that is not taken has an empty vector
            Err(_) => EmbedError::Timeout.to_string(),
        };
        if self.rest.begin() {
            sidelight::warn!("documents are found by their words alone for a while", error = failed);
        }
        None
    }

    async fn vector(&self, query: &str) -> Result<Vec<f32>, EmbedError> {
        let key = query.to_owned();
        if let Some(vector) = self.caches.vectors.get(&key) {
            return Ok(vector);
        }
        let vector = self.embedder.embed(&[query]).await?.pop().unwrap_or_default();
        self.caches.vectors.put(key, vector.clone());
        Ok(vector)
    }

    /// A whole document, or `None`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn document(&self, source: &str, path: &str) -> Result<Option<Document>, StoreError> {
        self.queries.document(source, path).await
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

    /// Documents without their texts, by source and path.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn names(&self, after: After<'_>, limit: u32) -> Result<Vec<DocumentName>, StoreError> {
        self.queries.names(after, limit).await
    }

    /// Paths of a source that begin like this, in order.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn paths(&self, source: &str, prefix: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        self.queries.paths(source, prefix, limit).await
    }

    /// The corpus that the store was last filled from, or was being filled from.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn remembered(&self) -> Result<Option<Corpus>, StoreError> {
        let remembered = self.queries.remembered().await?;
        Ok(remembered.and_then(|(corpus, _, _)| Corpus::from_text(&corpus)))
    }

    /// Whether everything was read that is to be read: while it is not, an answer may lack something.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn is_whole(&self) -> Result<bool, StoreError> {
        Ok(self.queries.remembered().await?.is_some_and(|(_, _, complete)| complete))
    }

    /// Whether the store holds this corpus to its end.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn holds(&self, corpus: &Corpus) -> Result<bool, StoreError> {
        let remembered = self.queries.remembered().await?;
        Ok(remembered == Some((corpus.text(), self.embedder.model().to_owned(), true)))
    }

    /// Brings the store to what the corpus says now; what did not change is not read again. Searches go on meanwhile.
    ///
    /// # Errors
    /// See [`IngestError`]; what was stored before stays, and the next run goes on from there.
    pub async fn ingest(&self, corpus: &Corpus) -> Result<Report, IngestError> {
        ingest(&self.queries, &*self.embedder, corpus).await
    }

    /// Closes the store.
    pub async fn close(&self) {
        self.queries.close().await;
    }
}

/// Each document by its best passage. A further passage that was found adds half as much as the one before it: a page that
/// is about the question says so more than once.
fn by_document(passages: Vec<Passage>, scores: &HashMap<i64, f64>) -> Vec<(Passage, f64)> {
    let mut places: HashMap<(String, String), (usize, f64)> = HashMap::new();
    let mut documents: Vec<(Passage, f64)> = Vec::new();
    for passage in passages {
        let score = scores.get(&passage.id).copied().unwrap_or_default();
        let document = (passage.source.clone(), passage.path.clone());
        let (place, share) = places.entry(document).or_insert((documents.len(), 1.0));
        match documents.get_mut(*place) {
            Some((_, sum)) => *sum += score * *share,
            None => documents.push((passage, score)),
        }
        *share *= FURTHER;
    }
    documents.sort_by(|one, other| other.1.total_cmp(&one.1)); // stable: equal sums stay in the order of their passages
    documents
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

/// Until when the model is not asked for questions. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
struct Rest(Arc<Mutex<Option<Instant>>>);

impl Rest {
    fn is_on(&self) -> bool {
        self.until().is_some_and(|until| Instant::now() < until)
    }

    /// Begins, and says whether it had not before: of many questions that failed at once, one does.
    fn begin(&self) -> bool {
        let mut until = self.until();
        let is_new = until.is_none_or(|until| until <= Instant::now());
        *until = Some(Instant::now() + REST);
        is_new
    }

    fn until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a question waits for its vector.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a model that failed is not asked.
const REST: Duration = Duration::from_secs(10);
/// What a rank by vectors counts, compared with one by words. Hashed n-grams know no more words than full text does; they
/// find inflections and slips, and tell the better of two passages with the same words.
const VECTORS: f64 = 0.5;
/// What each further passage of a document adds, compared with the one before it.
const FURTHER: f64 = 0.5;
/// Passages that each way of searching may name.
const CANDIDATES: u32 = 200;
/// How often a search is made while documents are replaced under it; then it says what is still there.
const TRIES: u32 = 4;
/// How long a snippet is at most.
const SNIPPET_CHARS: usize = 300;
