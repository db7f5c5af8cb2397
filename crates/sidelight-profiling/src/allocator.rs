//! What a binary makes its global allocator of. The statics themselves must stand in the binary: see
//! `sidelight::allocator!`.

pub use tikv_jemallocator::Jemalloc;

/// Compiled-in settings: heap profiling can be switched on, and is not yet on. One sample for each 512 KiB allocated
/// (2^19), which costs about 0.2 % at 100 MB/s. `_RJEM_MALLOC_CONF` in the environment goes before.
pub const SETTINGS: &[u8] = b"prof:true,prof_active:false,lg_prof_sample:19\0";
