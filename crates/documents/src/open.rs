//! Opens a store: makes the file where there is none, brings its tables up to date, and refuses a file that is something
//! else. Asks no question of it.

use crate::Location;
use sqlx::{
    SqlSafeStr as _, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{fs, path::PathBuf, time::Duration};

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its folder is not there and cannot be made.
    #[error("the folder {} of the document store cannot be made: {cause}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file cannot be opened, or is no database.
    #[error("the document store {location} cannot be opened: {cause}")]
    Database {
        /// The store.
        location: Location,
        /// What SQLite said.
        cause: sqlx::Error,
    },
    /// It is a database, but its tables are not this program's.
    #[error("the tables of the document store {location} cannot be brought up to date: {cause}")]
    Tables {
        /// The store.
        location: Location,
        /// What is wrong with them.
        cause: sqlx::migrate::MigrateError,
    },
}

/// Connections at a time: readers do not wait for each other, and there is one writer at a time anyway.
const CONNECTIONS_MAX: u32 = 8;
/// How long a query waits for a connection, or for another process that writes.
const WAIT: Duration = Duration::from_secs(5);

pub(crate) async fn open(location: &Location) -> Result<SqlitePool, OpenError> {
    let failed = |cause| OpenError::Database { location: location.clone(), cause };
    if let Some(folder) = location.path().parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|cause| OpenError::Folder { folder: folder.to_owned(), cause })?;
    }
    let options = SqliteConnectOptions::new()
        .filename(location.path())
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(WAIT)
        // readers go on while somebody writes, and what was committed survives a killed process
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal);
    let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(WAIT);
    let pool = pool.connect_with(options).await.map_err(failed)?;
    let migrated = migrator().run(&pool).await;
    migrated.map_err(|cause| OpenError::Tables { location: location.clone(), cause })?;
    Ok(pool)
}

/// In their order; a migration that was published is never changed.
const MIGRATIONS: [(i64, &str, &str); 1] = [(1, "documents", include_str!("../migrations/0001_documents.sql"))];

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.into_iter().map(|(version, description, sql)| {
        Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}
