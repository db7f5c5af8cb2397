//! What a scrape costs: the CPU time of the thread that makes the page, and what it allocates, without HTTP. Each size has
//! processes of its own: our book is one for the process, and a counting allocator would be part of the time.

use crate::{
    library::{Instrument, Page},
    quantile::{UNDISTURBED, quantile},
    recording, table,
};
use rustix::time::{ClockId, clock_gettime};
use std::{collections::HashMap, env, process::Command};

/// What one library's scrape costs.
#[derive(Clone, Debug)]
pub struct Scrape {
    pub(crate) package: String,
    pub(crate) instrument: Instrument,
    pub(crate) series: usize,
    pub(crate) nanoseconds: f64,
    page: u64,
    allocated: u64,
    allocations: u64,
}

/// The sizes that are measured.
pub const SIZES: [(Instrument, usize); 4] = [
    (Instrument::Counter, 1_000),
    (Instrument::Counter, 10_000),
    (Instrument::Counter, 100_000),
    (Instrument::Histogram, 1_000),
];

/// Every library's scrape of so many series.
///
/// # Errors
/// When a process cannot be run.
pub fn measure(instrument: Instrument, series: usize) -> Result<Vec<Scrape>, String> {
    let times = rows("bench", &["scrape", instrument.word(), &series.to_string()])?;
    let allocations: HashMap<String, Vec<f64>> =
        rows("allocations", &[instrument.word(), &series.to_string()])?.into_iter().collect();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole numbers, as they were printed
    let whole = |numbers: &[f64], at: usize| numbers.get(at).copied().unwrap_or_default() as u64;
    let scrape = |(package, numbers): (String, Vec<f64>)| {
        let allocated = allocations.get(&package).cloned().unwrap_or_default();
        Scrape {
            instrument,
            series,
            nanoseconds: numbers.first().copied().unwrap_or_default(),
            page: whole(&numbers, 1),
            allocated: whole(&allocated, 0),
            allocations: whole(&allocated, 1),
            package,
        }
    };
    Ok(times.into_iter().map(scrape).collect())
}

/// The table, by size.
#[must_use]
pub fn table(scrapes: &[Scrape]) -> String {
    let head = ["series", "library", "CPU, us", "ns a series", "page, bytes", "allocated, bytes", "allocations"];
    let row = |it: &Scrape| {
        #[allow(clippy::cast_precision_loss)] // thousands
        let each = it.nanoseconds / it.series as f64;
        vec![
            format!("{} {}s", it.series, it.instrument.word()),
            recording::library(&it.package),
            format!("{:.0}", it.nanoseconds / 1e3),
            format!("{each:.0}"),
            it.page.to_string(),
            it.allocated.to_string(),
            it.allocations.to_string(),
        ]
    };
    table::table(&head, scrapes.iter().map(row))
}

/// Each line of a process of ours: a package and numbers.
pub(crate) fn rows(program: &str, arguments: &[&str]) -> Result<Vec<(String, Vec<f64>)>, String> {
    let this = env::current_exe().map_err(|error| format!("this program cannot be found: {error}"))?;
    let output = Command::new(this.with_file_name(program)).args(arguments).output();
    let output = output.map_err(|error| format!("`{program}` cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{program}`: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let package = words.next().unwrap_or_default().to_owned();
        (package, words.filter_map(|word| word.parse().ok()).collect())
    };
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(row).collect())
}

/// Measures in this process: package, nanoseconds, bytes of the page.
#[must_use]
pub fn times(instrument: Instrument, series: usize) -> Vec<(&'static str, f64, usize)> {
    let mut pages = pages(instrument, series);
    let rounds = (ROUNDS_TIMES_SERIES / series.max(1)).clamp(8, 100);
    let mut measured = vec![Vec::new(); pages.len()];
    for _ in 0..rounds {
        for ((_, page), measured) in pages.iter_mut().zip(&mut measured) {
            let mut scrape = || page(&mut |_| ());
            scrape(); // brings back what the others drove out of the caches
            measured.extend([time(&mut scrape), time(&mut scrape)]);
        }
    }
    let row = |((package, page), measured): (&mut (&'static str, Page), &mut Vec<f64>)| {
        let nanoseconds = quantile(measured, UNDISTURBED).unwrap_or_default();
        (*package, nanoseconds, length(page))
    };
    pages.iter_mut().zip(&mut measured).map(row).collect()
}

/// Every library's page, which was seen to hold all series.
///
/// # Panics
/// When one does not: then nothing can be compared.
#[must_use]
pub fn pages(instrument: Instrument, series: usize) -> Vec<(&'static str, Page)> {
    let mut pages = instrument.pages(series);
    let samples = match instrument {
        Instrument::Counter => series,
        Instrument::Histogram => series * SAMPLES_OF_HISTOGRAM,
    };
    for (package, page) in &mut pages {
        let mut found = 0;
        page(&mut |text| found = text.split(|byte| *byte == b'\n').filter(|line| is_sample(line)).count());
        assert_eq!(found, samples, "samples on the page of {package}");
    }
    pages
}

fn is_sample(line: &[u8]) -> bool {
    !line.is_empty() && !line.starts_with(b"#")
}

fn length(page: &mut Page) -> usize {
    let mut length = 0;
    page(&mut |text| length = text.len());
    length
}

/// The CPU time of this thread.
fn time(scrape: &mut impl FnMut()) -> f64 {
    let now = || std::time::Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default();
    let started = now();
    scrape();
    now().saturating_sub(started).as_secs_f64() * 1e9
}

/// The bounds, the one above all of them, the sum and the count.
const SAMPLES_OF_HISTOGRAM: usize = crate::inputs::BOUNDS.len() + 3;
const ROUNDS_TIMES_SERIES: usize = 400_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_the_empty_last_line_are_no_samples() {
        let page = b"# TYPE a counter\na 1\n\n";
        assert_eq!(page.split(|byte| *byte == b'\n').filter(|line| is_sample(line)).count(), 1);
    }
}
