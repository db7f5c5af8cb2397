//! Statements to a server. Those of a sampled request end with a comment that names it, so that the server's own log of
//! statements does. Such a statement is like no other: it is prepared once and thrown away, and the cache of prepared
//! statements stays as it is. All other statements are prepared once and kept.

use sidelight::Context;
use sqlx::{
    AssertSqlSafe, FromRow, Postgres, SqlSafeStr, SqlStr,
    postgres::{PgArguments, PgRow},
    query::{Query, QueryAs, QueryScalar},
};

/// As `sqlx::query`.
pub(super) fn query(statement: impl SqlSafeStr) -> Query<'static, Postgres, PgArguments> {
    let (statement, is_kept) = commented(statement.into_sql_str());
    sqlx::query(statement).persistent(is_kept)
}

/// As `sqlx::query_as`.
pub(super) fn query_as<O>(statement: impl SqlSafeStr) -> QueryAs<'static, Postgres, O, PgArguments>
where
    O: for<'r> FromRow<'r, PgRow>,
{
    let (statement, is_kept) = commented(statement.into_sql_str());
    sqlx::query_as(statement).persistent(is_kept)
}

/// As `sqlx::query_scalar`.
pub(super) fn query_scalar<O>(statement: impl SqlSafeStr) -> QueryScalar<'static, Postgres, O, PgArguments>
where
    (O,): for<'r> FromRow<'r, PgRow>,
{
    let (statement, is_kept) = commented(statement.into_sql_str());
    sqlx::query_scalar(statement).persistent(is_kept)
}

/// The statement, and whether it is worth keeping. The comment holds hexadecimal digits, and a correlation id that was
/// checked: letters, digits, `.`, `_` and `-`.
fn commented(statement: SqlStr) -> (SqlStr, bool) {
    match Context::current().sql_comment() {
        Some(comment) => (AssertSqlSafe(format!("{} {comment}", statement.as_str())).into_sql_str(), false),
        None => (statement, true),
    }
}
