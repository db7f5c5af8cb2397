//! The arenas that there are: as many as there were requests at one time. One that nobody uses is given to the next request,
//! first of all to one on the same thread.

use super::{
    arena::Arena,
    shared::{Slot, Unique},
};
use std::{
    cell::Cell,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Arenas that nobody uses and that keep their room.
pub(super) const FREE_KEPT: usize = 4096;

/// The arenas that there are, and which of them nobody uses. There are as many as there were at one time, in
/// flight or waiting for the exporter.
struct Table {
    all: Vec<&'static Slot<Arena>>,
    /// Free, and they keep their room.
    kept: Vec<Unique<Arena>>,
    /// Free, and what they held was given back.
    bare: Vec<Unique<Arena>>,
}

static TABLE: Mutex<Table> = Mutex::new(Table { all: Vec::new(), kept: Vec::new(), bare: Vec::new() });

thread_local! {
    static SPARE: Spare = const { Spare(Cell::new(None)) };
}

/// The arena that a thread put away last: likely to be in its cache, and got without the table's lock.
struct Spare(Cell<Option<Unique<Arena>>>);

impl Drop for Spare {
    fn drop(&mut self) {
        if let Some(arena) = self.0.take() {
            table().put_away(arena);
        }
    }
}

fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    fn free_arena(&mut self) -> Unique<Arena> {
        self.kept.pop().or_else(|| self.bare.pop()).unwrap_or_else(|| {
            let arena = Unique::new(Arena::default());
            self.all.push(arena.slot());
            arena
        })
    }

    /// When a crowd has gone, what theirs hold is given back.
    fn put_away(&mut self, arena: Unique<Arena>) {
        if self.kept.len() < FREE_KEPT {
            self.kept.push(arena);
        } else {
            *arena.value() = Arena::default();
            self.bare.push(arena);
        }
    }
}

/// An arena that nobody uses; what the last request left in it is still there.
pub(crate) fn free_arena() -> Unique<Arena> {
    let spare = SPARE.try_with(|spare| spare.0.take()).ok().flatten();
    spare.unwrap_or_else(|| table().free_arena())
}

/// Gives an arena back, so that another request may have it.
pub(crate) fn put_away(arena: Unique<Arena>) {
    let mut arena = Some(arena);
    let _ = SPARE.try_with(|spare| arena = spare.0.replace(arena.take())); // a thread that ends keeps none
    if let Some(arena) = arena {
        table().put_away(arena);
    }
}

/// Every arena; which of them are in use, each says itself.
pub(crate) fn all() -> Vec<&'static Slot<Arena>> {
    table().all.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::HashSet, ptr, thread};

    #[test]
    fn a_thread_that_ends_gives_its_arena_back() {
        let use_one = || {
            let arena = free_arena();
            let place = ptr::from_ref(arena.slot()).addr();
            put_away(arena);
            place
        };
        let threads = 1000;
        let used: HashSet<usize> = (0..threads).map(|_| thread::spawn(use_one).join().unwrap()).collect();
        assert!(used.len() < threads / 2, "{} arenas for one thread at a time", used.len());
    }
}
