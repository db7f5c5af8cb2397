//! Whether a pooler is before a PostgreSQL that gives each transaction another connection, such as `PgBouncer` in its mode
//! `transaction`: what is prepared on one is missed, or met, on another. Asked once, when a store is opened.

use super::WAIT;
use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _, SqlSafeStr as _,
    postgres::PgConnectOptions,
};
use tokio::time::timeout;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// Two connections are in a transaction at once, so each has a process of its own. Whoever ends last leaves its process to
/// whoever asks next: without a pooler nobody ever changes.
pub(super) async fn is_before(options: &PgConnectOptions) -> Result<bool> {
    let (mut one, mut other) = (options.connect().await?, options.connect().await?);
    // behind a pooler with a single connection the second would wait for ever
    let changed = timeout(WAIT, async {
        let mut changed = false;
        for _ in 0..ROUNDS {
            let first = begun(&mut one).await?;
            let second = begun(&mut other).await?;
            run(&mut one, "COMMIT").await?;
            run(&mut other, "COMMIT").await?;
            changed |= begun(&mut one).await? != first;
            changed |= begun(&mut other).await? != second;
            run(&mut other, "COMMIT").await?;
            run(&mut one, "COMMIT").await?;
        }
        Ok(changed)
    });
    let changed = changed.await.unwrap_or(Ok(true));
    // whether they take their leave matters to nobody
    let _ = (one.close_hard().await, other.close_hard().await);
    changed
}

/// Begins a transaction; gives the number of the process that it is in.
async fn begun(connection: &mut PgConnection) -> Result<String> {
    run(connection, "BEGIN").await?;
    let row = connection.fetch_one(sqlx::raw_sql("SELECT pg_backend_pid()::text".into_sql_str())).await?;
    row.try_get(0)
}

async fn run(connection: &mut PgConnection, statement: &'static str) -> Result<()> {
    connection.execute(sqlx::raw_sql(statement.into_sql_str())).await.map(drop)
}

/// Others may ask the same pooler meanwhile.
const ROUNDS: u32 = 3;
