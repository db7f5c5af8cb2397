//! What the tokio runtime does: workers, tasks, queue and busy time, as the runtime itself counts them
//! (`tokio::runtime::RuntimeMetrics`, what of it is stable).

use crate::{
    model::{Kind, Name},
    record::{Description, Probe, describe as describe_series, enter_level},
};
use metrics::GaugeFn as _;
use tokio::runtime::Handle;

const WORKERS: (&str, &str) = ("tokio_workers", "Threads that run tasks.");
const TASKS: (&str, &str) = ("tokio_alive_tasks", "Tasks that have not ended.");
const QUEUE: (&str, &str) = ("tokio_global_queue_depth", "Tasks that wait in the queue of all workers.");
const BUSY: (&str, &str) = ("tokio_worker_busy_seconds_total", "Time that workers were busy, all together.");
const PARKS: (&str, &str) = ("tokio_worker_parks_total", "How often a worker had nothing to do, all together.");

/// Says what there is, before there is a runtime.
pub fn describe() {
    for ((name, help), kind) in [
        (WORKERS, Kind::Gauge),
        (TASKS, Kind::Gauge),
        (QUEUE, Kind::Gauge),
        (BUSY, Kind::Counter),
        (PARKS, Kind::Counter),
    ] {
        describe_series(name.to_owned(), Description { help: help.to_owned(), kind, is_seconds: false });
    }
}

/// Reads the current runtime before each scrape, as long as what it gives is held. Must be called on the runtime.
#[must_use]
pub fn watch() -> Probe {
    let runtime = Handle::current();
    let level = |(name, help), kind| enter_level(Name::new(name, help, kind, []));
    let [workers, tasks, queue] = [WORKERS, TASKS, QUEUE].map(|it| level(it, Kind::Gauge));
    let [busy, parks] = [BUSY, PARKS].map(|it| level(it, Kind::Counter));
    #[allow(clippy::cast_precision_loss)] // nobody has 2^53 tasks
    Probe::new(move || {
        let metrics = runtime.metrics();
        let each = 0..metrics.num_workers();
        workers.set(metrics.num_workers() as f64);
        tasks.set(metrics.num_alive_tasks() as f64);
        queue.set(metrics.global_queue_depth() as f64);
        busy.set(each.clone().map(|worker| metrics.worker_total_busy_duration(worker).as_secs_f64()).sum());
        parks.set(each.map(|worker| metrics.worker_park_count(worker)).sum::<u64>() as f64);
    })
}
