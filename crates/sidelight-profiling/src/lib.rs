//! The machinery of Sidelight's feature `profiling`: CPU samples by `pprof`, heap samples by jemalloc, and the encoder
//! of `profile.proto`. Knows no listener, no setting and no feature.

pub mod allocator;
pub mod cpu;
pub mod heap;
pub mod profile;
mod proto;
