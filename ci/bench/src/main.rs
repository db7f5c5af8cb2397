//! `bench metrics`: prints tables in Markdown, and what was reached. `bench instructions` has one column more, for which it
//! needs valgrind. The other words are for processes that it starts itself.
#![allow(clippy::print_stdout)] // a command-line program: what it prints is its purpose

use bench::{
    growth, instructions, machine,
    recording::{self, Recorded},
    scrape, verdict,
};
use std::{env, process::ExitCode};

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
        _ => Err("say `metrics` or `instructions`".to_owned()),
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

fn recorded(word: &str) -> Result<Recorded, String> {
    Recorded::of_word(word).ok_or_else(|| format!("`{word}` is no instrument"))
}

fn number<N: std::str::FromStr>(word: &str) -> Result<N, String> {
    word.parse().map_err(|_| format!("`{word}` is no number"))
}
