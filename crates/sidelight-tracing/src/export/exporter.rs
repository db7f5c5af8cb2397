//! The way out of the process: a bounded queue and one thread, which writes the spans and sends them by OTLP over HTTP.
//! Never blocks whoever brings something; counts what is lost and why. A collector that does not take spans is left alone
//! for a while, longer each time.

use super::{
    collector::{Collector, Refused, Taken},
    otlp::Batch,
    queue::{Queue, Wait, Weighed},
    span::ended,
};
use crate::{
    foreign,
    request::{Kept, Seen, put_away, random},
};
use opentelemetry::KeyValue;
use opentelemetry_sdk::{Resource, trace::SpanData};
use std::{
    env, io,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

/// Spans in one export, about.
const BATCH_MAX: usize = 2048;
/// How long a kept request waits for others, so that one export carries many: the sending costs more than the spans.
const COMPANY: Duration = Duration::from_secs(2);
/// How long a collector is left alone that did not take a batch; doubled each time, up to the longest.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Longer than this nobody is left alone, whatever he asks.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(5);

static QUEUE: OnceLock<Queue<Item>> = OnceLock::new();
// counts that say nothing of other memory: `Relaxed`
static QUEUE_FULL: AtomicU64 = AtomicU64::new(0);
static EXPORT_FAILED: AtomicU64 = AtomicU64::new(0);
static REJECTED: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
enum Item {
    Kept(Kept),
    Span(Box<SpanData>),
}

impl Weighed for Item {
    fn spans(&self) -> usize {
        match self {
            Self::Kept(kept) => kept.spans,
            Self::Span(_) => 1,
        }
    }
    fn bytes(&self) -> usize {
        match self {
            Self::Kept(kept) => kept.bytes,
            Self::Span(span) => foreign::bytes(span),
        }
    }
}

/// Spans lost so far, by reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) queue_full: u64,
    pub(crate) export_failed: u64,
    pub(crate) rejected: u64,
}

pub(crate) fn lost() -> Lost {
    let [queue_full, export_failed, rejected] = [&QUEUE_FULL, &EXPORT_FAILED, &REJECTED].map(|lost| lost.load(Relaxed));
    Lost { queue_full, export_failed, rejected }
}

/// Hands over a kept request.
pub(crate) fn keep(kept: Kept) {
    send(Item::Kept(kept));
}

/// Hands over a single span that ended outside its request.
pub(crate) fn span(span: SpanData) {
    send(Item::Span(Box::new(span)));
}

fn send(item: Item) {
    let refused = match QUEUE.get() {
        Some(queue) => queue.push(item).inspect_err(count_refused),
        None => Err(item), // there is nobody to export to
    };
    if let Err(Item::Kept(kept)) = refused {
        kept.arena.value().foreign.clear();
        put_away(kept.arena);
    }
}

fn count_refused(item: &Item) {
    QUEUE_FULL.fetch_add(item.spans() as u64, Relaxed);
}

/// Starts the thread, and says whether there is one; the second call in a process does nothing.
pub(crate) fn start(resource: Vec<KeyValue>) -> io::Result<bool> {
    let read = |name: &str| env::var(name).ok();
    let collector = match Collector::new(&read, &mut |why| tracing::warn!(why = why, "a setting is ignored")) {
        Ok(collector) => collector,
        Err(why) => {
            tracing::warn!(error = why, "traces are not exported");
            return Ok(false);
        }
    };
    if QUEUE.set(Queue::new()).is_err() {
        return Ok(true);
    }
    // without the detectors of OpenTelemetry's SDK: they leave OTEL_RESOURCE_ATTRIBUTES encoded, and say that the SDK exports
    let batch = Batch::of(&Resource::builder_empty().with_attributes(resource).build());
    let mut exporter = Exporter { collector, batch, is_up: true, is_taken: true, pause: None };
    thread::Builder::new().name("sidelight-otlp".into()).spawn(move || exporter.run()).map(|_| true)
}

/// Waits until everything handed over so far was exported, or the time is up; gives the spans that were not.
pub(crate) fn flush(limit: Duration) -> usize {
    QUEUE.get().map_or(0, |queue| queue.flush(limit))
}

/// The thread's side.
struct Exporter {
    collector: Collector,
    batch: Batch,
    /// The last batch was sent.
    is_up: bool,
    /// And taken as a whole.
    is_taken: bool,
    /// For how long the collector is left alone, and since when.
    pause: Option<(Instant, Duration)>,
}

impl Exporter {
    fn run(&mut self) {
        let Some(queue) = QUEUE.get() else { return };
        let mut items = Vec::new();
        loop {
            let wait = self.pause.map_or(Wait::ForCompany(COMPANY), |(since, pause)| Wait::Until(since + pause));
            queue.take(wait, BATCH_MAX, &mut items);
            self.batch(&items);
            for item in items.drain(..) {
                if let Item::Kept(kept) = item {
                    put_away(kept.arena);
                }
            }
            queue.done();
        }
    }

    /// Exports a batch, and writes one line for each change of state.
    fn batch(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Kept(kept) => self.batch.add(kept),
                Item::Span(span) => self.batch.add_foreign(span.as_ref().clone()),
            }
        }
        let spans = self.batch.spans;
        match self.collector.send(self.batch.take()) {
            Ok(taken) if self.sent(&taken, spans) => items.iter().for_each(remember),
            Ok(_) => {}
            Err(refused) => {
                EXPORT_FAILED.fetch_add(spans, Relaxed);
                self.failed(&refused);
            }
        }
    }

    /// Whether all of it was taken.
    fn sent(&mut self, taken: &Taken, spans: u64) -> bool {
        self.pause = None;
        if !std::mem::replace(&mut self.is_up, true) {
            tracing::info!("traces are exported again");
        }
        let rejected = taken.rejected.min(spans); // it may say anything
        REJECTED.fetch_add(rejected, Relaxed);
        let is_taken = rejected == 0;
        if self.is_taken && !is_taken {
            let why = taken.why.as_str();
            tracing::warn!(rejected = rejected, why = why, "the collector rejects spans; they are counted");
        }
        self.is_taken = is_taken;
        is_taken
    }

    fn failed(&mut self, Refused { why, retry_after }: &Refused) {
        let longer = self.pause.map_or(PAUSE, |(_, pause)| (pause * 2).clamp(PAUSE, PAUSE_MAX));
        // up to a quarter more, so that many programs do not come back at one moment
        let jitter = longer.mul_f64(f64::from(random().to_le_bytes()[0]) / 1024.0);
        let pause = retry_after.map_or(longer + jitter, |asked| asked.clamp(PAUSE, RETRY_AFTER_MAX));
        self.pause = Some((Instant::now(), pause));
        if std::mem::replace(&mut self.is_up, false) {
            tracing::warn!(error = why.as_str(), "traces cannot be exported; lost spans are counted");
        }
    }
}

/// Tells the operations of a request that its trace can be looked at.
fn remember(item: &Item) {
    let Item::Kept(kept) = item else { return };
    let arena = kept.arena.value();
    for (place, record) in arena.records.iter().enumerate() {
        let Some(outcome) = record.outcome() else { continue };
        let at = ended(kept, record);
        let seen = Seen { trace: arena.trace, span: arena.span(place), duration: record.duration, at };
        record.subject.remember(record.labels, outcome, &seen);
    }
}
