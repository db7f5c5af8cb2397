//! CPU and heap profiles, and the allocator that can give them.
//!
//! The face of the twins `profiling/on.rs` and `profiling/off.rs`. A binary writes `sidelight::allocator!();`
//! once, beside its `main`: with the feature it becomes the global allocator with its compiled-in settings;
//! without, it is nothing, and the system's allocator stays.

#[cfg_attr(feature = "profiling", path = "profiling/on.rs")]
#[cfg_attr(not(feature = "profiling"), path = "profiling/off.rs")]
mod imp;

#[doc(hidden)] // what `allocator!` expands to, where it expands to anything
pub use imp::allocator;
pub(crate) use imp::start;
pub use imp::{CATALOG, COMPILED, PAGES};
