//! What `shared` is built on. A file of its own, because the model checker in `ci/loom` puts its own in this place.

pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};
