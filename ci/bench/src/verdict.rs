//! What was aimed at, and whether this run reached it: ratios of ours to the others within the run. Handles are compared
//! with handles. Decides nothing: a run on a busy machine is no reason to stop anybody.

use crate::{
    growth::Growth,
    library::{Instrument, OURS, STOCK},
    recording::Cost,
    scrape::Scrape,
    table,
    variant::By,
};

/// The table.
#[must_use]
pub fn table(counter: &[Cost], histogram: &[Cost], scrapes: &[Scrape], growth: Growth) -> String {
    let alone = |cost: &Cost| Some(cost.alone);
    let shared = |cost: &Cost| cost.shared.nanoseconds;
    let mut rows = vec![
        row("counter through our handle, one thread", &handles(counter, alone), (1.0, 0.4)),
        row("histogram through our handle, one thread", &handles(histogram, alone), (0.6, 0.2)),
        row("counter, two threads on one series", &handles(counter, shared), (0.7, 0.1)),
        row("histogram, two threads on one series", &handles(histogram, shared), (0.7, 0.1)),
    ];
    for series in [10_000, 100_000] {
        let of_size = scrapes.iter().filter(|it| it.instrument == Instrument::Counter && it.series == series);
        let costs: Vec<(&str, f64)> = of_size.map(|it| (it.package.as_str(), it.nanoseconds)).collect();
        rows.push(row(&format!("scrape of {series} series, CPU"), &costs, (0.25, 0.02)));
    }
    let grown = format!("{} bytes, under {GROWTH_MAX}: {}", growth.bytes, yes_or_no(growth.bytes < GROWTH_MAX));
    rows.push(vec!["growth after 100 million records without a scrape".to_owned(), grown, String::new()]);
    table::table(&["", "ours against the best of the others", "ours against the stock exporter"], rows)
}

/// Each library's handles, in the order of the libraries; ours begin with the catalogue's.
fn handles(costs: &[Cost], of: fn(&Cost) -> Option<f64>) -> Vec<(&str, f64)> {
    let handles = costs.iter().filter(|cost| cost.by == By::Handle);
    handles.filter_map(|cost| Some((cost.package, of(cost)?))).collect()
}

fn row(what: &str, costs: &[(&str, f64)], (of_best, of_stock): (f64, f64)) -> Vec<String> {
    let ours = costs.iter().find(|(package, _)| *package == OURS).map(|it| it.1);
    let best = costs.iter().filter(|(package, _)| *package != OURS).min_by(|one, other| one.1.total_cmp(&other.1));
    let stock = costs.iter().find(|(package, _)| *package == STOCK);
    let ratio = |other: Option<&(&str, f64)>, aim: f64| match (ours, other) {
        (Some(ours), Some((package, other))) => {
            let ratio = ours / other;
            format!("{ratio:.3} of {package}, at most {aim}: {}", yes_or_no(ratio <= aim))
        }
        _ => "not measured".to_owned(),
    };
    vec![what.to_owned(), ratio(best, of_best), ratio(stock, of_stock)]
}

fn yes_or_no(reached: bool) -> &'static str {
    if reached { "**yes**" } else { "**no**" }
}

/// A mebibyte.
const GROWTH_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_held_against_the_cheapest_of_the_others_and_against_stock() {
        let costs = [(OURS, 1.0), (OURS, 0.1), (STOCK, 10.0), ("other", 2.0)];
        let row = row("x", &costs, (0.4, 0.2));
        assert_eq!(row[1], "0.500 of other, at most 0.4: **no**");
        assert_eq!(row[2], format!("0.100 of {STOCK}, at most 0.2: **yes**"));
    }

    #[test]
    fn what_was_not_measured_is_not_reached() {
        assert_eq!(row("x", &[(OURS, 1.0)], (1.0, 1.0))[1..], ["not measured", "not measured"]);
    }
}
