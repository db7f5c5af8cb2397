//! Step `soak`, the longer runs that only `full` has: what is flaky shows when it is repeated. Checks nothing that another
//! step does not check once.

use crate::{e2e, house::House, score::Score, suite::Suite};

/// Runs the step.
pub(crate) fn run(house: &House, score: &mut Score) {
    Suite::workspace().with("PROPTEST_CASES", PROPTEST_CASES).run_unguarded(house, score);
    for round in 1..=ROUNDS {
        println!("--- e2e, round {round} of {ROUNDS} ---");
        e2e::run(house, score);
    }
}

/// Sixteen times what `proptest` does by itself.
const PROPTEST_CASES: &str = "4096";
const ROUNDS: usize = 3;
