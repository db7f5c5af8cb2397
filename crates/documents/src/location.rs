//! Where a store is, as `DATABASE_URL` says it. Opens nothing.

use sqlx::postgres::PgConnectOptions;
use std::{fmt, path::PathBuf, str::FromStr};

/// A store's place.
#[derive(Clone, Debug)]
pub enum Location {
    /// A file of SQLite, which need not exist.
    File(PathBuf),
    /// A database of PostgreSQL with pgvector.
    Server(Box<PgConnectOptions>),
}

/// Not a place that a store can be at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Another kind of database.
    #[error(
        "allowed are sqlite://PATH, for example sqlite:///var/lib/mcp/documents.db, and postgres://USER@HOST/DATABASE"
    )]
    Scheme,
    /// A file is needed, because several connections share it.
    #[error("the path of a file is needed after sqlite://, without parameters; a database in memory is not possible")]
    Path,
    /// Not what a client of PostgreSQL understands.
    #[error("allowed is postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=MODE ({0})")]
    Server(String),
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(url: &str) -> Result<Self, LocationError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = url.parse::<PgConnectOptions>().map_err(|why| LocationError::Server(why.to_string()))?;
            return Ok(Self::Server(Box::new(options)));
        }
        let rest = url.strip_prefix("sqlite:").ok_or(LocationError::Scheme)?;
        let path = rest.strip_prefix("//").unwrap_or(rest);
        match path {
            "" | ":memory:" => Err(LocationError::Path),
            path if path.contains('?') => Err(LocationError::Path),
            path => Ok(Self::File(path.into())),
        }
    }
}

/// Never shows a password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "sqlite://{}", path.display()),
            Self::Server(to) => {
                let database = to.get_database().unwrap_or("");
                write!(f, "postgres://{}@{}:{}/{database}", to.get_username(), to.get_host(), to.get_port())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(url: &str) -> LocationError {
        url.parse::<Location>().unwrap_err()
    }

    #[test]
    fn absolute_and_relative_files_are_places() {
        for (url, shown) in [
            ("sqlite:///a/b.db", "sqlite:///a/b.db"),
            ("sqlite://b.db", "sqlite://b.db"),
            ("sqlite:b.db", "sqlite://b.db"),
        ] {
            assert_eq!(url.parse::<Location>().unwrap().to_string(), shown, "{url}");
        }
    }

    #[test]
    fn a_server_is_shown_without_its_password() {
        let location: Location = "postgres://me:s3cret@db.example:5433/docs?sslmode=require".parse().unwrap();
        assert_eq!(location.to_string(), "postgres://me@db.example:5433/docs");
    }

    #[test]
    fn other_databases_and_no_file_are_refused_with_what_is_allowed() {
        for url in ["mysql://x", "/a/b.db", ""] {
            assert_eq!(error(url), LocationError::Scheme, "{url}");
        }
        for url in ["sqlite://", "sqlite::memory:", "sqlite:///a.db?mode=ro"] {
            assert_eq!(error(url), LocationError::Path, "{url}");
        }
        assert!(matches!(error("postgres://h/d?sslmode=maybe"), LocationError::Server(_)));
    }
}
