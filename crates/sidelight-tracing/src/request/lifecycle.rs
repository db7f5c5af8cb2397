//! A request's way through an arena: it begins in a free one, which is sealed when the last holder lets go, so that tasks
//! that the request spawned are in it. It is kept then, because it was sampled, failed, or was slow; else it is forgotten.
//!
//! ```text
//!  pool --free_arena--> [ cleared ] --begin--> [ current ] <--poll--> [ held by tasks, operations, guards ]
//!   ^                                                                              | the last one lets go
//!   |                                                                              v
//!   +------------------- forgotten <-- neither sampled, failed nor slow -- [ sealed ] -- kept --> sink --> exporter
//!   +------------------------------------- put away once its spans are written -----------------------------+
//! ```

use super::{
    arena::Arena,
    clock::now,
    inspect,
    pool::{free_arena, put_away},
    propagation::{Carrier, TraceParent, TraceState, parent},
    sampling,
    shared::{Ends, Shared, Unique},
    sink::{self, Kept},
};
use std::time::{Duration, SystemTime};

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

/// Begins a request: whether it is sampled is decided here, before any span exists. Gives its caller's span as well.
pub(crate) fn begin(arrival: &Arrival<'_>) -> (Shared<Arena>, u64, bool) {
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
    fn end(&mut self) -> impl FnOnce(Unique<Self>) + use<> {
        let kept = seal(self);
        if kept.is_none() {
            self.foreign.clear(); // nobody sends them, and they are large
        }
        move |arena| match kept {
            Some((reason, spans, bytes)) => {
                let at = (now(), SystemTime::now());
                sink::keep(Kept { arena, reason, at, spans, bytes });
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
    sink::truncated(arena.truncated);
    let spans = arena.records.len() + arena.foreign.len();
    if spans == 0 || !sink::is_set() {
        return None;
    }
    if !arena.sampled && !sampling::admit_unsampled() {
        sink::rate_limited(spans as u64);
        return None;
    }
    Some((reason, spans, arena.bytes()))
}

/// What goes on with a call that leaves this process.
pub(crate) fn outbound(arena: &Arena, span: u64) -> (TraceParent, TraceState) {
    let parent = TraceParent { trace: arena.trace, span, sampled: arena.sampled };
    (parent, TraceState(arena.tracestate.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        foreign::tests::span,
        request::{
            pool::{FREE_KEPT, all},
            shared::Slot,
        },
    };
    use opentelemetry::trace::Status;
    use std::iter;

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
