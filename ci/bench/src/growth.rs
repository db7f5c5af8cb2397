//! How much memory recording takes where nobody scrapes, in a process of its own: what others left behind in an allocator
//! would hide it.

use crate::{
    library::{Instrument, OURS, STOCK},
    machine, recording, table,
    variant::By,
};
use std::{env, process::Command};

/// Bytes that a library's records took.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    package: &'static str,
    records: u64,
    pub(crate) bytes: u64,
}

/// Ours first. The stock exporter keeps its samples, so it gets fewer.
///
/// # Errors
/// When a process cannot be run.
pub fn measure() -> Result<[Growth; 2], String> {
    Ok([measured(OURS, OURS_RECORDS)?, measured(STOCK, STOCK_RECORDS)?])
}

/// The table.
#[must_use]
pub fn table(growths: &[Growth]) -> String {
    let row = |it: &Growth| {
        let millions = format!("{} million", it.records / 1_000_000);
        vec![recording::library(it.package), millions, it.bytes.to_string()]
    };
    table::table(
        &["library", "records without a scrape, half of them values", "resident memory grew by, bytes"],
        growths.iter().map(row),
    )
}

fn measured(package: &'static str, records: u64) -> Result<Growth, String> {
    let program = env::current_exe().map_err(|error| format!("this program cannot be found: {error}"))?;
    let output = Command::new(program).args(["growth", package, &records.to_string()]).output();
    let output = output.map_err(|error| format!("the process cannot be started: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let bytes = said.trim().parse().map_err(|_| format!("no number: {said}"))?;
    Ok(Growth { package, records, bytes })
}

/// Records so often by the library's handles, half of it into counters, and gives the bytes that it took.
#[must_use]
pub fn grow(package: &str, records: u64) -> u64 {
    let handles = |instrument: Instrument| {
        let all = instrument.variants().into_iter();
        all.filter(|(of, variant)| *of == package && variant.by == By::Handle).map(|it| it.1).collect::<Vec<_>>()
    };
    let instruments = [Instrument::Counter, Instrument::Histogram].map(handles);
    let repeat = |records: u64| {
        for handles in &instruments {
            let each = records / 2 / u64::try_from(handles.len().max(1)).unwrap_or(1);
            for handle in handles {
                handle.repeat(each);
            }
        }
    };
    repeat(FIRST);
    let before = machine::resident();
    repeat(records);
    machine::resident().saturating_sub(before)
}

const OURS_RECORDS: u64 = 100_000_000;
const STOCK_RECORDS: u64 = 1_000_000;
/// What the first records take is taken once.
const FIRST: u64 = 20_000;
