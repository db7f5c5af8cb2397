//! What was asked before: vectors of questions, and results of searches. Bounded; a result belongs to the state of the store
//! in which it was found, so any change makes all results old at once.

use crate::{
    By, Hit, Search,
    metrics::{CACHE_ENTRIES, CACHE_EVICTIONS, CACHE_LOOKUP, CACHE_REQUESTS, CacheName, Lookup},
};
use moka::{notification::RemovalCause, sync::Cache};
use sidelight::tracing::note;
use std::{convert::Infallible, hash::Hash, sync::Arc};

/// Both caches. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Caches {
    pub(crate) vectors: Observed<String, Vec<f32>>,
    pub(crate) results: Observed<Asked, Vec<Hit>>,
}

/// A search, and the state of the store that it was made in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    change: i64,
    query: String,
    source: Option<String>,
    limit: usize,
    by: By,
}

impl Asked {
    pub(crate) fn new(search: &Search<'_>, change: i64) -> Self {
        let Search { query, source, limit, by } = *search;
        Self { change, query: query.to_owned(), source: source.map(str::to_owned), limit, by }
    }
}

/// Questions whose vectors are kept: 1.5 KiB each, as 32-bit floats.
const VECTORS_MAX: u64 = 4_096;
/// Searches whose results are kept: some 8 KiB each.
const RESULTS_MAX: u64 = 1_024;

impl Caches {
    pub(crate) fn new() -> Self {
        Self {
            vectors: Observed::new(CacheName::Vectors, VECTORS_MAX),
            results: Observed::new(CacheName::Results, RESULTS_MAX),
        }
    }
}

/// A cache whose lookups are counted.
#[derive(Clone, Debug)]
pub(crate) struct Observed<K: Hash + Eq + Send + Sync + 'static, V: Send + Sync + 'static> {
    name: CacheName,
    cache: Cache<K, Arc<V>>,
}

impl<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static> Observed<K, V> {
    fn new(name: CacheName, most: u64) -> Self {
        let gone = move |_: Arc<K>, _: Arc<V>, why: RemovalCause| {
            CACHE_ENTRIES.add(name, -1);
            if why.was_evicted() {
                CACHE_EVICTIONS.add(name, 1);
            }
        };
        let cache = Cache::builder().max_capacity(most).eviction_listener(gone).build();
        Self { name, cache }
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let Ok(found) = CACHE_LOOKUP.run(self.name, || {
            let found = self.cache.get(key);
            note("cache.result", if found.is_some() { "hit" } else { "miss" });
            Ok::<_, Infallible>(found)
        });
        CACHE_REQUESTS.add((self.name, if found.is_some() { Lookup::Hit } else { Lookup::Miss }), 1);
        found.map(|found| V::clone(&found))
    }

    pub(crate) fn put(&self, key: K, value: V) {
        CACHE_ENTRIES.add(self.name, 1);
        self.cache.insert(key, Arc::new(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_found_again_until_the_store_changes() {
        let caches = Caches::new();
        let search = Search { query: "q", limit: 3, ..Search::default() };
        caches.results.put(Asked::new(&search, 1), Vec::new());
        assert_eq!(caches.results.get(&Asked::new(&search, 1)), Some(Vec::new()));
        assert_eq!(caches.results.get(&Asked::new(&search, 2)), None);
        assert_eq!(caches.results.get(&Asked::new(&Search { limit: 4, ..search }, 1)), None);
    }
}
