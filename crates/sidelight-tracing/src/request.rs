//! A request's way through an arena: it begins in a free one, which is sealed when the last holder lets go, so that tasks
//! that the request spawned are in it. It is kept then, because it was sampled, failed, or was slow; else it is forgotten.

use crate::{
    arena::Arena,
    export,
    holders::{Ends, Holder, Slot, Sole},
    inspect,
    propagation::{Carrier, TraceParent, TraceState, parent},
    sampling,
};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
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

fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn free_arena() -> Sole<Arena> {
    let mut table = table();
    let Table { kept, bare, .. } = &mut *table;
    if let Some(free) = kept.pop().or_else(|| bare.pop()) {
        return free;
    }
    let arena = Sole::new(Arena::default());
    table.all.push(arena.slot());
    arena
}

/// Gives an arena back, so that another request may have it. When a crowd has gone, what theirs hold is given back.
pub(crate) fn put_away(arena: Sole<Arena>) {
    let mut table = table();
    if table.kept.len() < FREE_KEPT {
        table.kept.push(arena);
    } else {
        *arena.value() = Arena::default();
        table.bare.push(arena);
    }
}

/// Every arena; which of them are in use, each says itself.
pub(crate) fn all() -> Vec<&'static Slot<Arena>> {
    table().all.clone()
}

/// Begins a request: whether it is sampled is decided here, before any span exists. Gives its caller's span as well.
pub(crate) fn begin(arrival: &Arrival<'_>) -> (Holder<Arena>, u64, bool) {
    let free = free_arena();
    let mut arena = free.value();
    arena.clear(sampling::random());
    let (found, linked) = parent(&arrival.carriers);
    if let Some((parent, tracestate)) = found {
        (arena.trace, arena.caller, arena.sampled) = (parent.trace, parent.span, sampling::follow(&parent));
        arena.tracestate.push_str(tracestate);
    } else {
        let trace = sampling::trace_id();
        (arena.trace, arena.caller, arena.sampled) = (trace, 0, sampling::decide(trace));
    }
    arena.link = linked;
    arena.correlation_id.push_str(arrival.correlation_id.unwrap_or_default());
    arena.slow_after = (!arrival.lasting).then_some(SLOW);
    arena.is_live = true;
    let (caller, sampled) = (arena.caller, arena.sampled);
    drop(arena);
    (free.hold(), caller, sampled)
}

impl Ends for Arena {
    fn ends(last: Sole<Self>) {
        let kept = seal(&mut last.value());
        match kept {
            Some((reason, spans, bytes)) => {
                let at = (Instant::now(), SystemTime::now());
                export::keep(Kept { arena: last, reason, at, spans, bytes });
            }
            None => put_away(last),
        }
    }
}

/// Ends the request; says why it is kept, and how much it is.
fn seal(arena: &mut Arena) -> Option<(&'static str, usize, usize)> {
    arena.is_live = false;
    export::truncated(arena.truncated);
    inspect::ended(arena);
    let reason = match () {
        () if arena.sampled => "head",
        () if arena.failed => "error",
        () if arena.slow_after.is_some_and(|slow| arena.longest > slow) => "slow",
        () => return None,
    };
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
    since.elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::iter;

    #[test]
    fn what_a_crowd_held_is_given_back_and_the_rest_is_used_first() {
        let arrival = Arrival { correlation_id: Some("c-1"), ..Arrival::default() };
        let more = 100;
        let crowd: Vec<_> = iter::repeat_with(|| begin(&arrival)).take(FREE_KEPT + more).collect();
        drop(crowd);
        let bare = |slot: &&&Slot<Arena>| slot.look().correlation_id.capacity() == 0;
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
