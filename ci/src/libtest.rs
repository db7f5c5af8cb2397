//! Reads the `test result:` lines of libtest. Knows no other line, and starts nothing.

/// The sum over the targets of one `cargo test`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Results {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed.
    pub failed: usize,
    /// Tests that were not run.
    pub ignored: usize,
    /// Targets that ran at all; none means that nothing could be built.
    pub targets: usize,
}

impl Results {
    /// Adds one line of output, if it is a result.
    pub(crate) fn read(&mut self, line: &str) {
        let Some((_, fields)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else {
            return;
        };
        self.targets += 1;
        for field in fields.split(';') {
            match field.trim().split_once(' ') {
                Some((count, "passed")) => self.passed += count.parse().unwrap_or(0),
                Some((count, "failed")) => self.failed += count.parse().unwrap_or(0),
                Some((count, "ignored")) => self.ignored += count.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_all_targets_are_summed() {
        let mut results = Results::default();
        for line in [
            "running 3 tests",
            "test a ... ok",
            "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "",
            "test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
        ] {
            results.read(line);
        }
        assert_eq!(results, Results { passed: 6, failed: 1, ignored: 1, targets: 2 });
    }

    #[test]
    fn what_a_test_prints_is_no_result() {
        let mut results = Results::default();
        results.read("the test result: ok. 9 passed");
        assert_eq!(results, Results::default());
    }
}
