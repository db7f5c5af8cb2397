//! The way out of the process: a bounded queue and one thread, which builds the spans and sends them by OTLP over HTTP.
//! Never blocks the caller; counts what is lost and why.

use crate::{
    flush,
    request::{Kept, Seen},
    span::spans,
};
use opentelemetry::KeyValue;
use opentelemetry_otlp::{RetryPolicy, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanExporter as _},
};
use std::{
    io,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

/// Kept requests that wait; one more is dropped whole.
const QUEUE_MAX: usize = 1024;
/// Spans in one export.
const BATCH_MAX: usize = 512;
/// How long one export may take: a hanging collector costs this much of the exporter's thread, and nothing else.
const TIMEOUT: Duration = Duration::from_secs(2);

static QUEUE: OnceLock<SyncSender<Item>> = OnceLock::new();
static QUEUE_FULL: AtomicU64 = AtomicU64::new(0);
static EXPORT_FAILED: AtomicU64 = AtomicU64::new(0);
static TRUNCATED: AtomicU64 = AtomicU64::new(0);

enum Item {
    Kept(Box<Kept>),
    Span(Box<SpanData>),
    Flush(SyncSender<()>),
}

/// Spans lost so far: no place in the queue, not taken by the collector, no place in their arena.
pub(crate) fn dropped() -> [u64; 3] {
    [&QUEUE_FULL, &EXPORT_FAILED, &TRUNCATED].map(|lost| lost.load(Relaxed))
}

/// Counts records that found no place in their arena.
pub(crate) fn truncated(records: u64) {
    if records > 0 {
        TRUNCATED.fetch_add(records, Relaxed);
    }
}

/// Hands over a kept request.
pub(crate) fn keep(kept: Kept) {
    let lost = kept.records.len() + kept.foreign.len();
    send(Item::Kept(Box::new(kept)), lost);
}

/// Hands over a single span that ended outside its request.
pub(crate) fn span(span: SpanData) {
    send(Item::Span(Box::new(span)), 1);
}

fn send(item: Item, spans: usize) {
    if let Some(queue) = QUEUE.get()
        && queue.try_send(item).is_err()
    {
        QUEUE_FULL.fetch_add(spans as u64, Relaxed);
    }
}

/// Starts the thread; the second call in a process does nothing.
pub(crate) fn start(resource: Vec<KeyValue>) -> io::Result<()> {
    if QUEUE.get().is_some() {
        return Ok(());
    }
    let (queue, items) = sync_channel(QUEUE_MAX);
    // the exporter is built on its thread: its blocking client must not be made on a runtime
    thread::Builder::new().name("sidelight-otlp".into()).spawn(move || match exporter(resource) {
        Ok(exporter) => run(&exporter, &items),
        Err(error) => tracing::warn!(error = %error, "traces are not exported"),
    })?;
    let _ = QUEUE.set(queue); // lost only to a start at the same moment, which has its own thread
    Ok(())
}

/// Waits until everything handed over so far was exported, or the time is up.
pub(crate) fn flush(limit: Duration) {
    let Some(queue) = QUEUE.get() else { return };
    flush::flush(queue, Item::Flush, limit);
}

/// Where to is said by the standard `OTEL_EXPORTER_OTLP_*` variables, which the builder reads.
fn exporter(resource: Vec<KeyValue>) -> Result<SpanExporter, opentelemetry_otlp::ExporterBuildError> {
    // the first one stays: another part of the program may have chosen before
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut exporter =
        SpanExporter::builder().with_http().with_timeout(TIMEOUT).with_retry_policy(RetryPolicy::disabled()).build()?;
    // detectors read OTEL_RESOURCE_ATTRIBUTES; what is given here wins
    exporter.set_resource(&Resource::builder().with_attributes(resource).build());
    Ok(exporter)
}

fn run(exporter: &SpanExporter, items: &Receiver<Item>) {
    let mut up = true;
    while let Ok(first) = items.recv() {
        let (mut batch, mut requests, mut flushed) = (Vec::new(), Vec::new(), None);
        for item in std::iter::once(first).chain(items.try_iter()) {
            match item {
                Item::Kept(mut kept) => {
                    batch.extend(spans(&mut kept));
                    requests.push(kept);
                }
                Item::Span(span) => batch.push(*span),
                Item::Flush(done) => flushed = Some(done),
            }
            if batch.len() >= BATCH_MAX || flushed.is_some() {
                break;
            }
        }
        if !batch.is_empty() {
            up = export(exporter, batch, up);
        }
        if up {
            for kept in &requests {
                remember(kept);
            }
        }
        if let Some(done) = flushed {
            let _ = done.try_send(()); // whoever waited may have given up
        }
    }
}

/// Tells the operations of a request that its trace can be looked at.
fn remember(kept: &Kept) {
    for record in &kept.records {
        let at = record.started(kept) + record.duration;
        let seen = Seen { trace: kept.trace, span: record.span, duration: record.duration, at };
        record.subject.remember(record.labels, record.outcome, &seen);
    }
}

/// Exports a batch, and writes one line for each change of state. Gives the new state.
fn export(exporter: &SpanExporter, batch: Vec<SpanData>, up: bool) -> bool {
    let spans = batch.len() as u64;
    match (futures_executor::block_on(exporter.export(batch)), up) {
        (Ok(()), true) => true,
        (Ok(()), false) => {
            tracing::info!("traces are exported again");
            true
        }
        (Err(error), up) => {
            EXPORT_FAILED.fetch_add(spans, Relaxed);
            if up {
                tracing::warn!(error = %error, "traces cannot be exported; lost spans are counted");
            }
            false
        }
    }
}
