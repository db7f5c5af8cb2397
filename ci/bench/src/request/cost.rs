//! What each variant costs, as a table. Judges nothing.

use super::variant::{OTEL_RARELY, Unit, Variant};
use crate::table;

/// What one variant costs.
#[derive(Clone, Debug)]
pub struct Cost {
    pub(crate) variant: Variant,
    /// CPU time of the calling thread, nanoseconds a unit.
    pub(crate) caller: f64,
    /// CPU time of all threads, nanoseconds a unit.
    pub(crate) all: f64,
    /// Lines a unit that were read.
    pub(crate) lines: f64,
    /// Spans a unit that arrived.
    pub(crate) spans: f64,
    pub(crate) instructions: Option<f64>,
}

impl Cost {
    /// Whether every line was read, and every span that was certain to be sampled arrived.
    pub(crate) fn is_complete(&self) -> bool {
        let (spans, lines) = self.variant.unit.holds();
        let spans = if self.variant.rate == Some(1.0) { spans } else { 0.0 };
        self.lines >= lines && self.spans >= spans
    }
}

/// The table of requests, and that of lines.
#[must_use]
pub fn table(costs: &[Cost]) -> String {
    let (requests, lines): (Vec<&Cost>, Vec<&Cost>) = costs.iter().partition(|it| it.variant.unit == Unit::Request);
    format!("### A request\n\n{}\n### A line\n\n{}", of(&requests, costs), of(&lines, costs))
}

fn of(shown: &[&Cost], costs: &[Cost]) -> String {
    let of_usual = "of JSON with OpenTelemetry at 0.01";
    let mut head = vec!["stack", "", "caller, ns", "all threads, ns", of_usual, "lines", "spans"];
    let usual = costs.iter().find(|it| it.variant.word == OTEL_RARELY).map(|it| it.all);
    let counted = costs.iter().any(|it| it.instructions.is_some());
    head.extend(counted.then_some("instructions"));
    table::table(&head, shown.iter().map(|it| row(it, usual, counted)))
}

fn row(cost: &Cost, usual: Option<f64>, counted: bool) -> Vec<String> {
    let what = match (cost.variant.unit, cost.variant.rate) {
        (Unit::Request, Some(rate)) => format!("rate {rate}"),
        (Unit::Request, None) => String::new(),
        (Unit::Line, _) => "outside any request".to_owned(),
        (Unit::LineInRequest, _) => "in a request".to_owned(),
    };
    let mut row = vec![
        cost.variant.name.to_owned(),
        what,
        format!("{:.0}", cost.caller),
        format!("{:.0}", cost.all),
        usual.map_or("-".to_owned(), |usual| format!("{:.3}", cost.all / usual)),
        format!("{:.2}", cost.lines),
        format!("{:.2}", cost.spans),
    ];
    row.extend(counted.then(|| cost.instructions.map_or("-".to_owned(), |it| format!("{it:.0}"))));
    row
}
