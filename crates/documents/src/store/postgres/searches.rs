//! Searches, which keep a server's processors busy. It works on when whoever asked has left: so a search keeps its turn and its
//! connection until it is done, or those who leave would take what heavy work leaves to others.

use super::{PostgresStore, Result, kind, text, without_nul};
use sidelight::Context;
use sqlx::AssertSqlSafe;
use tokio::sync::OwnedSemaphorePermit;

impl PostgresStore {
    pub(crate) async fn full_text(&self, words: &[String], source: Option<&str>, limit: u32) -> Result<Vec<i64>> {
        let (store, words, source) = (self.clone(), words.to_vec(), source.map(str::to_owned));
        let turn = self.pool.heavy().await; // who leaves before asks nothing
        outliving(turn, async move { store.find_words(&words, source.as_deref(), limit).await }).await
    }

    pub(crate) async fn nearest(&self, vector: &[f32], source: Option<&str>, limit: u32) -> Result<Vec<i64>> {
        let (store, vector, source) = (self.clone(), vector.to_vec(), source.map(str::to_owned));
        let turn = self.pool.heavy().await;
        outliving(turn, async move { store.find_nearest(&vector, source.as_deref(), limit).await }).await
    }

    async fn find_words(&self, words: &[String], source: Option<&str>, limit: u32) -> Result<Vec<i64>> {
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let query = self.sql.query_scalar(
            "SELECT passages.id FROM passages JOIN documents ON documents.id = document,
                  to_tsquery('english', $1) AS question
             WHERE words @@ question AND ($2::text IS NULL OR source = $2)
             ORDER BY ts_rank_cd(words, question, 1) DESC, passages.id LIMIT $3",
        );
        let query = query.bind(quoted.join(" | ")).bind(source.map(without_nul)).bind(i64::from(limit));
        query.fetch_all(&mut *self.pool.acquire().await?).await
    }

    async fn find_nearest(&self, vector: &[f32], source: Option<&str>, limit: u32) -> Result<Vec<i64>> {
        let (dimensions, model) = (self.model.dimensions, self.model.name.replace('\'', "''"));
        let kind = kind(dimensions);
        // the model stands in the statement, because only then the planner may take its index
        let statement = format!(
            "SELECT passage FROM vectors JOIN passages ON passages.id = passage JOIN documents ON documents.id = document
             WHERE model = '{model}' AND vector_dims(vector) = {dimensions} AND ($2::text IS NULL OR source = $2)
               AND (vector::{kind}({dimensions}) <#> $1::{kind}) < 0
             ORDER BY vector::{kind}({dimensions}) <#> $1::{kind} LIMIT $3"
        );
        let mut transaction = self.pool.begin().await?;
        let search = format!("SET LOCAL hnsw.ef_search = {}", limit.clamp(40, 1_000));
        self.sql.query(AssertSqlSafe(search)).execute(&mut *transaction).await?;
        let query = self.sql.query_scalar(AssertSqlSafe(statement));
        let query = query.bind(text(vector)).bind(source.map(without_nul)).bind(i64::from(limit));
        let found = query.fetch_all(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(found)
    }
}

async fn outliving<T: Send + 'static>(
    turn: OwnedSemaphorePermit,
    search: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let search = async move {
        let found = search.await;
        drop(turn);
        found
    };
    tokio::spawn(Context::current().scope(search)).await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}
