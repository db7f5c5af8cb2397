//! The tables of recording: each way into one series, alone and with a second thread, and what it is in instructions.

use crate::{
    instructions,
    library::{Instrument, OURS, version},
    one_thread, table,
    two_threads::{self, Shared},
    variant::{By, Variant},
};

pub use crate::library::Instrument as Recorded;

/// What one way of recording costs.
#[derive(Clone, Debug)]
pub struct Cost {
    pub(crate) package: &'static str,
    pub(crate) how: &'static str,
    pub(crate) by: By,
    pub(crate) alone: f64,
    pub(crate) shared: Shared,
    pub(crate) instructions: Option<f64>,
}

/// All ways of recording into an instrument, the cheapest first. Instructions are counted where that is asked for, which
/// takes a second each.
///
/// # Errors
/// When the program that counts instructions cannot be run.
pub fn measure(instrument: Instrument, counts_instructions: bool) -> Result<Vec<Cost>, String> {
    let all = instrument.variants();
    let variants: Vec<&Variant> = all.iter().map(|(_, variant)| variant).collect();
    let alone = one_thread::measure(&variants);
    let shared = two_threads::measure(&variants, &alone);
    let mut costs = Vec::new();
    for (at, (package, variant)) in all.iter().enumerate() {
        let instructions = if counts_instructions { Some(instructions::count(instrument, at)?) } else { None };
        let (alone, shared) = (alone[at], shared[at]);
        costs.push(Cost { package, how: variant.how, by: variant.by, alone, shared, instructions });
    }
    Ok(costs)
}

/// The table, the cheapest first.
#[must_use]
pub fn table(costs: &[Cost]) -> String {
    let mut costs = costs.to_vec();
    costs.sort_by(|one, other| one.alone.total_cmp(&other.alone));
    let mut head = vec!["library", "how", "by", "one thread, ns", "two threads, ns", "rounds together"];
    let counted = costs.iter().any(|cost| cost.instructions.is_some());
    head.extend(counted.then_some("instructions"));
    let rows = costs.iter().map(|cost| row(cost, counted));
    table::table(&head, rows)
}

fn row(cost: &Cost, counted: bool) -> Vec<String> {
    let shown = |number: Option<f64>, decimals| number.map_or("-".to_owned(), |it| format!("{it:.decimals$}"));
    let mut row = vec![
        library(cost.package),
        cost.how.to_owned(),
        cost.by.word().to_owned(),
        shown(Some(cost.alone), 2),
        shown(cost.shared.nanoseconds, 2),
        cost.shared.rounds.to_string(),
    ];
    row.extend(counted.then(|| shown(cost.instructions, 0)));
    row
}

/// A library as tables name it; ours stands out.
pub(crate) fn library(package: &str) -> String {
    let name = format!("{package} {}", version(package));
    if package == OURS { format!("**{name}**") } else { name }
}
