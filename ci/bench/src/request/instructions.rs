//! How many instructions a unit is, of all threads, counted by callgrind: the difference of two lengths of a run, so that
//! start and end fall out. The control is left out: how often it looks at the clock says nothing.

use super::{
    one_run::run,
    process::Pace,
    variant::{PLANTED, Variant},
};
use std::{env, process::Command, time::Duration};

/// Instructions a unit; `None` for the control.
pub(crate) fn count(variant: &Variant) -> Result<Option<f64>, String> {
    if variant.word == PLANTED {
        return Ok(None);
    }
    let [short, long] = [SHORT, LONG].map(|units| collected(variant, units));
    #[allow(clippy::cast_precision_loss)] // thousands
    let units = (LONG - SHORT) as f64;
    Ok(Some((long? - short?) / units))
}

fn collected(variant: &Variant, units: u64) -> Result<f64, String> {
    let program = env::current_exe().map_err(|error| format!("this program cannot be found: {error}"))?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", ZERO_BEFORE]).arg(program);
    let said = run(valgrind, variant, Pace { units, pause: PAUSE }, false)
        .map_err(|why| format!("`valgrind`, of the Debian package of that name, is needed: {why}"))?
        .said;
    let collected = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    collected.ok_or_else(|| format!("callgrind counted nothing: {said}"))
}

/// What comes before is of no fixed length: clocks try themselves out.
const ZERO_BEFORE: &str = "--zero-before=*request::process::units*";
const SHORT: u64 = 1_000;
const LONG: u64 = 9_000;
/// Threads take turns in there, and everything takes longer.
const PAUSE: Duration = Duration::from_millis(50);
