//! What requests do now, and which were the slowest and the failed of late: read from the same arenas that traces are made
//! of, and kept in small buckets, one for each operation with its labels. Whoever looks holds up one request at a
//! time, while it is read.

use super::{
    arena::{Arena, Record, Subject},
    clock,
    name::of_operation,
    pool,
};
use quanta::Instant;
use serde_json::{Value, json};
use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    hash::{BuildHasherDefault, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

/// Requests in flight that are shown: the oldest.
const SHOWN_MAX: usize = 100;
/// The slowest, and the failed, of each operation.
const SAMPLES_MAX: usize = 8;
/// Operations that have buckets: each label set counts.
const BUCKETS_MAX: usize = 512;
/// Older ones are forgotten.
const OF_LATE: Duration = Duration::from_mins(15);

/// One run that is remembered.
#[derive(Clone, Copy, Debug)]
struct Sample {
    trace: u128,
    span: u64,
    correlation_id: Id,
    duration: Duration,
    failure: Option<&'static str>,
    ended: Instant,
}

/// A correlation id without memory of its own: a sample allocates nothing.
#[derive(Clone, Copy, Debug)]
struct Id {
    bytes: [u8; ID_BYTES_MAX],
    length: usize,
}

/// No checked id is longer.
const ID_BYTES_MAX: usize = 64;

impl Id {
    fn of(id: &str) -> Self {
        let mut bytes = [0; ID_BYTES_MAX];
        let length = id.floor_char_boundary(ID_BYTES_MAX);
        bytes[..length].copy_from_slice(&id.as_bytes()[..length]);
        Self { bytes, length }
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

#[derive(Debug)]
struct Bucket {
    subject: &'static dyn Subject,
    labels: u32,
    /// In no order.
    slowest: Vec<Sample>,
    /// What is quicker is none of the slowest, until then: nearly every run is told by this alone.
    floor: (Duration, Instant),
    failed: VecDeque<Sample>,
}

/// By the operation's address and its labels.
type Buckets = HashMap<u64, Bucket, BuildHasherDefault<Mixed>>;

/// A key is well mixed before it comes here.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {}
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

/// Mixes an address and a number below a million so that no two have the same key: turning and odd factors lose nothing.
/// Turned once more, because a table looks at the low bits, which the factor leaves alike.
fn key(record: &Record) -> u64 {
    let address = std::ptr::from_ref(record.subject).cast::<()>().addr() as u64;
    (address.rotate_left(20) ^ u64::from(record.labels)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32)
}

fn buckets() -> MutexGuard<'static, Buckets> {
    static BUCKETS: Mutex<Buckets> = Mutex::new(HashMap::with_hasher(BuildHasherDefault::new()));
    BUCKETS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at a request that ended.
pub(crate) fn ended(arena: &Arena) {
    if arena.records.is_empty() {
        return;
    }
    let mut buckets = buckets();
    for (place, record) in arena.records.iter().enumerate() {
        let full = buckets.len() == BUCKETS_MAX;
        let bucket = match buckets.entry(key(record)) {
            Entry::Occupied(bucket) => bucket.into_mut(),
            Entry::Vacant(_) if full => continue,
            Entry::Vacant(empty) => empty.insert(Bucket::new(record)),
        };
        let (floor, until) = bucket.floor;
        let failed = arena.failed && record.failure().is_some();
        if record.duration > floor || record.ended() > until || failed {
            bucket.look(arena, place);
        }
    }
}

impl Bucket {
    fn new(record: &Record) -> Self {
        let (subject, labels) = (record.subject, record.labels);
        Self {
            subject,
            labels,
            slowest: Vec::with_capacity(SAMPLES_MAX),
            floor: (Duration::ZERO, record.started),
            failed: VecDeque::with_capacity(SAMPLES_MAX),
        }
    }

    fn look(&mut self, arena: &Arena, place: usize) {
        let record = &arena.records[place];
        let now = record.ended();
        if !is_of_late(now, clock::now()) {
            return; // its request went on for long
        }
        let failure = record.failure();
        let sample = || Sample {
            trace: arena.trace,
            span: arena.span(place),
            correlation_id: Id::of(&arena.correlation_id),
            duration: record.duration,
            failure,
            ended: now,
        };
        if failure.is_some() {
            if self.failed.len() == SAMPLES_MAX {
                self.failed.pop_front();
            }
            self.failed.push_back(sample());
            return;
        }
        self.slowest.retain(|it| is_of_late(it.ended, now));
        if self.slowest.len() < SAMPLES_MAX {
            self.slowest.push(sample());
        } else if let Some(least) = self.slowest.iter_mut().min_by_key(|it| it.duration)
            && least.duration < record.duration
        {
            *least = sample();
        }
        if self.slowest.len() == SAMPLES_MAX {
            let oldest = self.slowest.iter().map(|it| it.ended).min().unwrap_or(now);
            let least = self.slowest.iter().map(|it| it.duration).min().unwrap_or_default();
            self.floor = (least, oldest + OF_LATE);
        }
    }
}

fn is_of_late(ended: Instant, now: Instant) -> bool {
    now.saturating_duration_since(ended) < OF_LATE
}

/// All of it, as JSON: durations and ages in seconds.
#[must_use]
pub fn requests() -> String {
    let page = json!({ "in_flight": in_flight(), "operations": operations() });
    format!("{page:#}\n")
}

fn in_flight() -> Value {
    let mut flying: Vec<(Instant, Value)> = Vec::new();
    for slot in pool::all() {
        let arena = slot.look();
        let mut records = arena.records.iter();
        if arena.is_live
            && let Some(first) = records.find(|record| record.outcome().is_none())
        {
            flying.push((first.started, flying_one(&arena, first)));
        }
    }
    flying.sort_by_key(|(started, _)| *started);
    let count = flying.len();
    let requests: Vec<Value> = flying.into_iter().take(SHOWN_MAX).map(|(_, it)| it).collect();
    json!({ "count": count, "oldest": requests })
}

/// A request, named and timed by the first of its operations that runs.
fn flying_one(arena: &Arena, first: &Record) -> Value {
    let running = arena.records.iter().filter(|record| record.outcome().is_none());
    let at: Vec<Value> = running
        .map(|record| {
            let name = name(record.subject, record.labels);
            json!({ "operation": name, "age_seconds": age(record.started) })
        })
        .collect();
    json!({
        "request": name(first.subject, first.labels),
        "trace_id": format!("{:032x}", arena.trace),
        "correlation_id": arena.correlation_id,
        "is_sampled": arena.sampled,
        "age_seconds": age(first.started),
        "at": at,
    })
}

fn operations() -> Value {
    let now = clock::now();
    // copied, so that no request waits while it is written
    let copied: Vec<_> = buckets()
        .values()
        .map(|bucket| {
            let failed = bucket.failed.iter().rev().copied().collect::<Vec<_>>();
            (bucket.subject, bucket.labels, bucket.slowest.clone(), failed)
        })
        .collect();
    let rows = |samples: &[Sample]| -> Vec<Value> {
        samples.iter().filter(|it| is_of_late(it.ended, now)).map(|it| row(it, now)).collect()
    };
    let mut operations: Vec<(String, Value)> = copied
        .into_iter()
        .map(|(subject, labels, mut slowest, failed)| {
            slowest.sort_by_key(|it| std::cmp::Reverse(it.duration));
            let (operation, shown) = (subject.name(), name(subject, labels));
            let order = format!("{operation} {shown}");
            let row = json!({
                "operation": operation, "name": shown, "slowest": rows(&slowest), "failed": rows(&failed),
            });
            (order, row)
        })
        .collect();
    operations.sort_by(|one, other| one.0.cmp(&other.0));
    operations.into_iter().map(|(_, row)| row).collect()
}

fn row(sample: &Sample, now: Instant) -> Value {
    let ago = now.saturating_duration_since(sample.ended);
    let ended = SystemTime::now().checked_sub(ago).map(clock::text);
    json!({
        "trace_id": format!("{:032x}", sample.trace),
        "span_id": format!("{:016x}", sample.span),
        "correlation_id": sample.correlation_id.as_str(),
        "duration_seconds": sample.duration.as_secs_f64(),
        "error_type": sample.failure,
        "ended": ended,
    })
}

/// The name that its span has.
fn name(subject: &'static dyn Subject, labels: u32) -> String {
    of_operation(subject.name(), &subject.attributes(labels))
}

/// How long ago.
fn age(since: Instant) -> f64 {
    (clock::now() - since).as_secs_f64()
}
