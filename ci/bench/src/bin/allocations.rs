//! What a scrape allocates, and what a request that is not sampled does: in a program of its own, because the allocator that
//! counts would be part of the times that `bench` measures. Started by `bench`.
#![allow(clippy::print_stdout)] // a command-line program: what it prints is its purpose

use bench::{
    recording::Recorded,
    request::{self, Allocated},
    scrape,
};
use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    if words == ["request"] {
        let (package, Allocated { bytes, allocations }) = request::count_allocations(|units| {
            let allocated = allocation_counter::measure(units);
            Allocated { bytes: allocated.bytes_total, allocations: allocated.count_total }
        });
        println!("{package} {bytes} {allocations}");
        return ExitCode::SUCCESS;
    }
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
