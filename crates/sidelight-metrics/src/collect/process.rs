//! What the process takes of its machine: CPU time, memory, descriptors (`metrics-process`), and what its control group
//! allows it. Read before each scrape, and emitted through the `metrics` facade as any dependency's numbers are.

use super::{cgroup, runtime};
use crate::record::Probe;
use metrics_process::Collector;
use std::sync::OnceLock;

/// Reads them before each scrape, as long as the process lives. Calling it again changes nothing.
pub fn watch() {
    static PROBE: OnceLock<Probe> = OnceLock::new();
    PROBE.get_or_init(|| {
        let collector = Collector::default();
        collector.describe();
        cgroup::describe();
        runtime::describe();
        Probe::new(move || {
            collector.collect();
            cgroup::collect();
        })
    });
}
