//! The same work twice, once seen through the facade: `cargo ci cost` compares the two functions' machine code in a
//! build with every feature off.
#![allow(unsafe_code)] // fixed symbol names, so that the two functions can be found

use sidelight::{Counter, Failure, Operation, catalog, labels};
use std::{
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
};

labels! {
    /// Which half.
    pub enum Half = "half" { /// The lower.
        Lower = "lower", /// The upper.
        Upper = "upper" }
}

/// It was odd.
#[derive(Debug)]
pub struct Odd;

impl Failure for Odd {
    const NAMES: &'static [&'static str] = &["odd"];
    fn index(&self) -> usize {
        0
    }
}

catalog! {
    /// Help text of sidelight_zero_probe.
    pub HALVE: Operation<Half, Odd> = "sidelight_zero_probe";
    /// Numbers that were halved.
    pub HALVED: Counter<Half> = "sidelight_zero_count";
}

#[allow(clippy::unused_async)] // a future is what is observed
async fn halve(number: u64) -> Result<u64, Odd> {
    match number % 2 {
        0 => Ok(black_box(number) / 2),
        _ => Err(Odd),
    }
}

fn now<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// The work, seen.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn instrumented(number: u64) -> u64 {
    let half = if number < 100 { Half::Lower } else { Half::Upper };
    let result = now(HALVE.observe(half, halve(number))).unwrap_or(0);
    HALVED.add(half, 1);
    sidelight::info!("halved", number = number, result = result);
    result
}

/// The work alone.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn bare(number: u64) -> u64 {
    now(halve(number)).unwrap_or(0)
}

fn main() {
    let number = std::env::args().count() as u64;
    std::process::exit(i32::from(instrumented(number) != bare(number)));
}
