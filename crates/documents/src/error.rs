//! How a store can fail while it runs, and how reading documents into it can. How opening one can fail stands beside
//! `DocumentQueries::open`.

use embeddings::EmbedError;
use sidelight::Failure;
use sqlx::postgres::PgDatabaseError;
use std::path::PathBuf;

/// Why a query has no answer. The sentence is for whoever asked; the cause is for the log.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Others hold it for longer than a query waits.
    #[error("the document store is busy; try again")]
    Busy(#[source] sqlx::Error),
    /// No connection, or no file any more.
    #[error("the document store cannot be reached")]
    Unavailable(#[source] sqlx::Error),
    /// There is no room left; as soon as there is, it can be written again.
    #[error("the document store has no room left on its disk")]
    Full(#[source] sqlx::Error),
    /// The file is not, or no longer, a database.
    #[error("the document store is damaged")]
    Damaged(#[source] sqlx::Error),
    /// Anything else.
    #[error("the document store failed")]
    Other(#[source] sqlx::Error),
}

impl Failure for StoreError {
    const NAMES: &'static [&'static str] = &["busy", "unavailable", "damaged", "_OTHER", "full"];
    fn index(&self) -> usize {
        match self {
            Self::Busy(_) => 0,
            Self::Unavailable(_) => 1,
            Self::Damaged(_) => 2,
            Self::Other(_) => 3,
            Self::Full(_) => 4,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => Self::Busy(error),
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed | sqlx::Error::Io(_) => Self::Unavailable(error),
            sqlx::Error::Database(told) => {
                let code = told.code().unwrap_or_default();
                let is_server = told.try_downcast_ref::<PgDatabaseError>().is_some();
                let kind = if is_server { of_state(&code) } else { of_result_code(&code) };
                kind(error)
            }
            _ => Self::Other(error),
        }
    }
}

/// Whether a file has no room left on its disk.
pub(crate) fn is_full(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| is_full_code(&code))
}

/// Its shared memory is a file in the same folder.
fn is_full_code(code: &str) -> bool {
    matches!(code, "13" | "4874") // SQLITE_FULL, SQLITE_IOERR_SHMSIZE
}

type Kind = fn(sqlx::Error) -> StoreError;

/// By SQLite's primary result code, the low byte of an extended one (<https://www.sqlite.org/rescode.html>).
fn of_result_code(code: &str) -> Kind {
    match code.parse::<u32>().map(|code| code & 0xff) {
        _ if is_full_code(code) => StoreError::Full,
        Ok(SQLITE_BUSY | SQLITE_LOCKED) => StoreError::Busy,
        Ok(SQLITE_IOERR | SQLITE_CANTOPEN) => StoreError::Unavailable,
        Ok(SQLITE_CORRUPT | SQLITE_NOTADB) => StoreError::Damaged,
        _ => StoreError::Other,
    }
}

/// By PostgreSQL's SQLSTATE (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn of_state(code: &str) -> Kind {
    match code {
        "40001" | "40P01" | "55P03" | "57014" => StoreError::Busy,
        "XX001" | "XX002" => StoreError::Damaged,
        "53100" => StoreError::Full,
        code if code.starts_with("53") => StoreError::Busy,
        code if code.starts_with("08") || code.starts_with("57P") || code.starts_with("58") => StoreError::Unavailable,
        _ => StoreError::Other,
    }
}

/// Why an ingestion ended early.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The store could not be written or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are no vectors.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The folder is not there (any more); what was read from it stays.
    #[error("the folder {} is not there; what was read from it stays, and DOCS_PATH can name another", .0.display())]
    Gone(PathBuf),
    /// A thread that read files is gone.
    #[error("the reading of files was broken off")]
    Reading,
}

impl Failure for IngestError {
    const NAMES: &'static [&'static str] = &["store", "embed", "gone", "reading"];
    fn index(&self) -> usize {
        match self {
            Self::Store(_) => 0,
            Self::Embed(_) => 1,
            Self::Gone(_) => 2,
            Self::Reading => 3,
        }
    }
}

const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;
const SQLITE_IOERR: u32 = 10;
const SQLITE_CORRUPT: u32 = 11;
const SQLITE_CANTOPEN: u32 = 14;
const SQLITE_NOTADB: u32 = 26;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_codes_are_judged_by_their_primary_code() {
        let name = |kind: Kind| StoreError::NAMES[kind(sqlx::Error::RowNotFound).index()];
        assert_eq!(name(of_result_code("517")), "busy", "SQLITE_BUSY_SNAPSHOT");
        assert_eq!(name(of_result_code("267")), "damaged", "SQLITE_CORRUPT_VTAB");
        assert_eq!(name(of_result_code("4874")), "full", "SQLITE_IOERR_SHMSIZE");
        assert_eq!(name(of_result_code("1")), "_OTHER");
    }

    #[test]
    fn states_are_judged_by_their_class() {
        let name = |kind: Kind| StoreError::NAMES[kind(sqlx::Error::RowNotFound).index()];
        for (state, wanted) in
            [("53300", "busy"), ("57P01", "unavailable"), ("08006", "unavailable"), ("42601", "_OTHER")]
        {
            assert_eq!(name(of_state(state)), wanted, "{state}");
        }
    }

    #[test]
    fn every_failure_has_a_name() {
        let failures: [StoreError; 3] =
            [sqlx::Error::PoolTimedOut.into(), sqlx::Error::PoolClosed.into(), sqlx::Error::RowNotFound.into()];
        assert_eq!(failures.map(|it| StoreError::NAMES[it.index()]), ["busy", "unavailable", "_OTHER"]);
    }
}
