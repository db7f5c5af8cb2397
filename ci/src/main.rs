//! `cargo ci STEP...`: every check of the project, the same at a desk and on the runner. Each step is a module that runs
//! commands a person could type; nothing here is known to the workflow file, and nothing of the products is known here.
#![allow(clippy::print_stdout)] // a command-line program: what it prints is its purpose

mod bench;
mod cargo;
mod check;
mod conformance;
mod cost;
mod counts;
mod e2e;
mod features;
mod house;
mod libtest;
mod others;
mod postgres;
mod recount;
mod run;
mod score;
mod soak;
mod steps;
mod store;
mod suite;
mod tidy;
mod tools;
mod traces;
mod unified;

use house::House;
use score::Score;
use std::{
    env,
    process::ExitCode,
    time::{Duration, Instant},
};
use steps::Step;

fn main() -> ExitCode {
    let names: Vec<String> = env::args().skip(1).collect();
    match steps::parse(&names) {
        Ok(steps) => run_all(&steps),
        Err(refusal) => {
            eprintln!("{refusal}");
            ExitCode::from(EX_USAGE)
        }
    }
}

/// Runs the steps in order; a failed one does not stop the next, a build that cannot be made does.
fn run_all(steps: &[Step]) -> ExitCode {
    let house = House::here();
    let mut score = Score::new();
    let mut times = Vec::new();
    for step in steps {
        if score.cannot_build() {
            score.fail(step.name(), "not run: the workspace does not build");
            continue;
        }
        times.push((step.name(), timed(step, &house, &mut score)));
    }
    score.print_slowest();
    print_table(&times);
    score.print_failures();
    println!("{score}");
    if score.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn timed(step: &Step, house: &House, score: &mut Score) -> Duration {
    println!("\n=== {}: {} ===", step.name(), step.sentence());
    let started = Instant::now();
    step.run(house, score);
    let took = started.elapsed();
    println!("=== {} took {:.1} s ===", step.name(), took.as_secs_f64());
    took
}

fn print_table(times: &[(&str, Duration)]) {
    println!("\n{:<10} {:>9}", "step", "seconds");
    for (name, took) in times {
        println!("{name:<10} {:>9.1}", took.as_secs_f64());
    }
    let sum: Duration = times.iter().map(|(_, took)| *took).sum();
    println!("{:<10} {:>9.1}", "together", sum.as_secs_f64());
}

/// What `sysexits.h` calls a command that was used wrongly.
const EX_USAGE: u8 = 64;
