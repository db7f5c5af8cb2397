//! Every question that a store is asked, each one observed, whichever kind of store it is. The statements stand in `store`;
//! ranking and embedding are `library`'s.

use crate::{
    Location, StoreError,
    metrics::{Backend, DB_QUERY, Query},
    store::{
        After, Document, DocumentName, Model, NewDocument, OpenError, Passage, SourceCount, dimensions,
        postgres::PostgresStore, sqlite::SqliteStore,
    },
};
use embeddings::is_common;
use sidelight::{label::Label, tracing::note};
use std::{
    collections::HashMap,
    error::Error as _,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// The store's queries. Cheap to clone; all clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct DocumentQueries {
    store: Store,
}

#[derive(Clone, Debug)]
enum Store {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

/// Asks whichever store it is, and observes it. Boxed, because a caller's frame would else hold the futures of both kinds,
/// some tens of kilobytes each.
macro_rules! ask {
    ($self:ident, $query:ident, $method:ident($($argument:expr),*)) => {
        match &$self.store {
            Store::Sqlite(store) => observed((Query::$query, Backend::Sqlite), Box::pin(store.$method($($argument),*))).await,
            Store::Postgres(store) => observed((Query::$query, Backend::Postgres), Box::pin(store.$method($($argument),*))).await,
        }
    };
}

async fn observed<T: Answer>(
    labels: (Query, Backend),
    asked: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    let asked = async {
        let began = Instant::now();
        let answer = asked.await.map_err(StoreError::from);
        tell(labels, began.elapsed(), &answer);
        answer
    };
    DB_QUERY.observe(labels, asked).await
}

/// What a trace and the log say of a query that was answered. Its line stands inside its operation, and so has its ids.
fn tell<T: Answer>((query, backend): (Query, Backend), took: Duration, answer: &Result<T, StoreError>) {
    let (operation, system) = (word(query), word(backend));
    let seconds = took.as_secs_f64();
    match answer {
        Err(error) => {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            let error = error.to_string();
            sidelight::warn!(
                "a query failed",
                operation = operation,
                system = system,
                duration_seconds = seconds,
                error = error,
                cause = cause,
            );
        }
        Ok(answer) => {
            if let Some(rows) = answer.rows() {
                note("db.response.returned_rows", rows);
            }
            if took > SLOW {
                sidelight::warn!(
                    "a query was slow",
                    operation = operation,
                    system = system,
                    duration_seconds = seconds
                );
            }
        }
    }
}

/// A query that takes longer has a line.
const SLOW: Duration = Duration::from_millis(500);

fn word<L: Label>(label: L) -> &'static str {
    L::value(label.index()).unwrap_or_default()
}

/// An answer that may know how many rows it is made of.
trait Answer {
    fn rows(&self) -> Option<usize> {
        None
    }
}

impl Answer for () {}
impl Answer for i64 {}
impl<T> Answer for Option<T> {
    fn rows(&self) -> Option<usize> {
        Some(usize::from(self.is_some()))
    }
}
impl<T> Answer for Vec<T> {
    fn rows(&self) -> Option<usize> {
        Some(self.len())
    }
}
impl<K, V> Answer for HashMap<K, V> {
    fn rows(&self) -> Option<usize> {
        Some(self.len())
    }
}

impl DocumentQueries {
    /// Opens the store, and makes its tables where there are none. Vectors of `model` are kept and compared, and no others.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(location: &Location, model: Model) -> Result<Self, OpenError> {
        let store = match location {
            Location::File(path) => Store::Sqlite(SqliteStore::open(path, model).await?),
            Location::Server(to) => Store::Postgres(PostgresStore::open(to, model).await?),
        };
        Ok(Self { store })
    }

    /// How many numbers the vectors of a model have, as far as the store holds some. Makes nothing; a store that cannot be asked
    /// holds none.
    pub async fn known_dimensions(location: &Location, model: &str) -> Option<usize> {
        dimensions::known(location, model).await
    }

    /// Waits for running queries, and closes the store.
    pub async fn close(&self) {
        match &self.store {
            Store::Sqlite(store) => store.close().await,
            Store::Postgres(store) => store.close().await,
        }
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        ask!(self, Ping, ping())
    }

    /// Whether several processes on several machines may share the store.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.store, Store::Postgres(_))
    }

    /// The passages in which any of the words stands, the best first: by BM25 (SQLite) or cover density (PostgreSQL),
    /// with headings weighed above text.
    ///
    /// # Errors
    /// See [`StoreError`]; likewise for all queries below.
    pub async fn full_text(&self, question: &str, source: Option<&str>, limit: u32) -> Result<Vec<i64>, StoreError> {
        let words = words(question);
        if words.is_empty() {
            return Ok(Vec::new());
        }
        ask!(self, FullText, full_text(&words, source, limit))
    }

    /// The passages whose vectors are nearest by cosine, the nearest first; those that share nothing are not among them.
    /// Exact on SQLite, approximate on PostgreSQL.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn nearest(&self, vector: &[f32], source: Option<&str>, limit: u32) -> Result<Vec<i64>, StoreError> {
        ask!(self, Nearest, nearest(vector, source, limit))
    }

    /// Passages by their numbers, in the order of the numbers given; those that are gone are left out.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn passages(&self, ids: &[i64]) -> Result<Vec<Passage>, StoreError> {
        ask!(self, Passages, passages(ids))
    }

    /// One document, or `None`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn document(&self, source: &str, path: &str) -> Result<Option<Document>, StoreError> {
        ask!(self, Document, document(source, path))
    }

    /// Documents without their texts, by source and path.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn names(&self, after: After<'_>, limit: u32) -> Result<Vec<DocumentName>, StoreError> {
        ask!(self, Names, names(after, limit))
    }

    /// Paths of a source that begin like this, in order.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn paths(&self, source: &str, prefix: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        ask!(self, Paths, paths(source, prefix, limit))
    }

    /// Every source that holds a document, by name.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn sources(&self) -> Result<Vec<SourceCount>, StoreError> {
        ask!(self, Sources, sources())
    }

    /// Every path of a source with the hash of its document.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn hashes(&self, source: &str) -> Result<HashMap<String, Vec<u8>>, StoreError> {
        ask!(self, Hashes, hashes(source))
    }

    /// Keeps documents, all or none of them; one of the same source and path is replaced.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn store(&self, documents: &[NewDocument]) -> Result<(), StoreError> {
        ask!(self, Store, store(documents))
    }

    /// Removes documents of a source.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn remove(&self, source: &str, paths: &[String]) -> Result<(), StoreError> {
        ask!(self, Remove, remove(source, paths))
    }

    /// Removes every source but these.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn retain_sources(&self, names: &[&str]) -> Result<(), StoreError> {
        ask!(self, Retain, retain_sources(names))
    }

    /// The number of the last change of documents, by whichever process: it only grows.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn change(&self) -> Result<i64, StoreError> {
        ask!(self, Change, change())
    }

    /// The corpus that is, or is being, read: its text, its model, and whether it was read to its end.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn remembered(&self) -> Result<Option<(String, String, bool)>, StoreError> {
        ask!(self, Remembered, remembered())
    }

    /// How many numbers the model's vectors have in the store, if that is not how many they have here.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub(crate) async fn other_dimensions(&self) -> Result<Option<usize>, StoreError> {
        ask!(self, Remembered, other_dimensions())
    }

    /// Remembers which corpus is read, for which model, and whether to its end.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn remember(&self, corpus: &str, model: &str, complete: bool) -> Result<(), StoreError> {
        ask!(self, Remember, remember(corpus, model, complete))
    }

    /// What was saved of a session, as JSON.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn load_session(&self, id: &str) -> Result<Option<String>, StoreError> {
        ask!(self, LoadSession, load_session(id))
    }

    /// Saves a session, and forgets those that were not used for a day.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn save_session(&self, id: &str, state: &str) -> Result<(), StoreError> {
        ask!(self, SaveSession, save_session(id, state, now()))
    }

    /// Tells every replica of a shared store something, this one too; at most some 8,000 bytes.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn say(&self, said: &str) -> Result<(), StoreError> {
        match &self.store {
            Store::Sqlite(_) => Ok(()),
            Store::Postgres(store) => observed((Query::Say, Backend::Postgres), store.say(said)).await,
        }
    }

    /// Hears what replicas say, until the connection breaks. Nobody says anything where the store is not shared.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn hear(&self, heard: impl FnMut(String)) -> Result<(), StoreError> {
        match &self.store {
            Store::Sqlite(_) => std::future::pending().await,
            Store::Postgres(store) => Ok(store.hear(heard).await?),
        }
    }

    /// Whether somebody waits for a connection.
    #[must_use]
    pub fn are_waited_for(&self) -> bool {
        let waiting = match &self.store {
            Store::Sqlite(store) => store.waiting(),
            Store::Postgres(store) => store.waiting(),
        };
        waiting > 0
    }

    /// Says that a session is used now.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn touch_session(&self, id: &str) -> Result<(), StoreError> {
        ask!(self, SaveSession, touch_session(id, now()))
    }

    /// Forgets a session.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn delete_session(&self, id: &str) -> Result<(), StoreError> {
        ask!(self, DeleteSession, delete_session(id))
    }
}

/// The words of a question, each once: letters and digits only, so that none is an operator of a database's search.
fn words(question: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in question.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        if words.len() < QUERY_WORDS_MAX && !words.contains(&word) {
            words.push(word);
        }
    }
    if words.iter().any(|word| !is_common(word)) {
        words.retain(|word| !is_common(word)); // they are in every passage: they cost time and tell nothing
    }
    words
}

/// Seconds since 1970.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    i64::try_from(now).unwrap_or(i64::MAX)
}

/// Further words of a question change little and cost time.
const QUERY_WORDS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_becomes_plain_words_each_once() {
        assert_eq!(words("How? \"OR\" how NEAR(x*) it's"), ["near", "x", "s"]);
        assert_eq!(words("?! -- *"), [] as [&str; 0]);
        assert_eq!(words("what is it"), ["what", "is", "it"], "nothing else was asked");
        assert_eq!(words(&(0..99).map(|it| it.to_string()).collect::<Vec<_>>().join(" ")).len(), QUERY_WORDS_MAX);
    }
}
