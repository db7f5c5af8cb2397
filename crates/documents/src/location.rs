//! Where a store is, as `DATABASE_URL` says it. Opens nothing.

use sqlx::postgres::PgConnectOptions;
use std::{fmt, path::PathBuf, str::FromStr};

/// A store's place.
#[derive(Clone, Debug)]
pub enum Location {
    /// A file of SQLite, which need not exist.
    File(PathBuf),
    /// A database of PostgreSQL with pgvector.
    Server(Box<Server>),
}

/// A server's address.
#[derive(Clone, Debug)]
pub struct Server {
    /// What its client is told.
    pub(crate) options: PgConnectOptions,
    /// Whether a pooler is before it that gives a connection for one transaction at a time, such as `PgBouncer` in its mode
    /// `transaction`: then nothing may be prepared. `?statement-cache-capacity=0` says so.
    pub(crate) is_pooled: bool,
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
    /// Not what a client of PostgreSQL understands. What it says of it may hold a part of a password, so it is not repeated.
    #[error(
        "allowed is postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=MODE; in a user or password the characters \
         / ? # @ : % are written as %2F %3F %23 %40 %3A %25"
    )]
    Server,
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(url: &str) -> Result<Self, LocationError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = url.parse::<PgConnectOptions>().map_err(|_| LocationError::Server)?;
            let is_pooled =
                ["?statement-cache-capacity=0", "&statement-cache-capacity=0"].iter().any(|it| url.contains(it));
            let server = Server { options, is_pooled };
            return if is_torn(url) { Err(LocationError::Server) } else { Ok(Self::Server(Box::new(server))) };
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

/// Whether a user or password that holds a `/`, `?` or `#` as it stands was read as host and database.
fn is_torn(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split_once(['/', '?', '#']).is_some_and(|(_, path)| path.contains('@'))
}

/// Never shows a password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "sqlite://{}", path.display()),
            Self::Server(server) => {
                let to = &server.options;
                let database = to.get_database().unwrap_or("");
                // whoever encodes the colon, too, has a user with a password in its name
                let user = to.get_username().split(':').next().unwrap_or_default();
                write!(f, "postgres://{user}@{}:{}/{database}", to.get_host(), to.get_port())
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
        let whole: Location = "postgres://me%3As3cret@db.example/docs".parse().unwrap();
        assert!(!whole.to_string().contains("s3cret"), "{whole}");
    }

    #[test]
    fn other_databases_and_no_file_are_refused_with_what_is_allowed() {
        for url in ["mysql://x", "/a/b.db", ""] {
            assert_eq!(error(url), LocationError::Scheme, "{url}");
        }
        for url in ["sqlite://", "sqlite::memory:", "sqlite:///a.db?mode=ro"] {
            assert_eq!(error(url), LocationError::Path, "{url}");
        }
        assert_eq!(error("postgres://h/d?sslmode=maybe"), LocationError::Server);
    }

    #[test]
    fn a_password_that_tears_the_address_is_refused_and_no_part_of_it_is_shown() {
        for url in [
            "postgres://me:s3/cret@h/d",
            "postgres://me:s3?cret@h/d",
            "postgres://me:5432/cret@h/d",
            "postgres://me:s3#cret@h/d",
        ] {
            let why = error(url);
            assert_eq!(why, LocationError::Server, "{url}");
            assert!(!why.to_string().contains("cret") && !why.to_string().contains("me"), "{why}");
        }
        assert!("postgres://me:s3%2Fcret@h/d".parse::<Location>().is_ok());
    }
}
