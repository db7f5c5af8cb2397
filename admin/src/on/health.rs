//! Whether the program is ready, and if not, why. Each part of the program speaks for itself.

use crate::metrics::READY;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// What is known of the program's health. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Reasons of the parts that are not well; parts that are well hold `None`.
    parts: BTreeMap<&'static str, Option<String>>,
    started: bool,
}

impl Health {
    /// A part works.
    pub fn is_well(&self, part: &'static str) {
        self.set(part, None);
    }

    /// A part does not work (or not yet), and this is why.
    pub fn is_unwell(&self, part: &'static str, why: impl Into<String>) {
        self.set(part, Some(why.into()));
    }

    fn set(&self, part: &'static str, why: Option<String>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.parts.insert(part, why);
        state.started |= state.is_ready();
        READY.set((), i64::from(state.is_ready()));
    }

    /// Whether every part is well; a program without parts is not.
    pub(crate) fn is_ready(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_ready()
    }

    /// Whether it was ready once.
    pub(crate) fn is_started(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).started
    }

    /// Each part with its reason; an empty one means that it is well.
    pub(crate) fn parts(&self) -> BTreeMap<&'static str, String> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.parts.iter().map(|(part, why)| (*part, why.clone().unwrap_or_default())).collect()
    }
}

impl State {
    fn is_ready(&self) -> bool {
        !self.parts.is_empty() && self.parts.values().all(Option::is_none)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_means_that_every_part_is_well() {
        let health = Health::default();
        assert!(!health.is_ready());
        health.is_unwell("documents", "still reading");
        health.is_well("listener");
        assert!(!health.is_ready());
        health.is_well("documents");
        assert!(health.is_ready() && health.is_started());
    }

    #[test]
    fn what_was_ready_once_stays_started() {
        let health = Health::default();
        health.is_well("listener");
        health.is_unwell("listener", "shutting down");
        assert!(!health.is_ready() && health.is_started());
        assert_eq!(health.parts()["listener"], "shutting down");
    }
}
