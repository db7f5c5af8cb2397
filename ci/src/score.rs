//! The one count of what passed and failed, over all steps, and how long each check took. Prints each check as it is counted;
//! runs nothing.

use std::{
    fmt,
    time::{Duration, Instant},
};

/// What passed, what failed, and why.
#[derive(Debug)]
pub(crate) struct Score {
    passed: usize,
    failures: Vec<(usize, String)>,
    cannot_build: bool,
    laps: Vec<(Duration, String)>,
    since: Instant,
}

impl Score {
    pub(crate) fn new() -> Self {
        Self { passed: 0, failures: Vec::new(), cannot_build: false, laps: Vec::new(), since: Instant::now() }
    }

    /// What has just ended took all the time since the last one.
    pub(crate) fn lap(&mut self, name: &str) {
        let now = Instant::now();
        self.laps.push((now - self.since, name.to_owned()));
        self.since = now;
    }

    /// The checks that took longest.
    pub(crate) fn print_slowest(&mut self) {
        self.laps.sort_by_key(|(took, _)| std::cmp::Reverse(*took));
        println!("\nthe slowest checks, with what was built for them");
        for (took, name) in self.laps.iter().take(SLOWEST) {
            println!("{:>9.1} s  {name}", took.as_secs_f64());
        }
    }

    /// One check of our own.
    pub(crate) fn pass(&mut self, name: &str) {
        println!("ok {name}");
        self.passed += 1;
        self.lap(name);
    }

    /// One check that failed.
    pub(crate) fn fail(&mut self, name: &str, why: &str) {
        println!("FAILED {name}: {why}");
        self.failures.push((1, format!("{name}: {}", why.lines().next().unwrap_or_default())));
        self.lap(name);
    }

    /// One check by its result.
    pub(crate) fn check(&mut self, name: &str, result: Result<(), String>) {
        match result {
            Ok(()) => self.pass(name),
            Err(why) => self.fail(name, &why),
        }
    }

    /// What another runner counted, which has printed its own lines.
    pub(crate) fn add(&mut self, name: &str, passed: usize, failed: usize) {
        self.passed += passed;
        if failed > 0 {
            self.failures.push((failed, format!("{name}: {failed} failed")));
        }
        self.lap(name);
    }

    /// A build is impossible: nothing after this can say anything.
    pub(crate) fn give_up_building(&mut self) {
        self.cannot_build = true;
    }

    pub(crate) fn cannot_build(&self) -> bool {
        self.cannot_build
    }

    pub(crate) fn failed(&self) -> usize {
        self.failures.iter().map(|(failed, _)| failed).sum()
    }

    pub(crate) fn print_failures(&self) {
        for (_, failure) in &self.failures {
            println!("FAILED {failure}");
        }
    }
}

const SLOWEST: usize = 10;

/// The last line of every run.
impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_and_other_runners_are_one_sum() {
        let mut score = Score::new();
        score.pass("a");
        score.check("b", Err("why".to_owned()));
        score.add("suite", 10, 2);
        assert_eq!(score.to_string(), "11 passed, 3 failed");
        assert!(!score.cannot_build());
        assert_eq!(score.laps.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["a", "b", "suite"]);
    }
}
