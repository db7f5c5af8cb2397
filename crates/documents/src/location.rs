//! Where a store is, as `DATABASE_URL` says it. Opens nothing.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// A store's place: a file of SQLite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location(PathBuf);

/// Not a place that a store can be at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Another kind of database.
    #[error("allowed is sqlite://PATH, for example sqlite:///var/lib/mcp/documents.db")]
    Scheme,
    /// A file is needed, because several connections share it.
    #[error("the path of a file is needed after sqlite://, without parameters; a database in memory is not possible")]
    Path,
}

impl Location {
    /// The store in this file, which need not exist.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(url: &str) -> Result<Self, LocationError> {
        let rest = url.strip_prefix("sqlite:").ok_or(LocationError::Scheme)?;
        let path = rest.strip_prefix("//").unwrap_or(rest);
        match path {
            "" | ":memory:" => Err(LocationError::Path),
            path if path.contains('?') => Err(LocationError::Path),
            path => Ok(Self::file(path)),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite://{}", self.0.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_and_relative_files_are_places() {
        for (url, path) in [("sqlite:///a/b.db", "/a/b.db"), ("sqlite://b.db", "b.db"), ("sqlite:b.db", "b.db")] {
            assert_eq!(url.parse::<Location>().unwrap().path(), Path::new(path), "{url}");
        }
        assert_eq!(Location::file("/a/b.db").to_string(), "sqlite:///a/b.db");
    }

    #[test]
    fn other_databases_and_no_file_are_refused_with_what_is_allowed() {
        for url in ["postgres://localhost/x", "mysql://x", "/a/b.db", ""] {
            assert_eq!(url.parse::<Location>(), Err(LocationError::Scheme), "{url}");
        }
        for url in ["sqlite://", "sqlite::memory:", "sqlite:///a.db?mode=ro"] {
            assert_eq!(url.parse::<Location>(), Err(LocationError::Path), "{url}");
        }
    }
}
