//! The store as a file: SQLite with FTS5, vectors as blobs that are kept in memory and compared there. Several processes
//! may share the file: each change has a number, and whoever sees a number that it did not make reads the vectors again.

use super::{
    After, CONNECTIONS_MAX, Document, DocumentName, Model, NewDocument, OpenError, Passage, SESSION_SECONDS,
    SESSIONS_MAX, SourceCount, WAIT, dimensions, place,
    pool::{Held, Pool},
};
use crate::{
    Location,
    error::is_full,
    vectors::{self, Vectors},
};
use sidelight::Context;
use sqlx::{
    ConnectOptions as _, SqlSafeStr as _, Sqlite, SqliteConnection,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

/// A store in a file.
#[derive(Clone, Debug)]
pub(crate) struct SqliteStore {
    file: Arc<Path>,
    pool: Pool<Sqlite>,
    model: Model,
    memory: Arc<RwLock<Memory>>,
}

/// The vectors, and the change up to which they are known.
#[derive(Debug)]
struct Memory {
    vectors: Vectors,
    change: i64,
}

type Result<T> = std::result::Result<T, sqlx::Error>;

/// What a change does to the vectors in memory.
#[derive(Default)]
struct Delta {
    gone: Vec<i64>,
    new: Vec<(i64, String, Vec<f32>)>,
}

impl SqliteStore {
    pub(crate) async fn open(path: &Path, model: Model) -> std::result::Result<Self, OpenError> {
        let location = || Location::File(path.to_owned());
        let failed = |cause| {
            let location = location();
            if is_full(&cause) { OpenError::Full { location } } else { OpenError::Database { location, cause } }
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|cause| OpenError::Folder { folder: folder.to_owned(), cause })?;
        }
        if path.is_dir() {
            return Err(failed(sqlx::Error::Io(std::io::ErrorKind::IsADirectory.into())));
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(WAIT)
            // readers go on while somebody writes, and what was committed survives a killed process
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .disable_statement_logging(); // each query has a line of ours where it is slow, with its ids
        let _alone = alone(path).await.map_err(failed)?; // two that begin at once on a new file
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(WAIT);
        let pool = pool.connect_with(options).await.map_err(failed)?;
        let migrated = migrator().run(&pool).await;
        migrated.map_err(|cause| OpenError::Tables { location: location(), cause })?;
        let memory = Memory { vectors: Vectors::new(model.dimensions), change: UNKNOWN };
        let store = Self { file: path.into(), pool: Pool::new(pool), model, memory: Arc::new(RwLock::new(memory)) };
        if let Some(before) = store.other_dimensions().await.map_err(failed)? {
            super::tell_dimensions(&store.model, before);
            store.forget_vectors().await.map_err(failed)?;
        }
        store.catch_up().await.map_err(failed)?;
        Ok(store)
    }

    /// How many numbers the model's vectors have that were stored before, if it gives others now.
    pub(crate) async fn other_dimensions(&self) -> Result<Option<usize>> {
        let query = sqlx::query_scalar(dimensions::IN_FILE);
        let before: Option<i64> = query.bind(&self.model.name).fetch_optional(&mut *self.pool.acquire().await?).await?;
        Ok(before.and_then(|it| usize::try_from(it).ok()).filter(|it| *it != self.model.dimensions))
    }

    /// Every document is to be read anew.
    async fn forget_vectors(&self) -> Result<()> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let query = sqlx::query("DELETE FROM vectors WHERE model = ?").bind(&self.model.name);
        query.execute(&mut *transaction).await?;
        sqlx::query("UPDATE documents SET hash = x''").execute(&mut *transaction).await?;
        sqlx::query("UPDATE ingested SET complete = 0").execute(&mut *transaction).await?;
        self.commit(transaction, Delta::default()).await
    }

    /// How many wait for a connection.
    pub(crate) fn waiting(&self) -> usize {
        self.pool.waiting()
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) async fn ping(&self) -> Result<()> {
        if !self.file.exists() {
            return Err(sqlx::Error::Io(std::io::ErrorKind::NotFound.into())); // open connections would not notice
        }
        sqlx::query("SELECT 1 FROM documents LIMIT 1").fetch_optional(&mut *self.pool.acquire().await?).await.map(drop)
    }

    pub(crate) async fn change(&self) -> Result<i64> {
        sqlx::query_scalar("SELECT number FROM change").fetch_one(&mut *self.pool.acquire().await?).await
    }

    pub(crate) async fn full_text(&self, words: &[String], source: Option<&str>, limit: u32) -> Result<Vec<i64>> {
        let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        // without a source no join, which would look up every passage in which a word stands; sorted by SQLite itself, which
        // keeps the best only, while `ORDER BY rank` would sort them all
        let of_all = "SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY bm25(words, 4.0, 1.0), rowid LIMIT ?2";
        let of_source = "SELECT words.rowid FROM words
             JOIN passages ON passages.id = words.rowid JOIN documents ON documents.id = passages.document
             WHERE words MATCH ?1 AND documents.source = ?3 ORDER BY bm25(words, 4.0, 1.0), words.rowid LIMIT ?2";
        let query = sqlx::query_scalar(if source.is_some() { of_source } else { of_all });
        let _turn = self.pool.heavy().await;
        query.bind(quoted.join(" OR ")).bind(limit).bind(source).fetch_all(&mut *self.pool.acquire().await?).await
    }

    pub(crate) async fn nearest(&self, vector: &[f32], source: Option<&str>, limit: u32) -> Result<Vec<i64>> {
        self.catch_up().await?;
        let (memory, context) = (Arc::clone(&self.memory), Context::current());
        let (vector, source) = (vector.to_vec(), source.map(str::to_owned));
        let compare = move || {
            let memory = memory.read().unwrap_or_else(PoisonError::into_inner);
            memory.vectors.nearest(&vector, source.as_deref(), limit as usize)
        };
        let _turn = self.pool.heavy().await;
        let compared = tokio::task::spawn_blocking(move || context.run(compare)).await;
        compared.map_err(|_| sqlx::Error::WorkerCrashed)
    }

    pub(crate) async fn passages(&self, ids: &[i64]) -> Result<Vec<Passage>> {
        let query = sqlx::query_as(
            "SELECT passages.id, documents.source, documents.path, documents.title, heading, passages.text, start
             FROM json_each(?) AS wanted
             JOIN passages ON passages.id = wanted.value JOIN documents ON documents.id = passages.document
             ORDER BY wanted.key",
        );
        let rows: Vec<super::PassageRow> = query.bind(json(ids)).fetch_all(&mut *self.pool.acquire().await?).await?;
        Ok(rows.into_iter().map(Passage::from).collect())
    }

    pub(crate) async fn document(&self, source: &str, path: &str) -> Result<Option<Document>> {
        let query = sqlx::query_as("SELECT title, text FROM documents WHERE source = ? AND path = ?");
        let row = query.bind(source).bind(path).fetch_optional(&mut *self.pool.acquire().await?).await?;
        Ok(row.map(|(title, text)| Document { source: source.to_owned(), path: path.to_owned(), title, text }))
    }

    pub(crate) async fn names(&self, after: After<'_>, limit: u32) -> Result<Vec<DocumentName>> {
        let query = sqlx::query_as(
            "SELECT source, path, title, length(CAST(text AS BLOB)) FROM documents
             WHERE (?1 IS NULL OR source = ?1) AND (?2 IS NULL OR (source, path) > (?2, ?3))
             ORDER BY source, path LIMIT ?4",
        );
        let (source, path) = after.last.unzip();
        let query = query.bind(after.source).bind(source).bind(path).bind(limit);
        let rows: Vec<super::NameRow> = query.fetch_all(&mut *self.pool.acquire().await?).await?;
        Ok(rows.into_iter().map(DocumentName::from).collect())
    }

    pub(crate) async fn paths(&self, source: &str, prefix: &str, limit: u32) -> Result<Vec<String>> {
        let query = sqlx::query_scalar(
            "SELECT path FROM documents WHERE source = ? AND substr(path, 1, length(?2)) = ?2 ORDER BY path LIMIT ?3",
        );
        query.bind(source).bind(prefix).bind(limit).fetch_all(&mut *self.pool.acquire().await?).await
    }

    pub(crate) async fn sources(&self) -> Result<Vec<SourceCount>> {
        let query = sqlx::query_as(
            "SELECT source, count(DISTINCT documents.id), count(passages.id)
             FROM documents LEFT JOIN passages ON passages.document = documents.id GROUP BY source ORDER BY source",
        );
        let rows: Vec<super::SourceRow> = query.fetch_all(&mut *self.pool.acquire().await?).await?;
        Ok(rows.into_iter().map(SourceCount::from).collect())
    }

    pub(crate) async fn hashes(&self, source: &str) -> Result<HashMap<String, Vec<u8>>> {
        let query = sqlx::query_as("SELECT path, hash FROM documents WHERE source = ?").bind(source);
        let rows: Vec<(String, Vec<u8>)> = query.fetch_all(&mut *self.pool.acquire().await?).await?;
        Ok(rows.into_iter().collect())
    }

    pub(crate) async fn store(&self, documents: &[NewDocument]) -> Result<()> {
        let mut delta = Delta::default();
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for document in documents {
            let Document { source, path, .. } = &document.document;
            delete(&mut transaction, source, path, &mut delta).await?;
            self.insert(&mut transaction, document, &mut delta).await?;
        }
        self.commit(transaction, delta).await
    }

    async fn insert(&self, into: &mut SqliteConnection, new: &NewDocument, delta: &mut Delta) -> Result<()> {
        let Document { source, path, title, text } = &new.document;
        let query = sqlx::query("INSERT INTO documents (source, path, title, text, hash) VALUES (?, ?, ?, ?, ?)");
        let query = query.bind(source).bind(path).bind(title).bind(text).bind(&new.hash);
        let document = query.execute(&mut *into).await?.last_insert_rowid();
        for passage in &new.passages {
            let query = sqlx::query("INSERT INTO passages (document, start, heading, text) VALUES (?, ?, ?, ?)");
            let query = query.bind(document).bind(place(passage.start)).bind(&passage.heading).bind(&passage.text);
            let id = query.execute(&mut *into).await?.last_insert_rowid();
            if passage.vector.is_empty() {
                continue; // the model did not take it
            }
            let query = sqlx::query("INSERT INTO vectors (passage, model, vector) VALUES (?, ?, ?)");
            let query = query.bind(id).bind(&self.model.name).bind(vectors::encode(&passage.vector));
            query.execute(&mut *into).await?;
            delta.new.push((id, source.clone(), passage.vector.clone()));
        }
        Ok(())
    }

    pub(crate) async fn remove(&self, source: &str, paths: &[String]) -> Result<()> {
        let mut delta = Delta::default();
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for path in paths {
            delete(&mut transaction, source, path, &mut delta).await?;
        }
        self.commit(transaction, delta).await
    }

    pub(crate) async fn retain_sources(&self, names: &[&str]) -> Result<()> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let query = sqlx::query_scalar(
            "SELECT passages.id FROM passages JOIN documents ON documents.id = document
             WHERE source NOT IN (SELECT value FROM json_each(?))",
        );
        let gone = query.bind(json(names)).fetch_all(&mut *transaction).await?;
        let query = sqlx::query("DELETE FROM documents WHERE source NOT IN (SELECT value FROM json_each(?))");
        query.bind(json(names)).execute(&mut *transaction).await?;
        self.commit(transaction, Delta { gone, new: Vec::new() }).await
    }

    pub(crate) async fn remembered(&self) -> Result<Option<(String, String, bool)>> {
        sqlx::query_as("SELECT corpus, model, complete FROM ingested")
            .fetch_optional(&mut *self.pool.acquire().await?)
            .await
    }

    pub(crate) async fn remember(&self, corpus: &str, model: &str, complete: bool) -> Result<()> {
        let query = sqlx::query("INSERT OR REPLACE INTO ingested (one, corpus, model, complete) VALUES (1, ?, ?, ?)");
        query.bind(corpus).bind(model).bind(complete).execute(&mut *self.pool.acquire().await?).await.map(drop)
    }

    pub(crate) async fn load_session(&self, id: &str) -> Result<Option<String>> {
        sqlx::query_scalar("SELECT state FROM sessions WHERE id = ?")
            .bind(id)
            .fetch_optional(&mut *self.pool.acquire().await?)
            .await
    }

    pub(crate) async fn save_session(&self, id: &str, state: &str, now: i64) -> Result<()> {
        let query = sqlx::query(
            "DELETE FROM sessions WHERE used < ?1
             OR used < (SELECT used FROM sessions ORDER BY used DESC LIMIT 1 OFFSET ?2)",
        );
        let query = query.bind(now - SESSION_SECONDS).bind(SESSIONS_MAX);
        query.execute(&mut *self.pool.acquire().await?).await?;
        let query = sqlx::query("INSERT OR REPLACE INTO sessions (id, state, used) VALUES (?, ?, ?)");
        query.bind(id).bind(state).bind(now).execute(&mut *self.pool.acquire().await?).await.map(drop)
    }

    pub(crate) async fn touch_session(&self, id: &str, now: i64) -> Result<()> {
        let query = sqlx::query("UPDATE sessions SET used = ?2 WHERE id = ?1").bind(id).bind(now);
        query.execute(&mut *self.pool.acquire().await?).await.map(drop)
    }

    pub(crate) async fn delete_session(&self, id: &str) -> Result<()> {
        let query = sqlx::query("DELETE FROM sessions WHERE id = ?").bind(id);
        query.execute(&mut *self.pool.acquire().await?).await.map(drop)
    }

    /// Ends a change: gives it its number, and does to the memory what was done to the file, if nobody came between.
    async fn commit(&self, mut transaction: Held<Sqlite>, delta: Delta) -> Result<()> {
        let query = sqlx::query_scalar("UPDATE change SET number = number + 1 RETURNING number");
        let change: i64 = query.fetch_one(&mut *transaction).await?;
        transaction.commit().await?;
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        if memory.change + 1 == change {
            memory.change = change;
            memory.vectors.remove(&delta.gone);
            for (passage, source, vector) in delta.new {
                memory.vectors.push(passage, &source, &vector);
            }
        }
        Ok(())
    }

    /// Reads the vectors again if somebody else has changed them: one small query where nobody has.
    async fn catch_up(&self) -> Result<()> {
        let known = || self.memory.read().unwrap_or_else(PoisonError::into_inner).change;
        if known() >= self.change().await? {
            return Ok(());
        }
        let mut transaction = self.pool.begin().await?; // the number and the vectors of one moment
        let change: i64 = sqlx::query_scalar("SELECT number FROM change").fetch_one(&mut *transaction).await?;
        let query = sqlx::query_as::<_, (i64, String, Vec<u8>)>(
            "SELECT passage, source, vector FROM vectors
             JOIN passages ON passages.id = passage JOIN documents ON documents.id = passages.document
             WHERE model = ? ORDER BY passage",
        );
        let rows = query.bind(&self.model.name).fetch_all(&mut *transaction).await?;
        transaction.commit().await?;
        let mut vectors = Vectors::new(self.model.dimensions);
        for (passage, source, bytes) in rows {
            vectors.push(passage, &source, &vectors::decode(&bytes));
        }
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        if memory.change < change {
            *memory = Memory { vectors, change };
        }
        Ok(())
    }
}

/// Until what it gives is dropped, no other process opens this store: SQLite does not let somebody wait who changes the
/// journal of a new file, nor does the list of migrations expect two at once. The lock is on a file beside it, which stays.
async fn alone(store: &Path) -> Result<Option<fs::File>> {
    let mut name = store.as_os_str().to_owned();
    name.push(".lock");
    // who may only read there cannot make one, and needs none
    let Ok(file) = fs::File::options().create(true).truncate(false).write(true).open(name) else { return Ok(None) };
    let mut tries = 0..LOCK_TRIES;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(fs::TryLockError::WouldBlock) if tries.next().is_some() => tokio::time::sleep(LOCK_EVERY).await,
            Err(fs::TryLockError::WouldBlock) => return Err(sqlx::Error::PoolTimedOut),
            Err(fs::TryLockError::Error(_)) => return Ok(None), // a file system without locks
        }
    }
}

/// A store of a hundred thousand passages is opened within a second.
const LOCK_TRIES: u32 = 1_500;
const LOCK_EVERY: Duration = Duration::from_millis(20);

/// Before anything was read; a new file's first number is 0.
const UNKNOWN: i64 = -1;

async fn delete(from: &mut SqliteConnection, source: &str, path: &str, delta: &mut Delta) -> Result<()> {
    let query = sqlx::query_scalar(
        "SELECT passages.id FROM passages JOIN documents ON documents.id = document WHERE source = ? AND path = ?",
    );
    delta.gone.extend(query.bind(source).bind(path).fetch_all(&mut *from).await?.into_iter().map(|id: i64| id));
    let query = sqlx::query("DELETE FROM documents WHERE source = ? AND path = ?");
    query.bind(source).bind(path).execute(&mut *from).await.map(drop)
}

/// A list as SQLite's `json_each` takes it.
fn json<T: serde::Serialize>(list: &[T]) -> String {
    serde_json::to_string(list).expect("numbers and text are JSON")
}

/// In their order; a migration that was published is never changed.
const MIGRATIONS: [(i64, &str, &str); 1] =
    [(1, "documents", include_str!("../../migrations/sqlite/0001_documents.sql"))];

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.into_iter().map(|(version, description, sql)| {
        Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}
