//! A value that several tasks hold: when the last of them lets go, it ends, once, and may then be used again. Nothing that
//! a holder of the former use does can reach the next use, because a use ends only when nobody holds it.

use crate::sync::{AtomicUsize, Mutex, MutexGuard, Ordering, PoisonError};

/// The place of a value, with how many hold it. It stays where it is for as long as the process lives: whoever makes one
/// uses it again.
#[derive(Debug)]
pub(crate) struct Slot<T> {
    holders: AtomicUsize,
    value: Mutex<T>,
}

/// A value that has an end.
pub(crate) trait Ends: Sized + 'static {
    /// The last holder let go.
    fn ends(last: Sole<Self>);
}

/// A place that nobody holds; whoever has this has it alone, but for those who only look.
#[derive(Debug)]
pub(crate) struct Sole<T: 'static>(&'static Slot<T>);

/// One of those who hold a value.
#[derive(Debug)]
pub(crate) struct Holder<T: Ends>(&'static Slot<T>);

impl<T> Slot<T> {
    /// Looks at the value, whoever holds it.
    pub(crate) fn look(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Ends> Sole<T> {
    /// A place for a value.
    pub(crate) fn new(value: T) -> Self {
        Self(Box::leak(Box::new(Slot { holders: AtomicUsize::new(0), value: Mutex::new(value) })))
    }

    /// The place, for those who only look.
    pub(crate) fn slot(&self) -> &'static Slot<T> {
        self.0
    }

    pub(crate) fn value(&self) -> MutexGuard<'_, T> {
        self.0.look()
    }

    /// Begins a use.
    pub(crate) fn hold(self) -> Holder<T> {
        self.0.holders.store(1, Ordering::Relaxed); // nobody else counts here before there is a holder
        Holder(self.0)
    }
}

impl<T: Ends> Holder<T> {
    pub(crate) fn value(&self) -> MutexGuard<'_, T> {
        self.0.look()
    }
}

impl<T: Ends> Clone for Holder<T> {
    fn clone(&self) -> Self {
        self.0.holders.fetch_add(1, Ordering::Relaxed); // whoever clones holds it: it cannot end meanwhile
        Self(self.0)
    }
}

impl<T: Ends> Drop for Holder<T> {
    fn drop(&mut self) {
        // what each holder did is seen by the one that ends it
        if self.0.holders.fetch_sub(1, Ordering::AcqRel) == 1 {
            T::ends(Sole(self.0));
        }
    }
}
