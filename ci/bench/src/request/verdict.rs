//! What was aimed at, and whether this run reached it: ratios of all threads' CPU time within the run. Fails nothing by
//! itself, because a machine that others use is no judge; but the judgement must be able to fail, and [`control`] sees to
//! that: the same judgement of ours with something planted in it has to be red.

use super::{
    allocations::{Allocated, UNITS},
    cost::Cost,
    variant::{
        JSON_LINE, JSON_LINE_INSIDE, OTEL_ALWAYS, OTEL_RARELY, OURS_ALWAYS, OURS_LINE, OURS_LINE_INSIDE, OURS_RARELY,
        PLANTED,
    },
};
use crate::table;

/// One against another, and what share is allowed.
struct Aim {
    what: &'static str,
    ours: &'static str,
    other: &'static str,
    at_most: f64,
}

const RARELY: Aim = Aim { what: "a request, one of 100 sampled", ours: OURS_RARELY, other: OTEL_RARELY, at_most: 0.08 };
const AIMS: [Aim; 4] = [
    RARELY,
    Aim { what: "a request, all sampled", ours: OURS_ALWAYS, other: OTEL_ALWAYS, at_most: 0.3 },
    Aim { what: "a line in a request", ours: OURS_LINE_INSIDE, other: JSON_LINE_INSIDE, at_most: 0.25 },
    Aim { what: "a line outside", ours: OURS_LINE, other: JSON_LINE, at_most: 0.25 },
];
/// The first aim, for what must not reach it.
const CONTROL: Aim = Aim { what: "the control: 5 us planted in each operation", ours: PLANTED, ..RARELY };

/// The table.
#[must_use]
pub fn table(costs: &[Cost], allocated: Allocated) -> String {
    let row = |aim: &Aim| {
        let judgement = judge(aim, costs);
        vec![aim.what.to_owned(), judgement.sentence, yes_or_no(judgement.is_reached).to_owned()]
    };
    let mut rows: Vec<Vec<String>> = AIMS.iter().map(row).collect();
    let Allocated { bytes, allocations } = allocated;
    rows.push(vec![
        "the request's thread, not sampled, warm".to_owned(),
        format!("{allocations} allocations of {bytes} bytes in {UNITS} requests, at most 0"),
        yes_or_no(allocations == 0).to_owned(),
    ]);
    let judgement = judge(&CONTROL, costs);
    let told = if judgement.is_reached { "**control: green, and must not be**" } else { "control: red, as it must be" };
    rows.push(vec![CONTROL.what.to_owned(), judgement.sentence, told.to_owned()]);
    table::table(&["", "ours", "reached"], rows)
}

/// Whether the judgement can fail.
///
/// # Errors
/// When it lets the control pass, or cannot say.
pub fn control(costs: &[Cost]) -> Result<(), String> {
    let judgement = judge(&CONTROL, costs);
    match (judgement.is_reached, judgement.ratio) {
        (false, Some(_)) => Ok(()),
        _ => Err(format!("{} is not red, so green says nothing: {}", CONTROL.what, judgement.sentence)),
    }
}

struct Judgement {
    ratio: Option<f64>,
    is_reached: bool,
    sentence: String,
}

fn judge(aim: &Aim, costs: &[Cost]) -> Judgement {
    let of = |word: &str| costs.iter().find(|it| it.variant.word == word);
    let (Some(ours), Some(other)) = (of(aim.ours), of(aim.other)) else {
        return Judgement { ratio: None, is_reached: false, sentence: "not measured".to_owned() };
    };
    let ratio = ours.all / other.all;
    let lost = if ours.is_complete() { "" } else { ", but something was lost" };
    let sentence = format!("{ratio:.3} of {}, at most {}{lost}", other.variant.name, aim.at_most);
    Judgement { ratio: Some(ratio), is_reached: ratio <= aim.at_most && ours.is_complete(), sentence }
}

fn yes_or_no(reached: bool) -> &'static str {
    if reached { "**yes**" } else { "**no**" }
}

#[cfg(test)]
mod tests {
    use super::super::variant::Variant;
    use super::*;

    fn cost(word: &str, all: f64, lines: f64) -> Cost {
        let variant = Variant::of_word(word).unwrap();
        Cost { variant, caller: all, all, lines, spans: 0.05, instructions: None }
    }

    #[test]
    fn the_aim_is_a_share_of_the_other_and_nothing_may_be_lost() {
        let other = cost(OTEL_RARELY, 100.0, 2.0);
        for (ours, lines, is_reached) in [(8.0, 2.0, true), (8.1, 2.0, false), (8.0, 1.9, false)] {
            let costs = [cost(OURS_RARELY, ours, lines), other.clone()];
            assert_eq!(judge(&RARELY, &costs).is_reached, is_reached, "{ours} {lines}");
        }
        assert!(!judge(&RARELY, &[other]).is_reached, "what was not measured is not reached");
    }

    #[test]
    fn a_control_that_is_green_or_was_not_measured_is_an_error() {
        let other = cost(OTEL_RARELY, 100.0, 2.0);
        assert!(control(&[cost(PLANTED, 120.0, 2.0), other.clone()]).is_ok());
        assert!(control(&[cost(PLANTED, 5.0, 2.0), other.clone()]).is_err());
        assert!(control(&[other]).is_err());
    }
}
