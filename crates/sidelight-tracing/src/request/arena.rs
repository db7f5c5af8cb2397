//! What is known of one request while it runs, and what happened in it: records, notes on them, spans that others made.
//! Bounded; emptied and used again, so that a request allocates nothing once there was one like it.

use super::propagation::TraceParent;
use crate::foreign;
use opentelemetry_sdk::trace::SpanData;
use quanta::Instant;
use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// Records of one request, and as many spans of others; what comes after is counted and left out.
pub(crate) const RECORDS_MAX: usize = 64;
/// Notes of one request.
const NOTES_MAX: usize = 256;
/// Bytes of all their words.
const TEXT_BYTES_MAX: usize = 8 * 1024;
/// Room that an arena keeps for the next request.
const FOREIGN_KEPT: usize = 16;
const NOTES_KEPT: usize = 128;
const TEXT_BYTES_KEPT: usize = 2 * 1024;
/// A longer word is cut.
const WORD_BYTES_MAX: usize = 256;
/// Successive span ids of a request lie this far apart: any odd number visits all of them before one comes again.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
/// The outcome of nearly every record.
const SUCCESS: usize = 0;
/// The outcome of a record that has not ended.
const RUNNING: u16 = u16::MAX;

/// A label's name and its value.
pub type Attribute = (&'static str, &'static str);

/// What a record is about: a declared operation.
pub trait Subject: Sync + fmt::Debug {
    /// The operation's name.
    fn name(&self) -> &'static str;
    /// The label values at a position.
    fn attributes(&self, labels: u32) -> Vec<Attribute>;
    /// The value of `error.type` for an outcome that is not 0, which is success.
    fn error_type(&self, outcome: usize) -> Option<&'static str>;
    /// Called once the collector has the span: from now on it can be looked at.
    fn remember(&self, labels: u32, outcome: usize, seen: &Seen);
}

/// A run that the collector has a span of.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The trace's id.
    pub trace: u128,
    /// The span's id.
    pub span: u64,
    /// How long it took.
    pub duration: Duration,
    /// When it ended.
    pub at: SystemTime,
}

/// The value of a note.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A whole number.
    Whole(i64),
    /// A word; a long one is cut.
    Word(&'a str),
}

/// One operation, from when it began.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) subject: &'static dyn Subject,
    pub(crate) started: Instant,
    pub(crate) duration: Duration,
    pub(crate) parent: u64,
    pub(crate) labels: u32,
    outcome: u16,
}

impl Record {
    /// How it ended; `None` while it runs.
    pub(crate) fn outcome(&self) -> Option<usize> {
        (self.outcome != RUNNING).then_some(usize::from(self.outcome))
    }

    /// When it ended; one that runs has just begun.
    pub(crate) fn ended(&self) -> Instant {
        self.started + self.duration
    }

    /// What kind of failure it is.
    pub(crate) fn failure(&self) -> Option<&'static str> {
        let outcome = self.outcome().filter(|outcome| *outcome != SUCCESS)?;
        self.subject.error_type(outcome)
    }
}

#[derive(Debug)]
struct Note {
    place: usize,
    key: &'static str,
    value: Kept,
}

#[derive(Debug)]
enum Kept {
    Whole(i64),
    /// From here to there in the text.
    Word(usize, usize),
}

/// One request.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    pub(crate) trace: u128,
    /// The caller's span, or 0.
    pub(crate) caller: u64,
    pub(crate) sampled: bool,
    /// When it is slow; what lasts as long as its client likes never is.
    pub(crate) slow_after: Option<Duration>,
    pub(crate) correlation_id: String,
    /// What every line of it says, once there was one.
    pub(crate) in_lines: Vec<u8>,
    pub(crate) tracestate: String,
    /// The other context that it came with.
    pub(crate) link: Option<TraceParent>,
    pub(crate) records: Vec<Record>,
    pub(crate) foreign: Vec<SpanData>,
    pub(crate) truncated: u64,
    /// Whether anything in it failed.
    pub(crate) failed: bool,
    /// How long its longest operation took: what it left behind and works on does not make it slow.
    pub(crate) longest: Duration,
    /// Whether somebody holds it.
    pub(crate) is_live: bool,
    root: u64,
    notes: Vec<Note>,
    text: String,
    foreign_bytes: usize,
}

impl Arena {
    /// Empties it for another request, whose span ids begin here. What was unusually large is given back.
    pub(crate) fn clear(&mut self, root: u64) {
        self.correlation_id.clear();
        self.in_lines.clear();
        self.tracestate.clear();
        self.records.clear();
        self.foreign.clear();
        self.notes.clear();
        self.text.clear();
        self.foreign.shrink_to(FOREIGN_KEPT);
        self.notes.shrink_to(NOTES_KEPT);
        self.text.shrink_to(TEXT_BYTES_KEPT);
        (self.link, self.truncated, self.failed, self.root) = (None, 0, false, root);
        (self.longest, self.foreign_bytes) = (Duration::ZERO, 0);
    }

    /// The span id of a record: computed, never stored.
    pub(crate) fn span(&self, place: usize) -> u64 {
        let at = |place: usize| self.root.wrapping_add((place as u64).wrapping_mul(STEP));
        match at(place) {
            0 => at(RECORDS_MAX), // 0 means no span; this one is no record's
            span => span,
        }
    }

    /// An operation begins; gives its place, or `None` when there is no room.
    pub(crate) fn begin(
        &mut self,
        subject: &'static dyn Subject,
        labels: u32,
        parent: u64,
        started: Instant,
    ) -> Option<usize> {
        if self.records.len() == RECORDS_MAX {
            self.truncated += 1;
            return None;
        }
        self.records.push(Record { subject, started, duration: Duration::ZERO, parent, labels, outcome: RUNNING });
        Some(self.records.len() - 1)
    }

    /// It ends.
    pub(crate) fn end(&mut self, place: usize, outcome: usize, duration: Duration) {
        let Some(record) = self.records.get_mut(place) else { return };
        record.outcome = u16::try_from(outcome).unwrap_or(RUNNING - 1);
        record.duration = duration;
        self.longest = self.longest.max(duration);
        self.failed |= record.failure().is_some();
    }

    /// Something else to know about an operation.
    pub(crate) fn note(&mut self, place: usize, key: &'static str, value: Value<'_>) {
        let value = match value {
            Value::Whole(number) => Kept::Whole(number),
            Value::Word(word) => {
                let start = self.text.len();
                self.text.push_str(&word[..word.floor_char_boundary(WORD_BYTES_MAX)]);
                Kept::Word(start, self.text.len())
            }
        };
        if self.notes.len() < NOTES_MAX && self.text.len() <= TEXT_BYTES_MAX {
            self.notes.push(Note { place, key, value });
        } else if let Kept::Word(start, _) = value {
            self.text.truncate(start);
        }
    }

    /// What was noted of an operation.
    pub(crate) fn notes(&self, place: usize) -> impl Iterator<Item = (&'static str, Value<'_>)> {
        self.notes.iter().filter(move |note| note.place == place).map(|note| {
            let value = match note.value {
                Kept::Whole(number) => Value::Whole(number),
                Kept::Word(start, end) => Value::Word(&self.text[start..end]),
            };
            (note.key, value)
        })
    }

    /// A span that somebody else made.
    pub(crate) fn gather(&mut self, span: SpanData) {
        if self.foreign.len() < RECORDS_MAX {
            self.foreign_bytes += foreign::bytes(&span);
            self.foreign.push(span);
        } else {
            self.truncated += 1;
        }
    }

    /// About how much memory it holds while it waits for the exporter.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.records.len() * size_of::<Record>()
            + self.notes.len() * size_of::<Note>()
            + self.text.len()
            + self.foreign_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Plain;
    impl Subject for Plain {
        fn name(&self) -> &'static str {
            "plain"
        }
        fn attributes(&self, _: u32) -> Vec<Attribute> {
            Vec::new()
        }
        fn error_type(&self, outcome: usize) -> Option<&'static str> {
            (outcome > 0).then_some("broken")
        }
        fn remember(&self, _: u32, _: usize, _: &Seen) {}
    }

    fn arena() -> Arena {
        let mut arena = Arena::default();
        arena.clear(7);
        arena
    }

    #[test]
    fn what_finds_no_room_is_counted_and_its_end_changes_nothing() {
        let mut arena = arena();
        let places: Vec<_> = (0..RECORDS_MAX + 3).map(|_| arena.begin(&Plain, 0, 1, Instant::now())).collect();
        assert_eq!((places.iter().flatten().count(), arena.truncated), (RECORDS_MAX, 3));
        arena.end(RECORDS_MAX, 1, Duration::ZERO);
        assert!(!arena.failed);
    }

    #[test]
    fn an_operation_that_runs_has_no_outcome_and_one_that_failed_is_remembered() {
        let mut arena = arena();
        let place = arena.begin(&Plain, 0, 1, Instant::now()).unwrap();
        assert_eq!(arena.records[place].outcome(), None);
        arena.end(place, 3, Duration::from_secs(1));
        assert_eq!((arena.records[place].outcome(), arena.failed), (Some(3), true));
    }

    #[test]
    fn notes_belong_to_their_operation_and_are_bounded() {
        let mut arena = arena();
        arena.note(0, "rows", Value::Whole(3));
        arena.note(1, "id", Value::Word("seven"));
        assert_eq!(arena.notes(0).collect::<Vec<_>>(), [("rows", Value::Whole(3))]);
        assert_eq!(arena.notes(1).collect::<Vec<_>>(), [("id", Value::Word("seven"))]);
        let long = "é".repeat(TEXT_BYTES_MAX);
        for _ in 0..2 * NOTES_MAX {
            arena.note(2, "long", Value::Word(&long));
        }
        assert!(arena.text.len() <= TEXT_BYTES_MAX && arena.notes.len() <= NOTES_MAX);
        assert!(arena.notes(2).all(|(_, value)| matches!(value, Value::Word(word) if word.len() <= WORD_BYTES_MAX)));
    }

    #[test]
    fn an_emptied_arena_knows_nothing_of_the_request_before() {
        let mut arena = arena();
        let place = arena.begin(&Plain, 0, 1, Instant::now()).unwrap();
        arena.end(place, 1, Duration::ZERO);
        arena.note(place, "k", Value::Word("v"));
        arena.correlation_id.push_str("c-1");
        arena.clear(8);
        assert!(arena.records.is_empty() && arena.notes(0).next().is_none() && arena.correlation_id.is_empty());
        assert!(!arena.failed && arena.text.is_empty());
    }

    #[test]
    fn the_spans_of_a_request_differ_and_none_is_zero() {
        let mut arena = arena();
        for root in [0, 7, u64::MAX, STEP.wrapping_neg()] {
            arena.clear(root);
            let spans: std::collections::HashSet<u64> = (0..RECORDS_MAX).map(|place| arena.span(place)).collect();
            assert!(spans.len() == RECORDS_MAX && !spans.contains(&0), "{root}");
        }
    }
}
