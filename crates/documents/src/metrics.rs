//! Everything that can be observed of the documents, in the words of OpenTelemetry's conventions for database clients
//! (<https://opentelemetry.io/docs/specs/semconv/database/database-metrics/>) where they have one.

use crate::{IngestError, StoreError};
use sidelight::{Counter, Gauge, Histogram, Operation, catalog, labels, metrics::Seconds};

labels! {
    /// What the store was asked.
    pub enum Query = "db.operation.name" {
        /// Whether it is there.
        Ping = "ping",
        /// Passages by their words.
        FullText = "full_text",
        /// Passages by their vectors.
        Nearest = "nearest",
        /// Passages by their ids.
        Passages = "passages",
        /// One document.
        Document = "document",
        /// All sources.
        Sources = "sources",
        /// What is known of a source's files.
        Hashes = "hashes",
        /// A batch of documents is written.
        Store = "store",
        /// Documents are removed.
        Remove = "remove",
        /// Sources are removed.
        Retain = "retain",
        /// Documents without their texts.
        Names = "names",
        /// Paths that begin alike.
        Paths = "paths",
        /// The number of the last change.
        Change = "change",
        /// Which corpus it holds.
        Remembered = "remembered",
        /// That a corpus is being, or was, read.
        Remember = "remember",
        /// One session is asked for.
        LoadSession = "load_session",
        /// One session is saved.
        SaveSession = "save_session",
        /// One session is forgotten.
        DeleteSession = "delete_session",
        /// Other replicas are told.
        Say = "say",
    }
    /// Which database.
    pub enum Backend = "db.system.name" {
        /// A file in this process.
        Sqlite = "sqlite",
        /// A server.
        Postgres = "postgresql",
    }
    /// Which cache.
    pub enum CacheName = "cache" {
        /// Vectors of questions.
        Vectors = "query_vectors",
        /// Results of searches.
        Results = "search_results",
    }
    /// Whether it was there.
    pub enum Lookup = "result" {
        /// It was.
        Hit = "hit",
        /// It was not.
        Miss = "miss",
    }
    /// Which pool of connections.
    pub enum PoolName = "db.client.connection.pool.name" {
        /// That of the document store.
        Documents = "documents",
    }
    /// What a connection does.
    pub enum PoolState = "db.client.connection.state" {
        /// It waits for a query.
        Idle = "idle",
        /// A query has it.
        Used = "used",
    }
    /// The source, as the corpus names it; any other name is `other`.
    pub interned SourceName = "source", at most 64;
    /// What became of a file.
    pub enum Fate = "outcome" {
        /// Read and stored.
        Stored = "stored",
        /// The same as before.
        Unchanged = "unchanged",
        /// Left out by a rule: a print page, a redirect, a translation, nothing to say.
        LeftOut = "left_out",
        /// It could not be read.
        Failed = "failed",
    }
}

catalog! {
    /// One query against the document store.
    pub DB_QUERY: Operation<(Query, Backend), StoreError> = "db.client.operation";
    /// Connections to the document store, by what they do.
    pub POOL_CONNECTIONS: Gauge<(PoolName, PoolState)> = "db.client.connection.count";
    /// Connections that there may be.
    pub POOL_MAX: Gauge<PoolName> = "db.client.connection.max";
    /// Queries that wait for a connection.
    pub POOL_PENDING: Gauge<PoolName> = "db.client.connection.pending_requests";
    /// How long a query waited for its connection.
    pub POOL_WAIT: Histogram<PoolName, Seconds> = "db.client.connection.wait_time";
    /// Queries that waited too long and were given up.
    pub POOL_TIMEOUTS: Counter<PoolName> = "db.client.connection.timeouts";
    /// One look into a cache.
    pub CACHE_LOOKUP: Operation<CacheName> = "cache.lookup";
    /// Lookups in the server's caches.
    pub CACHE_REQUESTS: Counter<(CacheName, Lookup)> = "cache.requests";
    /// Entries that made room for others.
    pub CACHE_EVICTIONS: Counter<CacheName> = "cache.evictions";
    /// Entries.
    pub CACHE_ENTRIES: Gauge<CacheName> = "cache.entries";
    /// One source read from its files into the store.
    pub INGEST: Operation<SourceName, IngestError> = "ingest";
    /// Files looked at, by what became of them.
    pub INGESTED_DOCUMENTS: Counter<(SourceName, Fate)> = "ingest.documents";
    /// Passages stored.
    pub INGESTED_PASSAGES: Counter<SourceName> = "ingest.passages";
    /// Bytes of files that were read and stored.
    pub INGESTED_BYTES: Counter<SourceName> = "ingest.bytes";
}
