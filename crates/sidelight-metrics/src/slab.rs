//! Where numbers live: in slabs of slots, one slab a thread. A thread adds to its own slot by a plain load and store, so
//! two threads never fight for a cache line; whoever reads adds the slots of all slabs. A slab outlives its thread: the
//! next thread goes on with it, and no number is ever taken back. Knows no name and no kind.
//!
//! A place is the same in every slab. Slabs grow by chunks, each twice as long as the one before; pages of a chunk that
//! were never touched take no memory.

use std::{
    cell::Cell,
    sync::{
        Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use zerocopy::FromZeros as _;

/// Slots of the first chunk.
const FIRST: u32 = 1024;
/// With so many chunks a slab has some four million slots.
const CHUNKS: usize = 12;

/// Where a number lives in each slab, packed so that it fits into an atomic: the chunk, and the slot in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u32);

impl Place {
    /// Nowhere: in no slab is there such a chunk.
    pub(crate) const NONE: Self = Self(u32::MAX);
    const SLOT_BITS: u32 = 28;

    /// As it was packed.
    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
    pub(crate) const fn bits(self) -> u32 {
        self.0
    }
    const fn chunk(self) -> usize {
        (self.0 >> Self::SLOT_BITS) as usize
    }
    const fn slot(self) -> usize {
        (self.0 & ((1 << Self::SLOT_BITS) - 1)) as usize
    }

    /// Takes so many slots that stand side by side, for ever. [`Place::NONE`] when all are taken.
    pub(crate) fn take(slots: usize) -> Self {
        static NEXT: Mutex<(u32, u32)> = Mutex::new((0, 0));
        let Ok(slots) = u32::try_from(slots) else { return Self::NONE };
        let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let (chunk, slot) = *next;
            if chunk as usize >= CHUNKS {
                return Self::NONE;
            }
            if slot + slots <= FIRST << chunk {
                *next = (chunk, slot + slots);
                return Self((chunk << Self::SLOT_BITS) | slot);
            }
            *next = (chunk + 1, 0);
        }
    }
}

/// The slots of one thread.
#[derive(Debug)]
pub(crate) struct Slab {
    chunks: [OnceLock<Box<[AtomicU64]>>; CHUNKS],
}

impl Slab {
    fn leak() -> &'static Self {
        let slab: &'static Self = Box::leak(Box::new(Self { chunks: [const { OnceLock::new() }; CHUNKS] }));
        SLABS.write().unwrap_or_else(PoisonError::into_inner).push(slab);
        slab
    }

    /// The slots from a place on, if this slab has them already.
    #[inline]
    fn at(&self, place: Place) -> Option<&[AtomicU64]> {
        self.chunks.get(place.chunk())?.get()?.get(place.slot()..)
    }

    /// The slots from a place on; `None` for [`Place::NONE`] only.
    fn grown(&self, place: Place) -> Option<&[AtomicU64]> {
        let slots = FIRST as usize * (1 << place.chunk().min(CHUNKS));
        let chunk = self.chunks.get(place.chunk())?.get_or_init(|| {
            // a chunk that cannot be had is like any other memory that cannot be had
            <[AtomicU64]>::new_box_zeroed_with_elems(slots).unwrap_or_else(|_| panic!("no memory for {slots} numbers"))
        });
        chunk.get(place.slot()..)
    }
}

/// All slabs that ever were; threads that ended leave theirs to those that come.
static SLABS: RwLock<Vec<&'static Slab>> = RwLock::new(Vec::new());
static FREE: Mutex<Vec<&'static Slab>> = Mutex::new(Vec::new());

thread_local! {
    /// This thread's slab: set while the thread holds its lease.
    static MINE: Cell<Option<&'static Slab>> = const { Cell::new(None) };
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
        MINE.set(None);
        FREE.lock().unwrap_or_else(PoisonError::into_inner).push(self.0);
    }
}

/// Lends this thread's own slots from a place on: nobody else writes to them meanwhile. Gives `None` and does nothing when
/// there is no such place.
#[inline]
pub(crate) fn own<R>(place: Place, change: impl FnOnce(&[AtomicU64]) -> R) -> Option<R> {
    match MINE.get().and_then(|slab| slab.at(place)) {
        Some(slots) => Some(change(slots)),
        None if place == Place::NONE => None,
        None => own_slowly(place, change),
    }
}

/// The thread has no slab yet, or its slab no such chunk.
#[cold]
fn own_slowly<R>(place: Place, change: impl FnOnce(&[AtomicU64]) -> R) -> Option<R> {
    /// For threads that are ending and have given their lease back: they take turns.
    static LATE: Mutex<Option<&'static Slab>> = Mutex::new(None);
    if let Ok(slab) = LEASE.try_with(|lease| lease.0) {
        MINE.set(Some(slab));
        return slab.grown(place).map(change);
    }
    let mut late = LATE.lock().unwrap_or_else(PoisonError::into_inner);
    late.get_or_insert_with(Slab::leak).grown(place).map(change)
}

/// Adds to a slot that only this thread writes to.
#[inline]
pub(crate) fn add(slot: &AtomicU64, number: u64) {
    slot.store(slot.load(Relaxed).wrapping_add(number), Relaxed);
}

/// Adds to a slot that holds the bits of a float.
#[inline]
pub(crate) fn add_float(slot: &AtomicU64, number: f64) {
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
        let slots = self.0.iter().filter_map(|slab| slab.at(place)?.first());
        slots.fold(0, |sum, slot| sum.wrapping_add(slot.load(Relaxed)))
    }

    /// Adds each slot from a place on to the sums; gives the sum of the floats in the slot behind them.
    pub(crate) fn sums(&self, place: Place, sums: &mut [u64]) -> f64 {
        let mut total = 0.0;
        for slots in self.0.iter().filter_map(|slab| slab.at(place)) {
            for (sum, slot) in sums.iter_mut().zip(slots) {
                *sum = sum.wrapping_add(slot.load(Relaxed));
            }
            total += slots.get(sums.len()).map_or(0.0, |slot| f64::from_bits(slot.load(Relaxed)));
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn places_do_not_overlap_and_none_is_cut_by_the_end_of_a_chunk() {
        let places: Vec<Place> = (0..40).map(|_| Place::take(200)).collect();
        for pair in places.windows(2) {
            assert!(pair[0].chunk() < pair[1].chunk() || pair[0].slot() + 200 <= pair[1].slot(), "{pair:?}");
        }
        for place in places {
            assert!(own(place, |slots| slots.len() >= 200).unwrap(), "{place:?}");
        }
    }

    #[test]
    fn nowhere_is_nowhere() {
        assert_eq!(own(Place::NONE, |_| ()), None);
        assert_eq!(Place::take(usize::MAX), Place::NONE);
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
                            own(place, |slots| add(&slots[0], 1));
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
                own(self.0, |slots| add(&slots[0], 1));
            }
        }
        thread_local!(static LAST: Cell<Option<Last>> = const { Cell::new(None) });
        let place = Place::take(1);
        thread::spawn(move || {
            LAST.set(Some(Last(place))); // destroyed after the lease, which is made later
            own(place, |slots| add(&slots[0], 1));
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
                        own(place, |slots| add(&slots[0], 1));
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
