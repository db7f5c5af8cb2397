//! No profiles: the system's allocator, and pages that say what is missing.

#![allow(clippy::inline_always)] // an off twin must vanish

use crate::{
    Catalog, Page, Settings, StartError,
    page::{PageError, Permission},
};

/// This build has no profiling.
pub const COMPILED: bool = false;

/// Nothing to show.
pub const CATALOG: Catalog = &[];

const fn missing(path: &'static str) -> Page {
    Page {
        path,
        permission: Permission::Profile,
        says: "Not in this build: feature `profiling`.",
        parameters: None,
        show: |_| Err(PageError::NotBuilt { feature: "profiling" }),
        change: None,
    }
}

/// The pages answer that they are not built in.
pub const PAGES: &[Page] =
    &[missing("/debug/pprof/profile"), missing("/debug/pprof/heap"), missing("/debug/pprof/allocs")];

/// The system's allocator stays.
#[macro_export]
macro_rules! allocator {
    () => {};
}

/// Nothing.
#[doc(hidden)]
pub mod allocator {}

#[inline(always)]
#[allow(clippy::unnecessary_wraps)] // the twin can fail
pub(crate) fn start(_: &Settings) -> Result<(), StartError> {
    Ok(())
}
