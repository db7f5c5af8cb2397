//! Statements to a server. Those of a sampled request end with a comment that names it, so that the server's own log of
//! statements does. Such a statement is like no other: it is prepared once and thrown away, and the cache of prepared
//! statements stays as it is. All other statements are prepared once and kept, unless a pooler is between: what is prepared
//! on its connections belongs to whoever has them next.

use sidelight::Context;
use sqlx::{
    AssertSqlSafe, FromRow, Postgres, SqlSafeStr, SqlStr,
    postgres::{PgArguments, PgRow},
    query::{Query, QueryAs, QueryScalar},
};

/// How statements are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statements {
    pub(super) are_kept: bool,
}

impl Statements {
    /// As `sqlx::query`.
    pub(super) fn query(self, statement: impl SqlSafeStr) -> Query<'static, Postgres, PgArguments> {
        let (statement, is_kept) = self.commented(statement.into_sql_str());
        sqlx::query(statement).persistent(is_kept)
    }

    /// As `sqlx::query_as`.
    pub(super) fn query_as<O>(self, statement: impl SqlSafeStr) -> QueryAs<'static, Postgres, O, PgArguments>
    where
        O: for<'r> FromRow<'r, PgRow>,
    {
        let (statement, is_kept) = self.commented(statement.into_sql_str());
        sqlx::query_as(statement).persistent(is_kept)
    }

    /// As `sqlx::query_scalar`.
    pub(super) fn query_scalar<O>(self, statement: impl SqlSafeStr) -> QueryScalar<'static, Postgres, O, PgArguments>
    where
        (O,): for<'r> FromRow<'r, PgRow>,
    {
        let (statement, is_kept) = self.commented(statement.into_sql_str());
        sqlx::query_scalar(statement).persistent(is_kept)
    }

    /// The statement, and whether it is worth keeping. The comment holds hexadecimal digits, and a correlation id that was
    /// checked: letters, digits, `.`, `_` and `-`.
    fn commented(self, statement: SqlStr) -> (SqlStr, bool) {
        match Context::current().sql_comment() {
            Some(comment) => (AssertSqlSafe(format!("{} {comment}", statement.as_str())).into_sql_str(), false),
            None => (statement, self.are_kept),
        }
    }
}
