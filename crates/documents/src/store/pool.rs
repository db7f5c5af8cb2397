//! The store's connections, seen: how many there are, who waits for one and for how long. Whatever kind of database.

use crate::metrics::{
    POOL_CONNECTIONS, POOL_MAX, POOL_PENDING, POOL_TIMEOUTS, POOL_WAIT,
    PoolName::Documents,
    PoolState::{Idle, Used},
};
use sidelight::metrics::{Probe, Stopwatch};
use sqlx::{Database, Error, Executor, IntoArguments, SqlSafeStr as _, pool::PoolConnection};
use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections, which are had in the order in which they are asked for. Whoever asks waits as long as its own deadline lets it:
/// only connecting has a limit here. Cheap to clone; all clones are one.
#[derive(Debug)]
pub(crate) struct Pool<DB: Database> {
    connections: sqlx::Pool<DB>,
    turns: Arc<Semaphore>,
    heavy: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    /// Each query is a transaction of its own: behind a pooler that gives a connection for no longer.
    in_transactions: bool,
    seen: Arc<Probe>,
}

impl<DB: Database> Clone for Pool<DB> {
    fn clone(&self) -> Self {
        Self {
            connections: self.connections.clone(),
            turns: Arc::clone(&self.turns),
            heavy: Arc::clone(&self.heavy),
            waiting: Arc::clone(&self.waiting),
            in_transactions: self.in_transactions,
            seen: Arc::clone(&self.seen),
        }
    }
}

impl<DB: Database> Pool<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    DB::Arguments: IntoArguments<DB>,
{
    pub(crate) fn new(pool: sqlx::Pool<DB>) -> Self {
        let seen = pool.clone();
        let most = pool.options().get_max_connections() as usize;
        let probe = Probe::new(move || {
            let (all, idle) = (i64::from(seen.size()), i64::try_from(seen.num_idle()).unwrap_or(i64::MAX));
            POOL_CONNECTIONS.set((Documents, Idle), idle);
            POOL_CONNECTIONS.set((Documents, Used), (all - idle).max(0)); // read one after the other
            POOL_MAX.set(Documents, i64::from(seen.options().get_max_connections()));
        });
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self {
            connections: pool,
            turns: Arc::new(Semaphore::new(most)),
            heavy: Arc::new(Semaphore::new(processors.clamp(1, most.saturating_sub(LIGHT).max(1)))),
            waiting: Arc::default(),
            in_transactions: false,
            seen: Arc::new(probe),
        }
    }

    /// The processors are a server's own, however many this machine has.
    pub(crate) fn elsewhere(self) -> Self {
        let most = self.connections.options().get_max_connections() as usize;
        Self { heavy: Arc::new(Semaphore::new(most.saturating_sub(LIGHT).max(1))), ..self }
    }

    /// Behind a pooler in transaction mode.
    pub(crate) fn in_transactions(self, in_transactions: bool) -> Self {
        Self { in_transactions, ..self }
    }

    /// A turn for what keeps a processor busy: some connections are always left for what does not.
    pub(crate) async fn heavy(&self) -> OwnedSemaphorePermit {
        let _waits = Waits::new(&self.waiting);
        Arc::clone(&self.heavy).acquire_owned().await.expect("it is never closed")
    }

    /// A connection of one's own, until it is dropped. sqlx does not say how many wait, so it is counted here.
    pub(crate) async fn acquire(&self) -> Result<Held<DB>, Error> {
        let mut held = self.held().await?;
        if self.in_transactions {
            raw::<DB>(&mut held, "BEGIN READ ONLY").await?; // which ends when it is given back
        }
        Ok(held)
    }

    /// A connection of one's own, as it is.
    pub(crate) async fn held(&self) -> Result<Held<DB>, Error> {
        let (waits, stopwatch) = (Waits::new(&self.waiting), Stopwatch::start());
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Error::PoolClosed)?;
        let acquired = self.connections.acquire().await;
        drop(waits);
        match &acquired {
            Ok(_) => POOL_WAIT.record(Documents, stopwatch.elapsed()),
            Err(Error::PoolTimedOut) => POOL_TIMEOUTS.add(Documents, 1),
            Err(_) => {}
        }
        Ok(Held { connection: acquired?, is_open: false, _turn: turn })
    }

    /// A transaction, on a connection of its own.
    pub(crate) async fn begin(&self) -> Result<Held<DB>, Error> {
        self.begin_with("BEGIN").await
    }

    /// A transaction that begins with a statement of the database's own.
    pub(crate) async fn begin_with(&self, statement: &'static str) -> Result<Held<DB>, Error> {
        let mut held = self.held().await?;
        held.is_open = true;
        raw::<DB>(&mut held, statement).await?;
        Ok(held)
    }

    /// How many wait for a connection.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(crate) async fn close(&self) {
        self.connections.close().await;
    }
}

/// A connection that somebody has. One whose transaction was not brought to its end is closed when it is dropped: nobody can
/// know what state it is in, after a disk that was full for example.
#[derive(Debug)]
pub(crate) struct Held<DB: Database> {
    connection: PoolConnection<DB>,
    /// A transaction is.
    is_open: bool,
    _turn: OwnedSemaphorePermit,
}

impl<DB: Database> Held<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    /// Ends the transaction.
    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        raw::<DB>(&mut self, "COMMIT").await?;
        self.is_open = false;
        Ok(())
    }
}

async fn raw<DB: Database>(held: &mut Held<DB>, statement: &'static str) -> Result<(), Error>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let connection: &mut DB::Connection = held;
    connection.execute(sqlx::raw_sql(statement.into_sql_str())).await.map(drop)
}

impl<DB: Database> Drop for Held<DB> {
    fn drop(&mut self) {
        if self.is_open {
            self.connection.close_on_drop();
        }
    }
}

impl<DB: Database> Deref for Held<DB> {
    type Target = DB::Connection;
    fn deref(&self) -> &DB::Connection {
        &self.connection
    }
}

impl<DB: Database> DerefMut for Held<DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        &mut self.connection
    }
}

/// Connections that heavy queries leave to others.
const LIGHT: usize = 2;

/// One query in the gauge, also when its future is dropped.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        POOL_PENDING.add(Documents, 1);
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        POOL_PENDING.add(Documents, -1);
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sidelight::metrics::sample;
    use sqlx::{Sqlite, sqlite::SqlitePoolOptions};
    use std::time::Duration;

    fn shown(name: &str) -> Option<f64> {
        sample(&format!("db_client_connection_{name}{{db_client_connection_pool_name=\"documents\"}}"))
    }

    fn seen(number: f64) -> Option<f64> {
        sidelight::metrics::COMPILED.then_some(number)
    }

    async fn of(connections: u32) -> Pool<Sqlite> {
        let options = SqlitePoolOptions::new().max_connections(connections).acquire_timeout(Duration::from_secs(2));
        Pool::new(options.connect("sqlite::memory:").await.unwrap())
    }

    #[tokio::test]
    async fn whoever_waits_is_counted_and_comes_in_turn() {
        let pool = of(1).await;
        let state = |state: &str| {
            let labels = format!(r#"db_client_connection_pool_name="documents",db_client_connection_state="{state}""#);
            sample(&format!("db_client_connection_count{{{labels}}}"))
        };
        let held = pool.acquire().await.unwrap();
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for number in 0..3 {
            let (pool, told) = (pool.clone(), Arc::clone(&told));
            waiting.push(tokio::spawn(async move {
                let _held = pool.acquire().await.unwrap();
                told.lock().unwrap().push(number);
            }));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!((pool.waiting(), shown("pending_requests")), (3, seen(3.0)));
        assert_eq!((state("used"), state("idle"), shown("max")), (seen(1.0), seen(0.0), seen(1.0)));
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert_eq!(pool.waiting(), 3, "longer than it takes to connect");
        drop(held);
        for waited in waiting {
            waited.await.unwrap();
        }
        assert_eq!(*told.lock().unwrap(), [0, 1, 2]);
        assert_eq!((pool.waiting(), shown("pending_requests")), (0, seen(0.0)));
    }

    #[tokio::test]
    async fn a_transaction_that_was_not_ended_takes_its_connection_with_it() {
        let pool = of(2).await;
        let mut held = pool.begin().await.unwrap();
        sqlx::query("CREATE TEMP TABLE mine (a)").execute(&mut *held).await.unwrap();
        drop(held);
        let mut held = pool.begin().await.unwrap();
        assert!(sqlx::query("SELECT * FROM mine").execute(&mut *held).await.is_err());
    }
}
