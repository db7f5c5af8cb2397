//! From files to the store. Only what changed is read into passages again, in transactions of some documents; a run that
//! was broken off is simply run again. Ranks nothing.

mod files;
mod intake;

use crate::{
    Corpus, DocumentQueries, IngestError, NewDocument, NewPassage, Source, SourceCount, SourceName,
    metrics::{Fate, INGEST, INGESTED_BYTES, INGESTED_DOCUMENTS, INGESTED_PASSAGES},
    progress::Progress,
    store::Document,
};
use embeddings::Embedder;
use files::{File, Listing};
use intake::{Cut, Fresh, Taken};
use sidelight::{Context, CorrelationId, tracing::Incoming};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// What an ingestion did, in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Read and stored.
    pub stored: u64,
    /// The same as before.
    pub unchanged: u64,
    /// Left out by a rule.
    pub left_out: u64,
    /// Not readable, or too large.
    pub failed: u64,
    /// In the store, and no longer in the corpus.
    pub removed: u64,
}

/// Brings the store to what the corpus says now.
pub(crate) async fn ingest(
    queries: &DocumentQueries,
    embedder: &dyn Embedder,
    corpus: &Corpus,
) -> Result<Report, IngestError> {
    let id = CorrelationId::generate();
    let brought = async {
        let brought = bring(queries, embedder, corpus, &id).await;
        if let Err(error) = &brought {
            sidelight::error!("the documents could not be read to their end", error = error.to_string());
        }
        brought
    };
    request(&id).scope(brought).await
}

/// No client asked for it; it has its ids and its trace all the same.
fn request(id: &CorrelationId) -> Context {
    Context::begin(&Incoming { correlation_id: Some(id), ..Incoming::default() })
}

async fn bring(
    queries: &DocumentQueries,
    embedder: &dyn Embedder,
    corpus: &Corpus,
    id: &CorrelationId,
) -> Result<Report, IngestError> {
    SourceName::intern(corpus.sources.iter().map(|source| source.name.as_str()));
    let text = corpus.text();
    queries.remember(&text, embedder.model(), false).await?; // so that a run that is broken off is known to be one
    let mut report = Report::default();
    for source in &corpus.sources {
        let run = Run { queries, embedder, source, label: SourceName::named(&source.name) };
        // each is a trace of its own, which has room for so many spans
        request(id).scope(INGEST.observe(run.label, run.source(&mut report))).await?;
    }
    let names: Vec<&str> = corpus.sources.iter().map(|source| source.name.as_str()).collect();
    let is_gone = |source: &&SourceCount| !names.contains(&source.name.as_str());
    report.removed += queries.sources().await?.iter().filter(is_gone).map(|source| source.documents).sum::<u64>();
    queries.retain_sources(&names).await?;
    queries.remember(&text, embedder.model(), true).await?;
    Ok(report)
}

/// One source on its way into the store.
struct Run<'a> {
    queries: &'a DocumentQueries,
    embedder: &'a dyn Embedder,
    source: &'a Source,
    label: SourceName,
}

impl Run<'_> {
    async fn source(&self, report: &mut Report) -> Result<(), IngestError> {
        let origin = self.source.origin.clone();
        if let Some(folder) = origin.folder()
            && !folder.is_dir()
        {
            return Err(IngestError::Gone(folder.to_owned()));
        }
        let Listing { files, closed } = blocking(move || files::list(&origin)).await?;
        for (path, why) in &closed {
            sidelight::warn!("a folder is left as it was", path = path, error = why);
        }
        let known = Arc::new(self.queries.hashes(&self.source.name).await?);
        let mut kept = HashSet::new();
        let progress = Progress::new(&self.source.name, files.len());
        let mut without_vector = WithoutVector::default();
        for batch in files.chunks(BATCH_FILES) {
            kept.extend(self.batch(batch, &known, report, &mut without_vector).await?);
            progress.advance(batch.len());
        }
        without_vector.tell(&self.source.name);
        let is_closed = |path: &str| closed.iter().any(|(closed, _)| is_below(path, closed));
        let is_gone = |path: &&String| !kept.contains(*path) && !is_closed(path);
        let gone: Vec<String> = known.keys().filter(is_gone).cloned().collect();
        report.removed += gone.len() as u64;
        if !gone.is_empty() {
            self.queries.remove(&self.source.name, &gone).await?;
        }
        Ok(())
    }

    /// Reads some files and stores what is new; gives the paths that are documents.
    async fn batch(
        &self,
        files: &[File],
        known: &Arc<HashMap<String, Vec<u8>>>,
        report: &mut Report,
        without_vector: &mut WithoutVector,
    ) -> Result<Vec<String>, IngestError> {
        let (files, origin, known) = (files.to_vec(), self.source.origin.clone(), Arc::clone(known));
        let model = self.embedder.model().to_owned();
        let take = move |file: File| (intake::take(&file, &origin, &model, &known), file.path);
        let taken = blocking(move || files.into_iter().map(take).collect::<Vec<_>>()).await?;
        let (mut fresh, mut kept) = (Vec::new(), Vec::new());
        for (taken, path) in taken {
            let fate = taken.fate();
            report.count(fate);
            INGESTED_DOCUMENTS.add((self.label, fate), 1);
            match taken {
                Taken::Fresh(words) => {
                    kept.push(path.clone());
                    fresh.push((path, words));
                }
                Taken::Unchanged => kept.push(path),
                Taken::LeftOut(why) => sidelight::debug!("a file is left out", path = path, why = why),
                Taken::Failed(why) => {
                    sidelight::warn!("a file could not be read; what is known of it stays", path = path, error = why);
                    kept.push(path);
                }
            }
        }
        self.store(fresh, without_vector).await?;
        Ok(kept)
    }

    async fn store(&self, fresh: Vec<(String, Fresh)>, without_vector: &mut WithoutVector) -> Result<(), IngestError> {
        if fresh.is_empty() {
            return Ok(());
        }
        let texts: Vec<String> = fresh.iter().flat_map(|(_, it)| it.passages.iter().map(Cut::whole)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut vectors = self.embedder.embed(&texts).await?.into_iter();
        let mut documents = Vec::new();
        for (path, fresh) in fresh {
            let passages = fresh.passages.into_iter().zip(&mut vectors).map(|(cut, vector)| NewPassage {
                start: cut.start,
                heading: cut.heading,
                text: cut.text,
                vector,
            });
            let passages: Vec<NewPassage> = passages.collect();
            without_vector.see(&path, &passages);
            let document = Document { source: self.source.name.clone(), path, title: fresh.title, text: fresh.text };
            INGESTED_BYTES.add(self.label, fresh.bytes);
            documents.push(NewDocument { document, hash: fresh.hash, passages });
        }
        self.queries.store(&documents).await?;
        INGESTED_PASSAGES.add(self.label, texts.len() as u64);
        Ok(())
    }
}

/// Passages of a source that the model did not take. They are found by their words.
#[derive(Default)]
struct WithoutVector {
    passages: usize,
    first: String,
}

impl WithoutVector {
    fn see(&mut self, path: &str, passages: &[NewPassage]) {
        let refused = passages.iter().filter(|passage| passage.vector.is_empty()).count();
        if self.passages == 0 && refused > 0 {
            path.clone_into(&mut self.first);
        }
        self.passages += refused;
    }

    fn tell(&self, source: &str) {
        if self.passages > 0 {
            sidelight::warn!(
                "passages have no vector, as the model does not take them; they are found by their words",
                source = source,
                passages = self.passages,
                first = self.first.as_str(),
            );
        }
    }
}

impl Report {
    fn count(&mut self, fate: Fate) {
        match fate {
            Fate::Stored => self.stored += 1,
            Fate::Unchanged => self.unchanged += 1,
            Fate::LeftOut => self.left_out += 1,
            Fate::Failed => self.failed += 1,
        }
    }
}

/// Runs on a thread that may block, in the current context.
/// Whether a path is this one, or below it; all are below the folder itself, which has none.
fn is_below(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder);
    rest.is_some_and(|rest| folder.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, IngestError> {
    let context = Context::current();
    tokio::task::spawn_blocking(move || context.run(work)).await.map_err(|_| IngestError::Reading)
}

/// Files in one transaction: enough that its end is cheap, few enough that a reader never waits long.
const BATCH_FILES: usize = 32;

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn what_merely_begins_like_a_folder_is_not_below_it() {
        assert!(is_below("api", "api") && is_below("api/a.md", "api") && is_below("a.md", ""));
        assert!(!is_below("api-v1/a.md", "api") && !is_below("apiary.md", "api"));
    }
}
