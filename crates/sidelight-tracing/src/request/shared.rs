//! A value that several tasks hold: when the last of them lets go, it ends, once, and may then be used again. Nothing that
//! a holder of the former use does can reach the next use, because a use ends only when nobody holds it. How many hold it is
//! kept under the value's own lock: whoever uses the value and begins to hold it, or lets go, locks once.
//!
//! ```text
//!  Unique --hold--> Shared --clone--> Shared, Shared ...    under the lock: holders 0 -> 1 -> 2, 3 ...
//!    ^                                    | end, drop       under the lock: holders - 1
//!    +------------ Ends::end ---- holders = 0               outside of it: the place goes where the end says
//! ```
//!
//! There is no atomic here, and so no ordering to choose: the count and the value have one lock, whose release and acquire put
//! all that a holder did before whatever the next one sees. A count beside the lock would need the reasoning of `Arc`, and a
//! second operation for each use.

use super::sync::{Mutex, MutexGuard, PoisonError};
use std::{
    mem,
    ops::{Deref, DerefMut},
};

/// The place of a value, with how many hold it. It stays where it is for as long as the process lives: whoever makes one
/// uses it again.
#[derive(Debug)]
pub(crate) struct Slot<T>(Mutex<Held<T>>);

#[derive(Debug)]
struct Held<T> {
    holders: usize,
    value: T,
}

/// A value that has an end.
pub(crate) trait Ends: Sized + 'static {
    /// The last holder let go. What is given says where its place goes.
    fn end(&mut self) -> impl FnOnce(Unique<Self>) + use<Self>;
}

/// A place that nobody holds; whoever has this has it alone, but for those who only look.
#[derive(Debug)]
pub(crate) struct Unique<T: 'static>(&'static Slot<T>);

/// One of those who hold a value.
#[derive(Debug)]
pub(crate) struct Shared<T: Ends>(&'static Slot<T>);

/// The value itself, which nobody else has meanwhile. Whoever has it holds the value once more only through this: to clone or
/// drop a holder of it on the same thread would wait for ever.
pub(crate) struct Value<'a, T: 'static> {
    held: MutexGuard<'a, Held<T>>,
    slot: &'static Slot<T>,
}

impl<T> Slot<T> {
    /// Looks at the value, whoever holds it.
    pub(crate) fn look(&'static self) -> Value<'static, T> {
        Value { held: self.0.lock().unwrap_or_else(PoisonError::into_inner), slot: self }
    }
}

impl<T> Unique<T> {
    /// A place for a value.
    pub(crate) fn new(value: T) -> Self {
        Self(Box::leak(Box::new(Slot(Mutex::new(Held { holders: 0, value })))))
    }

    /// The place, for those who only look.
    pub(crate) fn slot(&self) -> &'static Slot<T> {
        self.0
    }

    pub(crate) fn value(&self) -> Value<'_, T> {
        self.0.look()
    }
}

impl<T: Ends> Unique<T> {
    /// Begins a use, once this is done.
    pub(crate) fn hold(self, first: impl FnOnce(&mut T)) -> Shared<T> {
        let mut value = self.value();
        first(&mut value);
        value.held.holders = 1;
        Shared(self.0)
    }
}

impl<T: Ends> Shared<T> {
    pub(crate) fn value(&self) -> Value<'_, T> {
        self.0.look()
    }

    /// Does this and lets go.
    pub(crate) fn end(self, last: impl FnOnce(&mut T)) {
        let slot = self.0;
        mem::forget(self);
        slot.let_go(last);
    }
}

impl<T: Ends> Slot<T> {
    fn let_go(&'static self, last: impl FnOnce(&mut T)) {
        let mut value = self.look();
        last(&mut value);
        value.held.holders -= 1;
        let then = if value.held.holders == 0 { Some(value.end()) } else { None };
        drop(value);
        if let Some(then) = then {
            then(Unique(self));
        }
    }
}

impl<T: Ends> Value<'_, T> {
    /// One more who holds it, of a value that is held.
    pub(crate) fn hold(&mut self) -> Shared<T> {
        debug_assert!(self.held.holders > 0, "whoever only looks cannot begin a use");
        self.held.holders += 1;
        Shared(self.slot)
    }
}

impl<T> Deref for Value<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.held.value
    }
}

impl<T> DerefMut for Value<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.held.value
    }
}

impl<T: Ends> Clone for Shared<T> {
    fn clone(&self) -> Self {
        self.value().hold()
    }
}

impl<T: Ends> Drop for Shared<T> {
    fn drop(&mut self) {
        self.0.let_go(|_| ());
    }
}
