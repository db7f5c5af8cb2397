//! Sessions of clients, and what replicas tell each other of them.

use super::{PostgresStore, Result};
use crate::store::{SESSION_SECONDS, SESSIONS_MAX, WAIT};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

impl PostgresStore {
    pub(crate) async fn load_session(&self, id: &str) -> Result<Option<String>> {
        self.sql
            .query_scalar("SELECT state FROM sessions WHERE id = $1")
            .bind(id)
            .fetch_optional(&mut *self.pool.acquire().await?)
            .await
    }

    pub(crate) async fn save_session(&self, id: &str, state: &str, now: i64) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        let query = self.sql.query(
            "DELETE FROM sessions WHERE used < $1
             OR used < (SELECT used FROM sessions ORDER BY used DESC LIMIT 1 OFFSET $2)",
        );
        let query = query.bind(now - SESSION_SECONDS).bind(SESSIONS_MAX);
        query.execute(&mut *transaction).await?;
        let query = self.sql.query(
            "INSERT INTO sessions (id, state, used) VALUES ($1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET state = $2, used = $3",
        );
        query.bind(id).bind(state).bind(now).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    pub(crate) async fn touch_session(&self, id: &str, now: i64) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        let query = self.sql.query("UPDATE sessions SET used = $2 WHERE id = $1").bind(id).bind(now);
        query.execute(&mut *transaction).await?;
        transaction.commit().await
    }

    pub(crate) async fn delete_session(&self, id: &str) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        self.sql.query("DELETE FROM sessions WHERE id = $1").bind(id).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    /// Tells every replica, this one too.
    pub(crate) async fn say(&self, said: &str) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        self.sql.query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(said).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    /// What replicas say, on a connection of its own, until that breaks. Behind a pooler nobody can be heard.
    pub(crate) async fn hear(&self, mut heard: impl FnMut(String)) -> Result<()> {
        if !self.sql.are_kept {
            return std::future::pending().await;
        }
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(WAIT)
            .connect_lazy_with(PgConnectOptions::clone(&self.options));
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(CHANNEL).await?;
        loop {
            heard(listener.recv().await?.payload().to_owned());
        }
    }
}

/// What replicas say to each other.
const CHANNEL: &str = "sidelight_sessions";
