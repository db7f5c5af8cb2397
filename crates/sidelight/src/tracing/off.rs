//! No tracing: contexts are zero-sized, wrappers are the future itself, lines are checked and not written.

#![allow(clippy::inline_always, clippy::unused_self)] // an off twin must vanish, and keeps the on twin's signatures

use super::{Carrier, Incoming, Note, Value};
use crate::{
    Definition, Page, Settings, StartError,
    page::{Change, PageError, Permission},
};
use std::time::Duration;

/// This build has no tracing.
pub const COMPILED: bool = false;

const NOT_BUILT: PageError = PageError::NotBuilt { feature: "tracing" };

const fn missing(path: &'static str, change: Option<Change>) -> Page {
    Page {
        path,
        permission: Permission::Read,
        says: "Not in this build: feature `tracing`.",
        parameters: None,
        show: |_| Err(NOT_BUILT),
        change,
    }
}

const NO_CHANGE: Option<Change> =
    Some(Change { says: "Not in this build: feature `tracing`.", parameters: &[], apply: |_| Err(NOT_BUILT) });

/// The pages answer that they are not built in.
pub const PAGES: &[Page] =
    &[missing("/debug/requests", None), missing("/log/filter", NO_CHANGE), missing("/trace/sampling", NO_CHANGE)];

#[doc(hidden)]
pub mod lines {}

/// Checks a line's words, and writes nothing.
#[macro_export]
#[doc(hidden)]
macro_rules! event {
    ($level:ident, $text:literal $(, $key:ident = $value:expr)* $(,)?) => {
        if false {
            let _ = ($text, $(&$value),*);
        }
    };
}

impl Carrier<'_> {
    /// Never: this build reads none.
    #[inline(always)]
    #[must_use]
    pub fn has_context(&self) -> bool {
        false
    }
}

/// The very same future.
pub type Within<F> = F;

/// No context.
#[derive(Clone, Debug, Default)]
pub struct Context;
const _: () = assert!(size_of::<Context>() == 0, "what is not seen weighs nothing");

impl Context {
    /// No context.
    #[inline(always)]
    #[must_use]
    pub fn begin(_: &Incoming<'_>) -> Self {
        Self
    }
    /// No context.
    #[inline(always)]
    #[must_use]
    pub fn current() -> Self {
        Self
    }
    /// The future, unchanged.
    #[inline(always)]
    pub fn scope<F: Future>(self, future: F) -> Within<F> {
        future
    }
    /// Calls the function.
    #[inline(always)]
    pub fn run<R>(self, function: impl FnOnce() -> R) -> R {
        function()
    }
    /// No header.
    #[inline(always)]
    #[must_use]
    pub fn headers(&self) -> [(&'static str, String); 0] {
        []
    }
    /// No comment.
    #[inline(always)]
    #[must_use]
    pub fn sql_comment(&self) -> Option<String> {
        None
    }
}

/// Nothing is noted.
#[inline(always)]
pub fn note<'a>(_: &'static str, _: impl Into<Value<'a>>) {}

/// No record.
#[doc(hidden)]
#[derive(Debug)]
pub struct Node;

impl Node {
    /// No record.
    pub const NONE: Self = Self;
    /// No record.
    #[inline(always)]
    #[must_use]
    pub fn begin(_: &'static Definition, _: u32, _: impl Copy) -> Self {
        Self
    }
    /// Nothing becomes current.
    #[inline(always)]
    #[must_use]
    pub fn enter(&mut self) -> Entered {
        Entered
    }
    /// Nothing is kept.
    #[inline(always)]
    pub fn end(self, _: usize, _: Duration, _: &[Note<'_>]) {}
}

/// Nothing is current.
#[doc(hidden)]
#[derive(Debug)]
pub struct Entered;

/// Nothing to flush.
#[derive(Debug)]
pub(crate) struct Flush;

#[inline(always)]
#[allow(clippy::unnecessary_wraps)] // the twin can fail
pub(crate) fn start(_: &Settings) -> Result<Flush, StartError> {
    Ok(Flush)
}
