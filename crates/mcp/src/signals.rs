//! The signals that end the program.

use std::{fs, io};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM from a supervisor, Ctrl-C from a person, or a terminal that is closed, unless that was ignored at the start: for
/// which `nohup` is there. Heard from this call on, and not only when it is awaited: whoever was answered may tell us to end.
/// Never ends where none of them can be heard.
pub(crate) fn told_to_end() -> impl Future<Output = &'static str> {
    let [by_supervisor, by_person] = [SignalKind::terminate(), SignalKind::interrupt()].map(|kind| signal(kind).ok());
    let by_terminal =
        (!is_ignored(SignalKind::hangup())).then(|| signal(SignalKind::hangup())).and_then(io::Result::ok);
    async {
        tokio::select! {
            () = heard(by_supervisor) => "SIGTERM",
            () = heard(by_person) => "SIGINT",
            () = heard(by_terminal) => "SIGHUP",
        }
    }
}

async fn heard(signal: Option<Signal>) {
    match signal {
        Some(mut signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// As far as the system says so, in a mask whose lowest bit is the first signal (proc(5)).
fn is_ignored(kind: SignalKind) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}
