//! Where numbers live: in slabs of slots, one slab a thread. A thread adds to its own slot by a plain load and store, so
//! two threads never fight for a cache line; whoever reads adds the slots of all slabs. A slab outlives its thread: the
//! next thread goes on with it, and no number is ever taken back. Knows no name and no kind.
//!
//! A place is the same in every slab. The first chunk of a slab is found by one look at the thread and one comparison; the
//! further ones, each as long as all before it, are there when they are needed. Pages of a chunk that were never touched
//! take no memory.
//!
//! ```text
//!                 place 0     1     2    ...
//! thread A, slab   | +7 |  +1 |     |        written by A alone, while it holds the lease: load, add, store
//! thread B, slab   | +2 |     |  +5 |        written by B alone
//! free slab        | +9 |     |  +1 |        its thread has ended; the next thread takes the lease and goes on
//!                    ---   ---   ---
//! a reading          18     1     6          adds each column, while the threads go on
//! ```
//!
//! Each slot is read and written as `Relaxed`: it has one writer, and no number says anything of another memory. A lease
//! changes hands under a lock, which orders the last write of one thread before the first of the next.

use std::{
    cell::Cell,
    sync::{
        Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use zerocopy::FromZeros as _;

/// Slots of the first chunk: half a megabyte of addresses.
const FIRST: usize = 1 << 16;
/// With so many chunks a slab has four million slots.
const CHUNKS: usize = 7;

/// Slots of a whole slab.
pub(crate) const SLOTS: usize = FIRST << (CHUNKS - 1);

/// Where a number lives in each slab: the number of its first slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u32);

impl Place {
    /// Nowhere: no slab has so many slots.
    pub(crate) const NONE: Self = Self(u32::MAX);

    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
    pub(crate) const fn bits(self) -> u32 {
        self.0
    }
    const fn index(self) -> usize {
        self.0 as usize
    }

    /// So many slots further on.
    #[inline]
    pub(crate) const fn after(self, slots: usize) -> Self {
        #[allow(clippy::cast_possible_truncation)] // a cell has some hundred slots
        Self(self.0.saturating_add(slots as u32))
    }

    /// The chunk, and the slot in it.
    fn split(self) -> (usize, usize) {
        match (self.index() / FIRST).checked_ilog2() {
            None => (0, self.index()),
            Some(before) => (before as usize + 1, self.index() - (FIRST << before)),
        }
    }

    /// Takes so many slots that stand side by side in one chunk, for ever. [`Place::NONE`] when all are taken.
    pub(crate) fn take(slots: usize) -> Self {
        static NEXT: Mutex<usize> = Mutex::new(0);
        let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
        while let (chunk @ ..CHUNKS, slot) = Self(u32::try_from(*next).unwrap_or(u32::MAX)).split() {
            let end = length(chunk);
            if slot + slots <= end {
                let place = u32::try_from(*next).unwrap_or(u32::MAX);
                *next += slots;
                return Self(place);
            }
            *next += end - slot;
        }
        Self::NONE
    }
}

/// How many slots a chunk has: as many as all chunks before it.
const fn length(chunk: usize) -> usize {
    if chunk == 0 { FIRST } else { FIRST << (chunk - 1) }
}

/// The slots of one thread.
#[derive(Debug)]
struct Slab {
    chunks: [OnceLock<Box<[AtomicU64]>>; CHUNKS],
}

impl Slab {
    fn leak() -> &'static Self {
        let slab: &'static Self = Box::leak(Box::new(Self { chunks: [const { OnceLock::new() }; CHUNKS] }));
        SLABS.write().unwrap_or_else(PoisonError::into_inner).push(slab);
        slab
    }

    fn chunk(&self, chunk: usize) -> &[AtomicU64] {
        self.chunks[chunk].get_or_init(|| {
            // memory that cannot be had ends the program, as it does everywhere
            <[AtomicU64]>::new_box_zeroed_with_elems(length(chunk)).unwrap_or_else(|_| panic!("no memory for numbers"))
        })
    }

    /// So many slots from a place on, if this slab has them already.
    fn at(&self, place: Place, slots: usize) -> Option<&[AtomicU64]> {
        let (chunk, slot) = place.split();
        self.chunks.get(chunk)?.get()?.get(slot..slot + slots)
    }
}

/// All slabs that ever were; threads that ended leave theirs to those that come.
static SLABS: RwLock<Vec<&'static Slab>> = RwLock::new(Vec::new());
static FREE: Mutex<Vec<&'static Slab>> = Mutex::new(Vec::new());

thread_local! {
    /// The first chunk of this thread's slab, while the thread holds its lease; else nothing.
    static MINE: Cell<&'static [AtomicU64]> = const { Cell::new(&[]) };
    static LEASE: Lease = Lease::new();
}

/// A thread's right to be the only one that writes to a slab.
struct Lease(&'static Slab);

impl Lease {
    fn new() -> Self {
        let left = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self(left.unwrap_or_else(Slab::leak))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        MINE.set(&[]);
        FREE.lock().unwrap_or_else(PoisonError::into_inner).push(self.0);
    }
}

/// This thread's slot at a place, if it can be had quickly: else [`change`] has it.
#[inline]
pub(crate) fn mine(place: Place) -> Option<&'static AtomicU64> {
    MINE.get().get(place.index())
}

/// Lends so many of this thread's slots from a place on: nobody else writes to them meanwhile. Takes a lease, and makes a
/// chunk, where there is none yet. Says whether there is such a place.
pub(crate) fn change(place: Place, slots: usize, change: &mut dyn FnMut(&[AtomicU64])) -> bool {
    /// For threads that are ending and have given their lease back: they take turns.
    static LATE: Mutex<Option<&'static Slab>> = Mutex::new(None);
    let (chunk @ ..CHUNKS, slot) = place.split() else { return false };
    if let Ok(slab) = LEASE.try_with(|lease| lease.0) {
        MINE.set(slab.chunk(0));
        change(&slab.chunk(chunk)[slot..slot + slots]);
    } else {
        let mut late = LATE.lock().unwrap_or_else(PoisonError::into_inner);
        change(&late.get_or_insert_with(Slab::leak).chunk(chunk)[slot..slot + slots]);
    }
    true
}

/// Adds to a slot that only this thread writes to; wraps at 2^64.
#[inline]
pub(crate) fn grow(slot: &AtomicU64, number: u64) {
    slot.store(slot.load(Relaxed).wrapping_add(number), Relaxed);
}

/// Adds to a slot that holds the bits of a float.
#[inline]
pub(crate) fn grow_float(slot: &AtomicU64, number: f64) {
    slot.store((f64::from_bits(slot.load(Relaxed)) + number).to_bits(), Relaxed);
}

/// All slabs, for one reading. What is recorded meanwhile is in this reading or in the next; no number goes back from one
/// reading to the next.
#[derive(Debug)]
pub(crate) struct Reading(Vec<&'static Slab>);

impl Reading {
    pub(crate) fn begin() -> Self {
        Self(SLABS.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// The sum of a slot; wraps at 2^64.
    pub(crate) fn sum(&self, place: Place) -> u64 {
        let slots = self.0.iter().filter_map(|slab| slab.at(place, 1));
        slots.fold(0, |sum, slot| sum.wrapping_add(slot[0].load(Relaxed)))
    }

    /// Gives the sum of the floats at a place, and adds each slot behind it to the sums.
    pub(crate) fn sums(&self, place: Place, sums: &mut [u64]) -> f64 {
        let (mut total, count) = (0.0, sums.len());
        for slots in self.0.iter().filter_map(|slab| slab.at(place, 1 + count)) {
            for (sum, slot) in sums.iter_mut().zip(&slots[1..]) {
                *sum = sum.wrapping_add(slot.load(Relaxed));
            }
            total += f64::from_bits(slots[0].load(Relaxed));
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn add(place: Place) {
        match mine(place) {
            Some(slot) => grow(slot, 1),
            None => assert!(change(place, 1, &mut |slots| grow(&slots[0], 1))),
        }
    }

    #[test]
    fn places_do_not_overlap_and_none_is_cut_by_the_end_of_a_chunk() {
        let places: Vec<Place> = (0..40).map(|_| Place::take(5_000)).collect();
        assert!(places.windows(2).all(|pair| pair[0].index() + 5_000 <= pair[1].index()), "{places:?}");
        assert!(places.iter().any(|place| place.split().0 == 2), "they fill more than one chunk");
        for place in places {
            assert!(change(place, 5_000, &mut |slots| slots.iter().for_each(|slot| grow(slot, 1))), "{place:?}");
            assert_eq!(Reading::begin().sum(place), 1);
        }
    }

    #[test]
    fn nowhere_is_nowhere() {
        assert!(mine(Place::NONE).is_none());
        assert!(!change(Place::NONE, 3, &mut |_| ()));
        assert_eq!(Reading::begin().sum(Place::NONE), 0);
    }

    #[test]
    fn threads_that_come_and_go_lose_nothing_and_leave_their_slabs_to_others() {
        let place = Place::take(1);
        for _ in 0..50 {
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for _ in 0..100 {
                            add(place);
                        }
                    });
                }
            });
        }
        assert_eq!(Reading::begin().sum(place), 50 * 4 * 100);
        assert!(SLABS.read().unwrap().len() < 100, "200 threads do not need a slab each");
    }

    #[test]
    fn what_is_recorded_while_a_thread_ends_is_counted() {
        struct Last(Place);
        impl Drop for Last {
            fn drop(&mut self) {
                add(self.0);
            }
        }
        thread_local!(static LAST: Cell<Option<Last>> = const { Cell::new(None) });
        let place = Place::take(1);
        thread::spawn(move || {
            LAST.set(Some(Last(place))); // destroyed after the lease, which is made later
            add(place);
        })
        .join()
        .unwrap();
        assert_eq!(Reading::begin().sum(place), 2);
    }

    #[test]
    fn a_reading_never_goes_back() {
        let place = Place::take(1);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..100_000 {
                        add(place);
                    }
                });
            }
            let mut last = 0;
            while last < 200_000 {
                let now = Reading::begin().sum(place);
                assert!(now >= last, "{now} after {last}");
                last = now;
            }
        });
    }
}
