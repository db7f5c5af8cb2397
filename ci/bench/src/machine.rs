//! On what and when it was measured. Names the kind of machine only.

use std::{fs, process::Command, thread};

/// One line for above the tables.
#[must_use]
pub fn line() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let load = read("/proc/loadavg").split_whitespace().next().unwrap_or_default().to_owned();
    format!("Measured on {}: {}, {cores} cores, load {load} at the start.", date(), model())
}

/// What the kernel calls the processor.
fn model() -> String {
    let said = read("/proc/cpuinfo");
    let name = said.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or("a processor without a name", |(_, name)| name).to_owned()
}

fn date() -> String {
    let output = Command::new("date").args(["-u", "+%Y-%m-%d"]).output();
    output.map_or_else(|_| "an unknown day".to_owned(), |it| String::from_utf8_lossy(&it.stdout).trim().to_owned())
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The memory of this process that is really there, in bytes.
pub(crate) fn resident() -> u64 {
    let pages = read("/proc/self/statm").split_whitespace().nth(1).and_then(|it| it.parse::<u64>().ok());
    pages.unwrap_or_default() * u64::try_from(rustix::param::page_size()).unwrap_or_default()
}
