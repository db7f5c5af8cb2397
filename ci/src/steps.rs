//! The steps by name, and what `all` and `full` stand for. Runs nothing by itself: each step is a module of that name.

use crate::{
    bench::{self, Tables},
    check, conformance, cost, e2e, features,
    house::House,
    recount,
    score::Score,
    soak, store, tidy, traces,
};
use std::path::PathBuf;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The house rules.
    Tidy,
    /// Format, lints, tests, documentation.
    Check,
    /// The tests of every feature set.
    Features,
    /// The store on a real server, and what a search finds.
    Store,
    /// Nothing is left when everything is off.
    Cost,
    /// The real binary with the official clients.
    E2e,
    /// The official conformance suite.
    Conformance,
    /// A trace in a real store of traces, and back.
    Traces,
    /// Ours beside what the field has.
    Bench(Tables),
    /// The longer runs of `full`.
    Soak,
    /// Rewrites the table of least test counts.
    Counts,
    /// Draws the picture of the rooms anew.
    Draw,
    /// A trace in a Jaeger that lies at this path, and back.
    Jaeger(PathBuf),
}

use Step::{Bench, Check, Conformance, Cost, Counts, Draw, E2e, Features, Jaeger, Soak, Store, Tidy, Traces};

/// Every step whose name is enough, in the order in which `full` runs them.
const STEPS: [Step; 12] =
    [Tidy, Check, Store, Features, Cost, E2e, Conformance, Traces, Bench(Tables::Metrics), Soak, Counts, Draw];
/// The quickest first, so that a slip is told before a long build.
const ALL: [Step; 6] = [Tidy, Check, Store, Features, Cost, E2e];
const FULL: [Step; 11] = [
    Tidy,
    Check,
    Store,
    Features,
    Cost,
    E2e,
    Conformance,
    Traces,
    Bench(Tables::Metrics),
    Bench(Tables::Tracing),
    Soak,
];
/// The one that needs a path.
const JAEGER: &str = "jaeger";

/// The steps that the words on the command line name, in their order; else a sentence with the words that are allowed. After
/// `bench` a word may say which tables; after `jaeger` one must say where it is.
pub(crate) fn parse(words: &[String]) -> Result<Vec<Step>, String> {
    if words.is_empty() {
        return Err(format!("cargo ci: name at least one step: {}", allowed()));
    }
    let mut steps = Vec::new();
    let mut words = words.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
        match word {
            "all" => steps.extend(ALL),
            "full" => steps.extend(FULL),
            JAEGER => match words.next() {
                Some(path) => steps.push(Jaeger(path.into())),
                None => {
                    return Err(format!("cargo ci: `{JAEGER}` needs the path of a Jaeger v2 binary as the next word"));
                }
            },
            name => match STEPS.into_iter().find(|step| step.name() == name) {
                Some(Bench(usual)) => {
                    let asked = words.next_if(|word| Tables::of_word(word).is_some()).and_then(Tables::of_word);
                    steps.push(Bench(asked.unwrap_or(usual)));
                }
                Some(step) => steps.push(step),
                None => return Err(format!("cargo ci: no step is called `{name}`; allowed: {}", allowed())),
            },
        }
    }
    Ok(steps)
}

fn allowed() -> String {
    let names = STEPS.map(|step| step.name());
    format!("{}, {JAEGER} PATH, all, full", names.join(", "))
}

impl Step {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Tidy => "tidy",
            Check => "check",
            Store => "store",
            Features => "features",
            Cost => "cost",
            E2e => "e2e",
            Conformance => "conformance",
            Traces => "traces",
            Bench(_) => "bench",
            Soak => "soak",
            Counts => "counts",
            Draw => "house",
            Jaeger(_) => JAEGER,
        }
    }

    pub(crate) fn sentence(&self) -> &'static str {
        match self {
            Tidy => "the house rules, as code",
            Check => "format, lints of every build, tests, documentation",
            Store => "the store on a real PostgreSQL, and what a search over the Rust books finds",
            Features => "the tests of all eight feature sets, per package",
            Cost => "with everything off, nothing of it is in the binary",
            E2e => "the real binary, driven by the official Python clients, scraped and traced",
            Conformance => "the official conformance suite against the real binary",
            Traces => "a trace of the real binary in the real Phoenix, and back",
            Bench(_) => "ours beside what the field has, measured",
            Soak => "e2e three times, property tests with many cases, a search over 100,000 passages",
            Counts => "run every counted suite and write ci/test-counts.toml",
            Draw => "draw the rooms in ARCHITECTURE.md from the code",
            Jaeger(_) => "a trace of the real binary in a real Jaeger, and back; it needs a Jaeger v2 binary",
        }
    }

    pub(crate) fn run(&self, house: &House, score: &mut Score) {
        match self {
            Tidy => tidy::run(house, score),
            Check => check::run(house, score),
            Store => store::run(house, score),
            Features => features::run(house, score),
            Cost => cost::run(house, score),
            E2e => e2e::run(house, score),
            Conformance => conformance::run(house, score),
            Traces => traces::phoenix(house, score),
            Bench(tables) => bench::run(*tables, house, score),
            Soak => soak::run(house, score),
            Counts => recount::run(house, score),
            Draw => score.check("the rooms are drawn", tidy::redraw(house)),
            Jaeger(binary) => traces::jaeger(binary, house, score),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn steps_run_in_the_order_they_are_named() {
        assert_eq!(parse(&words("cost tidy cost")).unwrap(), [Cost, Tidy, Cost]);
    }

    #[test]
    fn full_is_all_and_then_the_longer_steps() {
        assert_eq!(parse(&words("full")).unwrap()[..ALL.len()], ALL);
        assert_eq!(parse(&words("full")).unwrap().last(), Some(&Soak));
    }

    #[test]
    fn bench_takes_a_word_for_its_tables_and_no_other_step_does() {
        let (metrics, instructions) = (Bench(Tables::Metrics), Bench(Tables::Instructions));
        assert_eq!(parse(&words("bench")).unwrap(), [Bench(Tables::Metrics)]);
        assert_eq!(parse(&words("bench instructions tidy bench")).unwrap(), [instructions, Tidy, metrics]);
        assert!(parse(&words("metrics")).unwrap_err().contains("`metrics`"));
        assert!(parse(&words("bench metrics metrics")).is_err());
    }

    #[test]
    fn jaeger_takes_the_next_word_as_its_path_and_is_in_neither_sum() {
        assert_eq!(parse(&words("jaeger bin/tidy tidy")).unwrap(), [Jaeger("bin/tidy".into()), Tidy]);
        assert!(parse(&words("tidy jaeger")).unwrap_err().contains("the path of a Jaeger v2 binary"));
        let sums = parse(&words("all full")).unwrap();
        assert!(!sums.iter().any(|step| matches!(step, Jaeger(_))));
    }

    #[test]
    fn traces_are_read_back_in_full_and_not_in_all() {
        assert_eq!(parse(&words("traces")).unwrap(), [Traces]);
        assert!(FULL.contains(&Traces) && !ALL.contains(&Traces));
    }

    #[test]
    fn an_unknown_step_is_told_what_is_allowed() {
        let refusal = parse(&words("tidy everything")).unwrap_err();
        assert!(
            refusal.contains("`everything`")
                && refusal.contains("tidy, check, store, features, cost, e2e, conformance, traces"),
            "{refusal}"
        );
        assert!(parse(&[]).unwrap_err().contains("at least one"));
    }
}
