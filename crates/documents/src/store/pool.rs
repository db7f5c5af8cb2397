//! The store's connections, seen: how many there are, who waits for one and for how long. Whatever kind of database.

use crate::metrics::{
    POOL_CONNECTIONS, POOL_MAX, POOL_PENDING, POOL_TIMEOUTS, POOL_WAIT,
    PoolName::Documents,
    PoolState::{Idle, Used},
};
use sidelight::metrics::{Probe, Stopwatch};
use sqlx::{Database, Error, SqlSafeStr as _, Transaction, pool::PoolConnection};
use std::sync::Arc;

/// Connections. Cheap to clone; all clones are one.
#[derive(Debug)]
pub(crate) struct Pool<DB: Database> {
    pool: sqlx::Pool<DB>,
    seen: Arc<Probe>,
}

impl<DB: Database> Clone for Pool<DB> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), seen: Arc::clone(&self.seen) }
    }
}

impl<DB: Database> Pool<DB> {
    pub(crate) fn new(pool: sqlx::Pool<DB>) -> Self {
        let seen = pool.clone();
        let probe = Probe::new(move || {
            let (all, idle) = (i64::from(seen.size()), i64::try_from(seen.num_idle()).unwrap_or(i64::MAX));
            POOL_CONNECTIONS.set((Documents, Idle), idle);
            POOL_CONNECTIONS.set((Documents, Used), (all - idle).max(0)); // read one after the other
            POOL_MAX.set(Documents, i64::from(seen.options().get_max_connections()));
        });
        Self { pool, seen: Arc::new(probe) }
    }

    /// A connection of one's own, until it is dropped. sqlx does not say how many wait, so it is counted here.
    pub(crate) async fn acquire(&self) -> Result<PoolConnection<DB>, Error> {
        let (waits, stopwatch) = (Waits::new(), Stopwatch::start());
        let acquired = self.pool.acquire().await;
        drop(waits);
        match &acquired {
            Ok(_) => POOL_WAIT.record(Documents, stopwatch.elapsed()),
            Err(Error::PoolTimedOut) => POOL_TIMEOUTS.add(Documents, 1),
            Err(_) => {}
        }
        acquired
    }

    /// A transaction, on a connection of its own.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, DB>, Error> {
        Transaction::begin(self.acquire().await?, None).await
    }

    /// A transaction that begins with a statement of the database's own.
    pub(crate) async fn begin_with(&self, statement: &'static str) -> Result<Transaction<'static, DB>, Error> {
        Transaction::begin(self.acquire().await?, Some(statement.into_sql_str())).await
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// One query in the gauge, also when its future is dropped.
struct Waits;

impl Waits {
    fn new() -> Self {
        POOL_PENDING.add(Documents, 1);
        Self
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        POOL_PENDING.add(Documents, -1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sidelight::metrics::sample;
    use sqlx::{Sqlite, sqlite::SqlitePoolOptions};
    use std::time::Duration;

    #[tokio::test]
    async fn a_query_that_waits_too_long_is_counted_and_so_is_whoever_waits_now() {
        let options = SqlitePoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(2));
        let pool: Pool<Sqlite> = Pool::new(options.connect("sqlite::memory:").await.unwrap());
        let of = |name: &str| format!("db_client_connection_{name}{{db_client_connection_pool_name=\"documents\"}}");
        let state = |state: &str| {
            let labels = format!(r#"db_client_connection_pool_name="documents",db_client_connection_state="{state}""#);
            sample(&format!("db_client_connection_count{{{labels}}}"))
        };
        let seen = |number: f64| sidelight::metrics::COMPILED.then_some(number);
        let held = pool.acquire().await.unwrap();
        let waits = tokio::spawn({
            let pool = pool.clone();
            async move { pool.acquire().await.map(drop) }
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(sample(&of("pending_requests")), seen(1.0));
        assert_eq!((state("used"), state("idle"), sample(&of("max"))), (seen(1.0), seen(0.0), seen(1.0)));
        assert!(matches!(waits.await.unwrap(), Err(Error::PoolTimedOut)));
        assert_eq!((sample(&of("pending_requests")), sample(&of("timeouts_total"))), (seen(0.0), seen(1.0)));
        assert_eq!(sample(&of("wait_time_seconds_count")), seen(1.0));
        drop(held);
        pool.acquire().await.unwrap();
        assert_eq!(sample(&of("wait_time_seconds_count")), seen(2.0));
    }
}
