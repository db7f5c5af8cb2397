//! A request's way through an arena: it begins in a free one, which is sealed when the last holder lets go, so that tasks
//! that the request spawned are in it. It is kept then, because it was sampled, failed, or was slow; else it is forgotten.

use crate::{
    arena::Arena,
    clock::now,
    export,
    holders::{Ends, Holder, Slot, Sole},
    inspect,
    propagation::{Carrier, TraceParent, TraceState, parent},
    sampling,
};
use quanta::Instant;
use std::{
    cell::Cell,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

/// Arenas that nobody uses and that keep their room.
const FREE_KEPT: usize = 4096;

/// A request with an operation that takes longer is kept whatever the rate.
const SLOW: Duration = Duration::from_secs(2);

/// What a request brought with it.
#[derive(Clone, Debug, Default)]
pub struct Arrival<'a> {
    /// Where its caller's context may stand: the first that holds one gives the parent, the other one is linked.
    pub carriers: [Carrier<'a>; 2],
    /// The id that lines and spans carry.
    pub correlation_id: Option<&'a str>,
    /// It lasts as long as its client likes: it is never slow.
    pub lasting: bool,
}

/// A request that is kept, on its way to the exporter.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) arena: Sole<Arena>,
    pub(crate) reason: &'static str,
    /// When it was kept, on both clocks.
    pub(crate) at: (Instant, SystemTime),
    pub(crate) spans: usize,
    pub(crate) bytes: usize,
}

/// The arenas that there are, and which of them nobody uses. There are as many as there were at one time, in
/// flight or waiting for the exporter.
struct Table {
    all: Vec<&'static Slot<Arena>>,
    /// Free, and they keep their room.
    kept: Vec<Sole<Arena>>,
    /// Free, and what they held was given back.
    bare: Vec<Sole<Arena>>,
}

static TABLE: Mutex<Table> = Mutex::new(Table { all: Vec::new(), kept: Vec::new(), bare: Vec::new() });

thread_local! {
    static SPARE: Spare = const { Spare(Cell::new(None)) };
}

/// The arena that a thread put away last: likely to be in its cache, and got without the table's lock.
struct Spare(Cell<Option<Sole<Arena>>>);

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
    fn free_arena(&mut self) -> Sole<Arena> {
        self.kept.pop().or_else(|| self.bare.pop()).unwrap_or_else(|| {
            let arena = Sole::new(Arena::default());
            self.all.push(arena.slot());
            arena
        })
    }

    /// When a crowd has gone, what theirs hold is given back.
    fn put_away(&mut self, arena: Sole<Arena>) {
        if self.kept.len() < FREE_KEPT {
            self.kept.push(arena);
        } else {
            *arena.value() = Arena::default();
            self.bare.push(arena);
        }
    }
}

fn free_arena() -> Sole<Arena> {
    let spare = SPARE.try_with(|spare| spare.0.take()).ok().flatten();
    spare.unwrap_or_else(|| table().free_arena())
}

/// Gives an arena back, so that another request may have it.
pub(crate) fn put_away(arena: Sole<Arena>) {
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

/// Begins a request: whether it is sampled is decided here, before any span exists. Gives its caller's span as well.
pub(crate) fn begin(arrival: &Arrival<'_>) -> (Holder<Arena>, u64, bool) {
    let (found, linked) = parent(&arrival.carriers);
    let follow = |(parent, _): (TraceParent, _)| (parent.trace, parent.span, sampling::follow(&parent));
    let (trace, caller, sampled) = found.map_or_else(new_trace, follow);
    let request = free_arena().hold(|arena| {
        arena.clear(sampling::random());
        (arena.trace, arena.caller, arena.sampled, arena.link) = (trace, caller, sampled, linked);
        arena.tracestate.push_str(found.map_or("", |(_, tracestate)| tracestate));
        arena.correlation_id.push_str(arrival.correlation_id.unwrap_or_default());
        arena.slow_after = (!arrival.lasting).then_some(SLOW);
        arena.is_live = true;
    });
    (request, caller, sampled)
}

/// A trace that begins here.
fn new_trace() -> (u128, u64, bool) {
    let trace = sampling::trace_id();
    (trace, 0, sampling::decide(trace))
}

impl Ends for Arena {
    fn end(&mut self) -> impl FnOnce(Sole<Self>) + use<> {
        let kept = seal(self);
        if kept.is_none() {
            self.foreign.clear(); // nobody sends them, and they are large
        }
        move |arena| match kept {
            Some((reason, spans, bytes)) => {
                let at = (now(), SystemTime::now());
                export::keep(Kept { arena, reason, at, spans, bytes });
            }
            None => put_away(arena),
        }
    }
}

/// Ends the request; says why it is kept, and how much it is.
fn seal(arena: &mut Arena) -> Option<(&'static str, usize, usize)> {
    arena.is_live = false;
    inspect::ended(arena);
    let reason = match () {
        () if arena.sampled => "head",
        () if arena.failed => "error",
        () if arena.slow_after.is_some_and(|slow| arena.longest > slow) => "slow",
        () => return None,
    };
    export::truncated(arena.truncated);
    let spans = arena.records.len() + arena.foreign.len();
    if spans == 0 || !export::is_on() {
        return None;
    }
    if !arena.sampled && !sampling::admit_unsampled() {
        export::rate_limited(spans as u64);
        return None;
    }
    Some((reason, spans, arena.bytes()))
}

/// What goes on with a call that leaves this process.
pub(crate) fn outbound(arena: &Arena, span: u64) -> (TraceParent, TraceState) {
    let parent = TraceParent { trace: arena.trace, span, sampled: arena.sampled };
    (parent, TraceState(arena.tracestate.clone()))
}

/// How long ago.
pub(crate) fn age(since: Instant) -> f64 {
    (now() - since).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::tests::span;
    use opentelemetry::trace::Status;
    use std::{collections::HashSet, iter, ptr, thread};

    #[test]
    fn spans_of_others_go_with_a_request_that_nobody_exports() {
        let (request, _, _) = begin(&Arrival::default());
        request.value().gather(span(Status::Unset));
        drop(request);
        let arena = free_arena(); // the same one: this thread put it away last
        assert!(arena.value().foreign.is_empty());
        put_away(arena);
    }

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

    #[test]
    fn what_a_crowd_held_is_given_back_and_the_rest_is_used_first() {
        let arrival = Arrival { correlation_id: Some("c-1"), ..Arrival::default() };
        let more = 100;
        let crowd: Vec<_> = iter::repeat_with(|| begin(&arrival)).take(FREE_KEPT + more).collect();
        drop(crowd);
        let bare = |slot: &&&'static Slot<Arena>| slot.look().correlation_id.capacity() == 0;
        let given_back = || all().iter().filter(bare).count();
        let is_about = |count| (more / 2..=2 * more).contains(&count); // other tests have some of their own
        assert!(is_about(given_back()), "{}", given_back());
        iter::repeat_with(|| begin(&arrival)).take(FREE_KEPT + more).for_each(drop); // one after the other
        assert!(is_about(given_back()), "{} after many more requests", given_back());
        let next = free_arena();
        assert_ne!(next.value().correlation_id.capacity(), 0);
        put_away(next);
    }
}
