//! Profiles, taken by `sidelight-profiling`.

use crate::{
    Gauge, Page, Profiling, Settings, StartError,
    metrics::{
        Probe,
        itself::{PROFILES, Profiled, Taken},
    },
    page::{Ask, PageError, Parameter, Permission, Reply, Values},
};
use sidelight_profiling::{cpu, heap};
use std::{sync::OnceLock, time::Duration};

/// This build has profiling.
pub const COMPILED: bool = true;

catalog! {
    /// Bytes that the program has asked jemalloc for and not given back.
    ALLOCATED: Gauge<()> = "jemalloc.allocated_bytes";
    /// Bytes of the pages that hold them.
    ACTIVE: Gauge<()> = "jemalloc.active_bytes";
    /// Bytes that jemalloc needs for itself.
    METADATA: Gauge<()> = "jemalloc.metadata_bytes";
    /// Bytes of physical memory, at the most.
    RESIDENT: Gauge<()> = "jemalloc.resident_bytes";
    /// Bytes of address space in use.
    MAPPED: Gauge<()> = "jemalloc.mapped_bytes";
    /// Bytes of address space that are kept for later.
    RETAINED: Gauge<()> = "jemalloc.retained_bytes";
}

/// Reads the allocator's own counts. In a program with another allocator they stand at 0.
fn read_allocator() {
    let Ok(stats) = heap::stats() else { return };
    let set = |gauge: &'static Gauge<()>, bytes: usize| gauge.set((), i64::try_from(bytes).unwrap_or(i64::MAX));
    set(&ALLOCATED, stats.allocated);
    set(&ACTIVE, stats.active);
    set(&METADATA, stats.metadata);
    set(&RESIDENT, stats.resident);
    set(&MAPPED, stats.mapped);
    set(&RETAINED, stats.retained);
}

/// Lasts as long as the process.
static ALLOCATOR_PROBE: OnceLock<Probe> = OnceLock::new();

/// What the feature brings to the admin port.
pub const PAGES: &[Page] = &[
    Page {
        path: "/debug/pprof/profile",
        permission: Permission::Profile,
        says: "CPU profile of the whole process.",
        parameters: Some(&[
            Parameter {
                name: "seconds",
                says: "How long to sample.",
                values: Values::Whole { least: 1, most: 60, default: 30 },
            },
            Parameter {
                name: "frequency",
                says: "Samples a second of CPU time.",
                values: Values::Whole { least: 10, most: 200, default: 99 },
            },
            Parameter {
                name: "format",
                says: "Gzipped profile.proto, or folded stacks for a flame graph.",
                values: Values::OneOf(&["proto", "collapsed"]),
            },
        ]),
        show: cpu_profile,
        change: None,
    },
    Page {
        path: "/debug/pprof/heap",
        permission: Permission::Profile,
        says: "Heap in use, by jemalloc's samples.",
        parameters: Some(&[]),
        show: |_| heap_profile("heap"),
        change: None,
    },
    Page {
        path: "/debug/pprof/allocs",
        permission: Permission::Profile,
        says: "The same as heap: the path that scrapers ask for.",
        parameters: Some(&[]),
        show: |_| heap_profile("allocs"),
        change: None,
    },
];

/// The global allocator with its compiled-in settings: profiling can be switched on, and is not yet on.
#[macro_export]
macro_rules! allocator {
    () => {
        #[global_allocator]
        static ALLOCATOR: $crate::profiling::allocator::Jemalloc = $crate::profiling::allocator::Jemalloc;

        /// Read by jemalloc before `main`. It must stand in the binary: in a library it is not linked.
        #[allow(unsafe_code)] // the name is jemalloc's, and no other symbol has it
        #[unsafe(export_name = "_rjem_malloc_conf")]
        pub static ALLOCATOR_SETTINGS: &[u8] = $crate::profiling::allocator::SETTINGS;
    };
}

#[doc(hidden)] // what `allocator!` expands to
pub use sidelight_profiling::allocator;

/// What `ENABLE_PROFILING` allows.
static ALLOWED: OnceLock<Profiling> = OnceLock::new();

/// Switches on what is allowed: heap samples from now on, and the unwinder warmed up before any load.
pub(crate) fn start(settings: &Settings) -> Result<(), StartError> {
    ALLOCATOR_PROBE.get_or_init(|| Probe::new(read_allocator));
    let allowed = *ALLOWED.get_or_init(|| settings.profiling);
    let failed = |error: String| StartError::Profiling(error);
    if allowed != Profiling::Off {
        cpu::warm_up().map_err(|error| failed(error.to_string()))?;
    }
    if allowed == Profiling::CpuAndHeap {
        heap::activate().map_err(|error| failed(error.to_string()))?;
    }
    Ok(())
}

const SWITCHED_OFF: PageError = PageError::SwitchedOff { setting: "ENABLE_PROFILING" };
/// What scrapers and browsers are told a profile is.
const CONTENT_TYPE: &str = "application/octet-stream";

fn cpu_profile(ask: &Ask) -> Result<Reply, PageError> {
    if ALLOWED.get().is_none_or(|allowed| *allowed == Profiling::Off) {
        return Err(SWITCHED_OFF);
    }
    let duration = Duration::from_secs(ask.whole("seconds"));
    let frequency = u32::try_from(ask.whole("frequency")).unwrap_or(cpu::FREQUENCY);
    let profile = counted(Profiled::Cpu, cpu::profile(duration, frequency, &|| ask.gone.is_said())).map_err(
        |error| match error {
            cpu::CpuError::Busy => PageError::Busy { retry_after: duration },
            other => PageError::Failed(other.to_string()),
        },
    )?;
    Ok(match ask.word("format") {
        "collapsed" => {
            let body = profile.collapsed().into_bytes();
            Reply { content_type: "text/plain; charset=utf-8", encoding: None, file_name: None, body }
        }
        _ => Reply { content_type: CONTENT_TYPE, encoding: None, file_name: Some("profile"), body: profile.proto() },
    })
}

fn counted<T, E>(what: Profiled, taken: Result<T, E>) -> Result<T, E> {
    PROFILES.add((what, if taken.is_ok() { Taken::Ok } else { Taken::Error }), 1);
    taken
}

fn heap_profile(file_name: &'static str) -> Result<Reply, PageError> {
    if ALLOWED.get() != Some(&Profiling::CpuAndHeap) {
        return Err(SWITCHED_OFF);
    }
    let body = counted(Profiled::Heap, heap::profile()).map_err(|error| PageError::Failed(error.to_string()))?;
    Ok(Reply { content_type: CONTENT_TYPE, encoding: None, file_name: Some(file_name), body })
}
