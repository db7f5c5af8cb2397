//! What a scrape allocates, in a program of its own: the allocator that counts would be part of the times that `bench`
//! measures. Started by `bench`.
#![allow(clippy::print_stdout)] // a command-line program: what it prints is its purpose

use bench::{recording::Recorded, scrape};
use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let [instrument, series] = words.as_slice() else { return ExitCode::FAILURE };
    let (Some(instrument), Ok(series)) = (Recorded::of_word(instrument), series.parse()) else {
        return ExitCode::FAILURE;
    };
    for (package, mut page) in scrape::pages(instrument, series) {
        page(&mut |_| ());
        let allocated = allocation_counter::measure(|| page(&mut |_| ()));
        println!("{package} {} {}", allocated.bytes_total, allocated.count_total);
    }
    ExitCode::SUCCESS
}
