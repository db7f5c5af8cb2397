//! The least number of tests that must have run, for each suite: `ci/test-counts.toml`. Tests that vanish (a target that
//! is no longer found, a module that is no longer named) fail here, not in silence. Knows nothing of how tests are run.

use crate::house::House;
use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

/// The table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    least: BTreeMap<String, usize>,
}

impl Counts {
    /// The checked-in table; empty when there is none, and then every suite asks for it.
    pub(crate) fn load(house: &House) -> Result<Self, String> {
        let path = file(house);
        let text = fs::read_to_string(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        Self::parse(&text)
    }

    /// Whether enough tests of this suite ran.
    pub(crate) fn judge(&self, suite: &str, ran: usize) -> Result<(), String> {
        match self.least.get(suite) {
            Some(least) if ran >= *least => Ok(()),
            Some(least) => {
                Err(format!("{ran} tests passed, but there were {least}; if that is meant: cargo ci counts"))
            }
            None => Err("the table has no line for this suite: cargo ci counts".to_owned()),
        }
    }

    /// Sets the least number of a suite.
    pub(crate) fn set(&mut self, suite: String, least: usize) {
        self.least.insert(suite, least);
    }

    /// Writes the table into its place.
    pub(crate) fn write(&self, house: &House) -> Result<(), String> {
        fs::write(file(house), self.render()).map_err(|error| error.to_string())
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut least = BTreeMap::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, count) = line.split_once('=').ok_or_else(|| format!("not `\"suite\" = number`: {line}"))?;
            let count = count.trim().parse().map_err(|_| format!("not a number of tests: {line}"))?;
            least.insert(name.trim().trim_matches('"').to_owned(), count);
        }
        Ok(Self { least })
    }

    fn render(&self) -> String {
        let mut text = String::from(HEAD);
        for (suite, least) in &self.least {
            let _ = writeln!(text, "\"{suite}\" = {least}");
        }
        text
    }
}

fn file(house: &House) -> PathBuf {
    house.path("ci/test-counts.toml")
}

const HEAD: &str = "# The least number of tests that must have passed, for each `cargo test` that `cargo ci` starts.
# Written by `cargo ci counts`; a run with fewer fails.

";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        let counts = Counts { least: BTreeMap::from([("mcp [metrics]".to_owned(), 31), ("ci".to_owned(), 4)]) };
        assert_eq!(Counts::parse(&counts.render()).unwrap(), counts);
    }

    #[test]
    fn fewer_tests_than_before_and_an_unknown_suite_fail() {
        let counts = Counts::parse("\"mcp []\" = 5").unwrap();
        assert!(counts.judge("mcp []", 5).is_ok());
        assert!(counts.judge("mcp []", 4).unwrap_err().contains("4 tests passed, but there were 5"));
        assert!(counts.judge("mcp [tracing]", 9).unwrap_err().contains("no line"));
    }

    #[test]
    fn a_line_that_is_no_count_is_refused() {
        assert!(Counts::parse("mcp").is_err());
        assert!(Counts::parse("mcp = many").is_err());
    }
}
