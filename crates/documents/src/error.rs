//! How a store can fail while it runs. How opening one can fail stands beside `DocumentQueries::open`.

use sidelight::Failure;

/// Why a query has no answer. The sentence is for whoever asked; the cause is for the log.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Others hold it for longer than a query waits.
    #[error("the document store is busy; try again")]
    Busy(#[source] sqlx::Error),
    /// No connection, or no file any more.
    #[error("the document store cannot be reached")]
    Unavailable(#[source] sqlx::Error),
    /// The file is not, or no longer, a database.
    #[error("the document store is damaged")]
    Damaged(#[source] sqlx::Error),
    /// Anything else.
    #[error("the document store failed")]
    Other(#[source] sqlx::Error),
}

impl Failure for StoreError {
    const NAMES: &'static [&'static str] = &["busy", "unavailable", "damaged", "_OTHER"];
    fn index(&self) -> usize {
        match self {
            Self::Busy(_) => 0,
            Self::Unavailable(_) => 1,
            Self::Damaged(_) => 2,
            Self::Other(_) => 3,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => Self::Busy(error),
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed | sqlx::Error::Io(_) => Self::Unavailable(error),
            sqlx::Error::Database(told) => match primary(told.code().as_deref()) {
                Some(SQLITE_BUSY | SQLITE_LOCKED) => Self::Busy(error),
                Some(SQLITE_IOERR | SQLITE_FULL | SQLITE_CANTOPEN) => Self::Unavailable(error),
                Some(SQLITE_CORRUPT | SQLITE_NOTADB) => Self::Damaged(error),
                _ => Self::Other(error),
            },
            _ => Self::Other(error),
        }
    }
}

/// The low byte of an extended result code (<https://www.sqlite.org/rescode.html>).
fn primary(code: Option<&str>) -> Option<u32> {
    Some(code?.parse::<u32>().ok()? & 0xff)
}

const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;
const SQLITE_IOERR: u32 = 10;
const SQLITE_CORRUPT: u32 = 11;
const SQLITE_FULL: u32 = 13;
const SQLITE_CANTOPEN: u32 = 14;
const SQLITE_NOTADB: u32 = 26;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_codes_are_judged_by_their_primary_code() {
        assert_eq!(primary(Some("517")), Some(SQLITE_BUSY), "SQLITE_BUSY_SNAPSHOT");
        assert_eq!(primary(Some("267")), Some(SQLITE_CORRUPT), "SQLITE_CORRUPT_VTAB");
        assert_eq!((primary(Some("23505x")), primary(None)), (None, None));
    }

    #[test]
    fn every_failure_has_a_name() {
        let failures: [StoreError; 3] =
            [sqlx::Error::PoolTimedOut.into(), sqlx::Error::PoolClosed.into(), sqlx::Error::RowNotFound.into()];
        assert_eq!(failures.map(|it| StoreError::NAMES[it.index()]), ["busy", "unavailable", "_OTHER"]);
    }
}
