//! Every statement that the store is asked, each one observed. Ranks nothing and embeds nothing: `library` does.

use crate::{
    Location, StoreError,
    metrics::{Backend, DB_QUERY, Query},
    open::{self, OpenError},
    vectors::{self, Vectors},
};
use sqlx::{Sqlite, SqlitePool, Transaction};
use std::collections::HashMap;

/// The store's queries. Cheap to clone; all clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct DocumentQueries {
    pool: SqlitePool,
}

/// A document as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The source's name.
    pub source: String,
    /// The path within the source.
    pub path: String,
    /// The title.
    pub title: String,
    /// All of it: Markdown, or plain text.
    pub text: String,
}

/// A document that is to be kept, and its passages.
#[derive(Clone, Debug)]
pub struct NewDocument {
    /// The document.
    pub document: Document,
    /// Tells whether it must be read again.
    pub hash: Vec<u8>,
    /// Its passages, in order.
    pub passages: Vec<NewPassage>,
}

/// A passage that is to be kept.
#[derive(Clone, Debug)]
pub struct NewPassage {
    /// Where it starts in the document's text, in characters.
    pub start: usize,
    /// The headings above it, the outermost first, joined by ` > `.
    pub heading: String,
    /// Its words.
    pub text: String,
    /// Its vector.
    pub vector: Vec<f32>,
}

/// A passage that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Its number in the store.
    pub id: i64,
    /// The document's source.
    pub source: String,
    /// The document's path within the source.
    pub path: String,
    /// The document's title.
    pub title: String,
    /// The headings above it.
    pub heading: String,
    /// Its words.
    pub text: String,
    /// Where it starts in the document's text, in characters.
    pub start: usize,
}

/// A source and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceCount {
    /// Its name.
    pub name: String,
    /// How many documents.
    pub documents: u64,
    /// How many passages.
    pub passages: u64,
}

impl DocumentQueries {
    /// Opens the store, and makes it where there is none.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(location: &Location) -> Result<Self, OpenError> {
        Ok(Self { pool: open::open(location).await? })
    }

    /// Waits for running queries, and closes the store.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// The passages in which any of the words stands, the best by BM25 first; a heading counts four times.
    ///
    /// # Errors
    /// See [`StoreError`]; likewise for all queries below.
    pub async fn full_text(&self, words: &str, source: Option<&str>, limit: u32) -> Result<Vec<i64>, StoreError> {
        let Some(expression) = fts_expression(words) else { return Ok(Vec::new()) };
        let query = sqlx::query_scalar(
            "SELECT words.rowid FROM words
             JOIN passages ON passages.id = words.rowid JOIN documents ON documents.id = passages.document
             WHERE words MATCH ?1 AND (?2 IS NULL OR documents.source = ?2)
             ORDER BY bm25(words, 4.0, 1.0), words.rowid LIMIT ?3",
        );
        let query = query.bind(expression).bind(source).bind(limit);
        self.observed(Query::FullText, query.fetch_all(&self.pool)).await
    }

    /// Passages by their numbers, in the order of the numbers given; those that are gone are left out.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn passages(&self, ids: &[i64]) -> Result<Vec<Passage>, StoreError> {
        let query = sqlx::query_as::<_, (i64, String, String, String, String, String, i64)>(
            "SELECT passages.id, documents.source, documents.path, documents.title, heading, passages.text, start
             FROM json_each(?) AS wanted
             JOIN passages ON passages.id = wanted.value JOIN documents ON documents.id = passages.document
             ORDER BY wanted.key",
        );
        let query = query.bind(json(ids));
        let rows = self.observed(Query::Passages, query.fetch_all(&self.pool)).await?;
        let passage = |(id, source, path, title, heading, text, start)| {
            let start = usize::try_from(start).unwrap_or_default();
            Passage { id, source, path, title, heading, text, start }
        };
        Ok(rows.into_iter().map(passage).collect())
    }

    /// One document, or `None`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn document(&self, source: &str, path: &str) -> Result<Option<Document>, StoreError> {
        let query = sqlx::query_as("SELECT title, text FROM documents WHERE source = ? AND path = ?");
        let query = query.bind(source).bind(path);
        let row = self.observed(Query::Document, query.fetch_optional(&self.pool)).await?;
        Ok(row.map(|(title, text)| Document { source: source.to_owned(), path: path.to_owned(), title, text }))
    }

    /// Every source that holds a document, by name.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn sources(&self) -> Result<Vec<SourceCount>, StoreError> {
        let query = sqlx::query_as::<_, (String, i64, i64)>(
            "SELECT source, count(DISTINCT documents.id), count(passages.id)
             FROM documents LEFT JOIN passages ON passages.document = documents.id GROUP BY source ORDER BY source",
        );
        let rows = self.observed(Query::Sources, query.fetch_all(&self.pool)).await?;
        let number = |it| u64::try_from(it).unwrap_or_default();
        let count = |(name, documents, passages)| SourceCount {
            name,
            documents: number(documents),
            passages: number(passages),
        };
        Ok(rows.into_iter().map(count).collect())
    }

    /// Every path of a source with the hash of its document.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn hashes(&self, source: &str) -> Result<HashMap<String, Vec<u8>>, StoreError> {
        let query = sqlx::query_as("SELECT path, hash FROM documents WHERE source = ?").bind(source);
        let rows: Vec<(String, Vec<u8>)> = self.observed(Query::Hashes, query.fetch_all(&self.pool)).await?;
        Ok(rows.into_iter().collect())
    }

    /// Keeps documents, all or none of them; one of the same source and path is replaced.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn store(&self, documents: &[NewDocument], model: &str) -> Result<(), StoreError> {
        let store = async {
            let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            for document in documents {
                insert(&mut transaction, document, model).await?;
            }
            transaction.commit().await
        };
        self.observed(Query::Store, store).await
    }

    /// Removes documents of a source.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn remove(&self, source: &str, paths: &[String]) -> Result<(), StoreError> {
        let remove = async {
            let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            for path in paths {
                delete(&mut transaction, source, path).await?;
            }
            transaction.commit().await
        };
        self.observed(Query::Remove, remove).await
    }

    /// Removes every source but these.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn retain_sources(&self, names: &[&str]) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM documents WHERE source NOT IN (SELECT value FROM json_each(?))");
        let query = query.bind(json(names));
        self.observed(Query::Retain, query.execute(&self.pool)).await.map(drop)
    }

    /// The corpus that was read to its end last, if any was.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn ingested(&self) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar("SELECT corpus FROM ingested");
        self.observed(Query::Ingested, query.fetch_optional(&self.pool)).await
    }

    /// Remembers that this corpus was read to its end.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn mark_ingested(&self, corpus: &str) -> Result<(), StoreError> {
        let query = sqlx::query("INSERT OR REPLACE INTO ingested (only, corpus) VALUES (1, ?)").bind(corpus);
        self.observed(Query::MarkIngested, query.execute(&self.pool)).await.map(drop)
    }

    /// All vectors of a model.
    pub(crate) async fn vectors(&self, model: &str, dimensions: usize) -> Result<Vectors, StoreError> {
        let query = sqlx::query_as::<_, (i64, String, Vec<u8>)>(
            "SELECT passage, source, vector FROM vectors
             JOIN passages ON passages.id = passage JOIN documents ON documents.id = passages.document
             WHERE model = ? ORDER BY passage",
        );
        let rows = self.observed(Query::LoadVectors, query.bind(model).fetch_all(&self.pool)).await?;
        let mut vectors = Vectors::new(dimensions);
        for (passage, source, bytes) in rows {
            vectors.push(passage, &source, &bytes);
        }
        Ok(vectors)
    }

    async fn observed<T>(
        &self,
        query: Query,
        asked: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, StoreError> {
        DB_QUERY.observe((query, Backend::Sqlite), async { asked.await.map_err(StoreError::from) }).await
    }
}

async fn insert(into: &mut Transaction<'_, Sqlite>, new: &NewDocument, model: &str) -> Result<(), sqlx::Error> {
    let Document { source, path, title, text } = &new.document;
    delete(into, source, path).await?;
    let query = sqlx::query("INSERT INTO documents (source, path, title, text, hash) VALUES (?, ?, ?, ?, ?)");
    let inserted = query.bind(source).bind(path).bind(title).bind(text).bind(&new.hash).execute(&mut **into).await?;
    let document = inserted.last_insert_rowid();
    for passage in &new.passages {
        let start = i64::try_from(passage.start).unwrap_or(i64::MAX);
        let query = sqlx::query("INSERT INTO passages (document, start, heading, text) VALUES (?, ?, ?, ?)");
        let query = query.bind(document).bind(start).bind(&passage.heading).bind(&passage.text);
        let id = query.execute(&mut **into).await?.last_insert_rowid();
        let query = sqlx::query("INSERT INTO vectors (passage, model, vector) VALUES (?, ?, ?)");
        query.bind(id).bind(model).bind(vectors::encode(&passage.vector)).execute(&mut **into).await?;
    }
    Ok(())
}

async fn delete(from: &mut Transaction<'_, Sqlite>, source: &str, path: &str) -> Result<(), sqlx::Error> {
    let query = sqlx::query("DELETE FROM documents WHERE source = ? AND path = ?");
    query.bind(source).bind(path).execute(&mut **from).await.map(drop)
}

/// A list as SQLite's `json_each` takes it.
fn json<T: serde::Serialize>(list: &[T]) -> String {
    serde_json::to_string(list).expect("numbers and text are JSON")
}

/// Any of the words, each one quoted, so that none is an operator of FTS5; `None` where there is no word.
fn fts_expression(text: &str) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        if words.len() < QUERY_WORDS_MAX && !words.contains(&word) {
            words.push(word);
        }
    }
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    (!quoted.is_empty()).then(|| quoted.join(" OR "))
}

/// Further words of a question change little and cost time.
const QUERY_WORDS_MAX: usize = 32;

#[cfg(test)]
#[path = "queries_test.rs"]
mod tests;
