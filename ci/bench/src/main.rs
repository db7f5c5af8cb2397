//! `bench metrics` and `bench tracing`: print tables in Markdown, and what was reached. `bench instructions` and
//! `bench tracing-instructions` have one column more, for which they need valgrind. The other words are for processes that it
//! starts itself.
#![allow(clippy::print_stdout)] // a command-line program: what it prints is its purpose

use bench::{
    growth, instructions, machine,
    recording::{self, Recorded},
    request::{self, Pace, Variant},
    scrape, verdict,
};
use std::{env, process::ExitCode, time::Duration};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    match run(&words.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("bench: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<(), String> {
    match words {
        ["metrics"] => report(false),
        ["instructions"] => report(true),
        ["scrape", instrument, series] => {
            for (package, nanoseconds, bytes) in scrape::times(recorded(instrument)?, number(series)?) {
                println!("{package} {nanoseconds} {bytes}");
            }
            Ok(())
        }
        ["growth", package, records] => {
            println!("{}", growth::grow(package, number(records)?));
            Ok(())
        }
        ["repeat", instrument, at] => instructions::repeat(recorded(instrument)?, number(at)?),
        ["tracing"] => report_requests(false),
        ["tracing-instructions"] => report_requests(true),
        ["request", variant, units, pause] => {
            let known = Variant::of_word(variant).ok_or_else(|| format!("`{variant}` is no variant"))?;
            request::run(&known, Pace { units: number(units)?, pause: Duration::from_millis(number(pause)?) });
            Ok(())
        }
        ["receive"] => request::receive(),
        _ => Err("say `metrics`, `instructions`, `tracing` or `tracing-instructions`".to_owned()),
    }
}

fn report(counts_instructions: bool) -> Result<(), String> {
    println!("{}\n", machine::line());
    println!("Recorded into one series of two labels: p10 of batches that take turns; for two threads the median.\n");
    let counter = recording::measure(Recorded::Counter, counts_instructions)?;
    println!("### A counter\n\n{}", recording::table(&counter));
    let histogram = recording::measure(Recorded::Histogram, counts_instructions)?;
    println!("### A histogram of 18 bounds\n\n{}", recording::table(&histogram));
    let mut scrapes = Vec::new();
    for (instrument, series) in scrape::SIZES {
        scrapes.extend(scrape::measure(instrument, series)?);
    }
    println!("### A scrape\n\nThe text form; p10 of the thread's CPU time, warm.\n\n{}", scrape::table(&scrapes));
    let growth = growth::measure()?;
    println!("### Growth\n\n{}", growth::table(&growth));
    println!("### Reached\n\n{}", verdict::table(&counter, &histogram, &scrapes, growth[0]));
    Ok(())
}

fn report_requests(counts_instructions: bool) -> Result<(), String> {
    println!("{}\n", machine::line());
    println!("CPU time of a unit in processes that take turns, their log being /dev/null: the median.\n");
    let costs = request::measure(counts_instructions)?;
    println!("{}", request::table(&costs));
    println!("### Reached\n\n{}", request::verdict::table(&costs, request::allocations()?));
    request::verdict::control(&costs)
}

fn recorded(word: &str) -> Result<Recorded, String> {
    Recorded::of_word(word).ok_or_else(|| format!("`{word}` is no instrument"))
}

fn number<N: std::str::FromStr>(word: &str) -> Result<N, String> {
    word.parse().map_err(|_| format!("`{word}` is no number"))
}
