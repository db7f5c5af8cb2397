//! Runs the variants' processes: first once with a log that is read, to see that nothing is lost; then in rounds, in which
//! they take turns in an order that changes. Whoever else uses the machine disturbs all of them alike.

use super::{
    cost::Cost,
    instructions,
    one_run::{Seen, run},
    process::{Pace, Spent},
    variant::{VARIANTS, Variant},
};
use crate::quantile::{MEDIAN, quantile};
use std::{env, process::Command, time::Duration};

/// Every variant. Instructions are counted where that is asked for, which takes a minute or several.
///
/// # Errors
/// When a process cannot be run.
pub fn measure(counts_instructions: bool) -> Result<Vec<Cost>, String> {
    let program = env::current_exe().map_err(|error| format!("this program cannot be found: {error}"))?;
    let mut measured: Vec<Measured> = Vec::new();
    for variant in VARIANTS {
        let Seen { lines, spans, .. } = run(Command::new(&program), &variant, SEEN, true)?;
        measured.push(Measured { lines, spans: vec![spans], rounds: Vec::new() });
    }
    let mut order: Vec<usize> = (0..VARIANTS.len()).collect();
    let mut state = 0x9E37_79B9_7F4A_7C15;
    for _ in 0..ROUNDS {
        shuffle(&mut order, &mut state);
        for at in &order {
            let Seen { spent, spans, .. } = run(Command::new(&program), &VARIANTS[*at], COUNTED, false)?;
            measured[*at].spans.push(spans);
            measured[*at].rounds.push(spent);
        }
    }
    let cost = |(variant, measured): (Variant, Measured)| {
        let median = |of: fn(&Spent) -> f64| {
            let mut all: Vec<f64> = measured.rounds.iter().map(of).collect();
            quantile(&mut all, MEDIAN).unwrap_or_default()
        };
        let instructions = if counts_instructions { instructions::count(&variant)? } else { None };
        #[allow(clippy::cast_precision_loss)] // a few
        let spans = measured.spans.iter().sum::<f64>() / measured.spans.len() as f64;
        let lines = measured.lines;
        Ok(Cost { variant, caller: median(|it| it.caller), all: median(|it| it.all), lines, spans, instructions })
    };
    VARIANTS.into_iter().zip(measured).map(cost).collect()
}

/// What came of all processes of a variant.
struct Measured {
    lines: f64,
    spans: Vec<f64>,
    rounds: Vec<Spent>,
}

/// Fisher and Yates, with Marsaglia's generator.
fn shuffle(order: &mut [usize], state: &mut u64) {
    for last in (1..order.len()).rev() {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        let other = usize::try_from(*state % (last as u64 + 1)).unwrap_or_default();
        order.swap(last, other);
    }
}

/// Ten thousand requests a second, were they for nothing.
const PAUSE: Duration = Duration::from_millis(10);
const SEEN: Pace = Pace { units: 2_000, pause: PAUSE };
const COUNTED: Pace = Pace { units: 30_000, pause: PAUSE };
const ROUNDS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffled_order_has_everybody_once() {
        let mut order = [0, 1, 2, 3, 4, 5, 6, 7];
        let mut state = 1;
        shuffle(&mut order, &mut state);
        assert_ne!(order, [0, 1, 2, 3, 4, 5, 6, 7]);
        order.sort_unstable();
        assert_eq!(order, [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
