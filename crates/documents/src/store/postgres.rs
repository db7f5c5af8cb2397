//! The store on a server: PostgreSQL with pgvector, for many replicas over one store. Vectors are found by an HNSW index of
//! their model's own; words by a tsvector, with headings weighed above text.

mod searches;
mod sessions;

use super::{
    After, CONNECTIONS_MAX, Document, DocumentName, Model, NewDocument, OpenError, Passage, SourceCount, WAIT,
    dimensions, place,
    pool::{Held, Pool},
    pooler,
    statement::Statements,
};
use crate::location::{Location, Server};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, Postgres, SqlSafeStr as _,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{borrow::Cow, collections::HashMap, fmt::Write as _};

/// A store on a server.
#[derive(Clone, Debug)]
pub(crate) struct PostgresStore {
    pool: Pool<Postgres>,
    model: Model,
    options: Box<PgConnectOptions>,
    sql: Statements,
}

type Result<T> = std::result::Result<T, sqlx::Error>;

impl PostgresStore {
    pub(crate) async fn open(to: &Server, model: Model) -> std::result::Result<Self, OpenError> {
        let location = || Location::Server(Box::new(to.clone()));
        let failed = |cause| {
            let location = location();
            if needs_transactions(&cause) {
                OpenError::Pooler { location }
            } else {
                OpenError::Database { location, cause }
            }
        };
        // each query has a line of ours where it is slow, with its ids
        let options = to.options.clone().application_name("sidelight-mcp").disable_statement_logging();
        let options = options.extra_float_digits(None); // a pooler refuses it, and no number goes as text
        let is_pooled = to.is_pooled || pooler::is_before(&options).await.map_err(failed)?;
        if is_pooled {
            sidelight::info!("a pooler is before the document store; nothing is prepared on its connections");
        }
        let mut pool = PgPoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(WAIT);
        if is_pooled {
            pool = pool.after_release(|connection, _| {
                Box::pin(async { connection.execute(sqlx::raw_sql("ROLLBACK")).await.map(|_| true) })
            });
        }
        let pool = pool.connect_with(options.clone()).await.map_err(failed)?;
        let store = Self {
            pool: Pool::new(pool).elsewhere().in_transactions(is_pooled),
            model,
            options: Box::new(options),
            sql: Statements { are_kept: !is_pooled },
        };
        store.migrate().await.map_err(|cause| match &cause {
            MigrateError::Execute(inner) if needs_transactions(inner) => OpenError::Pooler { location: location() },
            _ => OpenError::Tables { location: location(), cause },
        })?;
        if let Some(before) = store.other_dimensions().await.map_err(failed)? {
            super::tell_dimensions(&store.model, before);
            store.forget_vectors().await.map_err(failed)?;
        }
        store.index_vectors().await.map_err(failed)?;
        Ok(store)
    }

    /// How many numbers the model's vectors have that were stored before, if it gives others now.
    pub(crate) async fn other_dimensions(&self) -> Result<Option<usize>> {
        let query = self.sql.query_scalar(dimensions::ON_SERVER);
        let before: Option<i32> = query.bind(&self.model.name).fetch_optional(&mut *self.pool.acquire().await?).await?;
        Ok(before.and_then(|it| usize::try_from(it).ok()).filter(|it| *it != self.model.dimensions))
    }

    /// Every document is to be read anew.
    async fn forget_vectors(&self) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        lock(&self.sql, &mut transaction).await?;
        let index = format!("DROP INDEX IF EXISTS {}", index_name(&self.model));
        self.sql.query(AssertSqlSafe(index)).execute(&mut *transaction).await?;
        let query = self.sql.query("DELETE FROM vectors WHERE model = $1").bind(&self.model.name);
        query.execute(&mut *transaction).await?;
        self.sql.query("UPDATE documents SET hash = ''::bytea").execute(&mut *transaction).await?;
        self.sql.query("UPDATE ingested SET complete = FALSE").execute(&mut *transaction).await?;
        commit(&self.sql, transaction).await
    }

    /// All in one transaction, which holds the lock of those that write: two replicas that start at once, behind a pooler, too.
    async fn migrate(&self) -> std::result::Result<(), MigrateError> {
        let mut held = self.pool.held().await?;
        let mut transaction = held.begin().await?; // sqlx's own, as the migrator begins further ones within
        lock(&self.sql, &mut transaction).await?;
        // behind a pooler the connection may hold what others prepared, and what the migrator does would meet others
        let forget = || sqlx::raw_sql(if self.sql.are_kept { "" } else { "DEALLOCATE ALL" });
        transaction.execute(forget()).await?;
        migrator().run_direct(None, &mut *transaction, false).await?;
        transaction.execute(forget()).await?;
        Ok(transaction.commit().await?)
    }

    /// An index holds vectors of one length, so each model has one of its own.
    async fn index_vectors(&self) -> Result<()> {
        let (table, dimensions) = (index_name(&self.model), self.model.dimensions);
        if dimensions > INDEXED_MAX {
            return Ok(()); // they are compared one by one
        }
        let (model, kind) = (self.model.name.replace('\'', "''"), kind(dimensions));
        let statement = format!(
            "CREATE INDEX IF NOT EXISTS {table} ON vectors USING hnsw ((vector::{kind}({dimensions})) {kind}_ip_ops)
             WHERE model = '{model}' AND vector_dims(vector) = {dimensions}" // rows that are gone may be read, too
        );
        let mut transaction = self.pool.begin().await?;
        lock(&self.sql, &mut transaction).await?; // two replicas that start at once
        self.sql.query(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    /// How many wait for a connection.
    pub(crate) fn waiting(&self) -> usize {
        self.pool.waiting()
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) async fn ping(&self) -> Result<()> {
        self.sql
            .query("SELECT 1 FROM documents LIMIT 1")
            .fetch_optional(&mut *self.pool.acquire().await?)
            .await
            .map(drop)
    }

    pub(crate) async fn change(&self) -> Result<i64> {
        self.sql.query_scalar("SELECT number FROM change").fetch_one(&mut *self.pool.acquire().await?).await
    }

    pub(crate) async fn passages(&self, ids: &[i64]) -> Result<Vec<Passage>> {
        let query = self.sql.query_as(
            "SELECT passages.id, source, path, title, heading, passages.text, start
             FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (id, place)
             JOIN passages ON passages.id = wanted.id JOIN documents ON documents.id = document
             ORDER BY place",
        );
        let rows: Vec<super::PassageRow> = query.bind(ids).fetch_all(&mut *self.pool.acquire().await?).await?;
        Ok(rows.into_iter().map(Passage::from).collect())
    }

    pub(crate) async fn document(&self, source: &str, path: &str) -> Result<Option<Document>> {
        let query = self.sql.query_as("SELECT title, text FROM documents WHERE source = $1 AND path = $2");
        let row = query
            .bind(without_nul(source))
            .bind(without_nul(path))
            .fetch_optional(&mut *self.pool.acquire().await?)
            .await?;
        Ok(row.map(|(title, text)| Document { source: source.to_owned(), path: path.to_owned(), title, text }))
    }

    pub(crate) async fn names(&self, after: After<'_>, limit: u32) -> Result<Vec<DocumentName>> {
        let query = self.sql.query_as(
            "SELECT source, path, title, octet_length(text)::bigint FROM documents
             WHERE ($1::text IS NULL OR source = $1)
               AND ($2::text IS NULL OR (source COLLATE \"C\", path COLLATE \"C\") > ($2, $3))
             ORDER BY source COLLATE \"C\", path COLLATE \"C\" LIMIT $4",
        );
        let (source, path) = after.last.unzip();
        let query = query
            .bind(after.source.map(without_nul))
            .bind(source.map(without_nul))
            .bind(path.map(without_nul))
            .bind(i64::from(limit));
        let rows: Vec<super::NameRow> = query.fetch_all(&mut *self.pool.acquire().await?).await?;
        Ok(rows.into_iter().map(DocumentName::from).collect())
    }

    pub(crate) async fn paths(&self, source: &str, prefix: &str, limit: u32) -> Result<Vec<String>> {
        let query = self.sql.query_scalar(
            "SELECT path FROM documents WHERE source = $1 AND starts_with(path, $2) ORDER BY path COLLATE \"C\" LIMIT $3",
        );
        query
            .bind(without_nul(source))
            .bind(without_nul(prefix))
            .bind(i64::from(limit))
            .fetch_all(&mut *self.pool.acquire().await?)
            .await
    }

    pub(crate) async fn sources(&self) -> Result<Vec<SourceCount>> {
        let query = self.sql.query_as(
            "SELECT source, count(DISTINCT documents.id), count(passages.id)
             FROM documents LEFT JOIN passages ON document = documents.id GROUP BY source ORDER BY source COLLATE \"C\"",
        );
        let rows: Vec<super::SourceRow> = query.fetch_all(&mut *self.pool.acquire().await?).await?;
        Ok(rows.into_iter().map(SourceCount::from).collect())
    }

    pub(crate) async fn hashes(&self, source: &str) -> Result<HashMap<String, Vec<u8>>> {
        let query = self.sql.query_as("SELECT path, hash FROM documents WHERE source = $1").bind(source);
        let rows: Vec<(String, Vec<u8>)> = query.fetch_all(&mut *self.pool.acquire().await?).await?;
        Ok(rows.into_iter().collect())
    }

    pub(crate) async fn store(&self, documents: &[NewDocument]) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        lock(&self.sql, &mut transaction).await?;
        for document in documents {
            let Document { source, path, .. } = &document.document;
            delete(&self.sql, &mut transaction, source, path).await?;
            self.insert(&mut transaction, document).await?;
        }
        commit(&self.sql, transaction).await
    }

    async fn insert(&self, into: &mut PgConnection, new: &NewDocument) -> Result<()> {
        let Document { source, path, title, text: words } = &new.document;
        let query = self.sql.query_scalar(
            "INSERT INTO documents (source, path, title, text, hash) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        );
        let query = query.bind(source).bind(path).bind(without_nul(title)).bind(without_nul(words)).bind(&new.hash);
        let document: i64 = query.fetch_one(&mut *into).await?;
        for passage in &new.passages {
            let query = self.sql.query(
                "WITH passage AS (
                     INSERT INTO passages (document, start, heading, text) VALUES ($1, $2, $3, $4) RETURNING id
                 )
                 INSERT INTO vectors (passage, model, vector) SELECT id, $5, $6::vector FROM passage WHERE $6 IS NOT NULL",
            );
            let vector = Some(&passage.vector).filter(|vector| !vector.is_empty()); // or the model did not take it
            let query = query.bind(document).bind(place(passage.start));
            let query = query.bind(without_nul(&passage.heading)).bind(without_nul(&passage.text));
            query.bind(&self.model.name).bind(vector.map(|it| text(it))).execute(&mut *into).await?;
        }
        Ok(())
    }

    pub(crate) async fn remove(&self, source: &str, paths: &[String]) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        lock(&self.sql, &mut transaction).await?;
        for path in paths {
            delete(&self.sql, &mut transaction, source, path).await?;
        }
        commit(&self.sql, transaction).await
    }

    pub(crate) async fn retain_sources(&self, names: &[&str]) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        lock(&self.sql, &mut transaction).await?;
        let query = self.sql.query("DELETE FROM documents WHERE source <> ALL ($1)").bind(names);
        query.execute(&mut *transaction).await?;
        commit(&self.sql, transaction).await
    }

    pub(crate) async fn remembered(&self) -> Result<Option<(String, String, bool)>> {
        self.sql
            .query_as("SELECT corpus, model, complete FROM ingested")
            .fetch_optional(&mut *self.pool.acquire().await?)
            .await
    }

    pub(crate) async fn remember(&self, corpus: &str, model: &str, complete: bool) -> Result<()> {
        let query = self.sql.query(
            "INSERT INTO ingested (one, corpus, model, complete) VALUES (1, $1, $2, $3)
             ON CONFLICT (one) DO UPDATE SET corpus = $1, model = $2, complete = $3",
        );
        let mut transaction = self.pool.begin().await?;
        query.bind(corpus).bind(model).bind(complete).execute(&mut *transaction).await?;
        transaction.commit().await
    }
}

/// Whether a statement that one connection prepared was met, or missed, by another: so it is behind a pooler.
fn needs_transactions(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|told| told.code().map(Cow::into_owned));
    code.is_some_and(|code| ["42P05", "26000"].contains(&code.as_str()))
}

/// One writer at a time, as SQLite has it: two replicas that read the same corpus do not fight over its documents.
async fn lock(sql: &Statements, transaction: &mut PgConnection) -> Result<()> {
    sql.query("SELECT pg_advisory_xact_lock($1)").bind(WRITERS).execute(&mut *transaction).await.map(drop)
}

/// Ends a change of documents, and gives it its number.
async fn commit(sql: &Statements, mut transaction: Held<Postgres>) -> Result<()> {
    sql.query("UPDATE change SET number = number + 1").execute(&mut *transaction).await?;
    transaction.commit().await
}

/// Any number that is ours.
const WRITERS: i64 = 0x51de_1147;

async fn delete(sql: &Statements, from: &mut PgConnection, source: &str, path: &str) -> Result<()> {
    let query = sql.query("DELETE FROM documents WHERE source = $1 AND path = $2");
    query.bind(source).bind(path).execute(&mut *from).await.map(drop)
}

/// PostgreSQL's text has no NUL; a client's own words may.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A vector as pgvector reads it.
fn text(vector: &[f32]) -> String {
    let mut text = String::from("[");
    for (place, number) in vector.iter().enumerate() {
        let _ = write!(text, "{}{number}", if place == 0 { "" } else { "," });
    }
    text.push(']');
    text
}

/// The type as which vectors are compared: an index takes so many numbers of 32 bits, and of 16 bits up to [`INDEXED_MAX`]
/// (<https://github.com/pgvector/pgvector#hnsw>).
fn kind(dimensions: usize) -> &'static str {
    if dimensions > INDEXED_WHOLE_MAX && dimensions <= INDEXED_MAX { "halfvec" } else { "vector" }
}

const INDEXED_WHOLE_MAX: usize = 2_000;
const INDEXED_MAX: usize = 4_000;

/// A name that an index may have, and that no other model's index has.
fn index_name(model: &Model) -> String {
    let plain: String = model.name.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '_' }).collect();
    let hash = model.name.bytes().fold(0u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
    format!("vectors_{}_{hash:08x}", plain.to_ascii_lowercase().chars().take(40).collect::<String>())
}

/// In their order; a migration that was published is never changed.
const MIGRATIONS: [(i64, &str, &str); 1] =
    [(1, "documents", include_str!("../../migrations/postgres/0001_documents.sql"))];

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.into_iter().map(|(version, description, sql)| {
        Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.set_locking(false); // whoever runs it has a lock that a pooler keeps, too
    migrator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_is_written_as_pgvector_reads_it() {
        assert_eq!(text(&[1.0, -0.5, 0.25]), "[1,-0.5,0.25]");
        assert_eq!(text(&[]), "[]");
    }

    #[test]
    fn two_models_have_two_indexes() {
        let model = |name: &str| Model { name: name.to_owned(), dimensions: 3 };
        assert_ne!(index_name(&model("a-b")), index_name(&model("a_b")));
        assert!(index_name(&model(&"x".repeat(200))).len() <= 63, "PostgreSQL cuts longer names");
    }
}
