//! Step `soak`, the longer runs that only `full` has: what is flaky shows when it is repeated. Checks nothing that another
//! step does not check once.

use crate::{cargo::cargo, e2e, house::House, run, score::Score, suite::Suite};

/// Runs the step.
pub(crate) fn run(house: &House, score: &mut Score) {
    Suite::workspace().with("PROPTEST_CASES", PROPTEST_CASES).run_unguarded(house, score);
    let large = ["test", "--release", "-p", "documents", "--test", "large", "--", "--nocapture"];
    score.check("a search over 100,000 passages", run::run(&mut cargo(house, &large)));
    e2e::run_long(house, score);
    for round in 1..=ROUNDS {
        println!("--- e2e, round {round} of {ROUNDS} ---");
        e2e::run(house, score);
    }
}

/// Sixteen times what `proptest` does by itself.
const PROPTEST_CASES: &str = "4096";
const ROUNDS: usize = 3;
