//! How many instructions a record is, counted by callgrind: they do not depend on who else uses the machine. They say little
//! of what two threads cost each other.

use crate::library::Instrument;
use std::{env, process::Command};

/// Instructions a record of the variant at this position, with its share of the loop.
pub(crate) fn count(instrument: Instrument, at: usize) -> Result<f64, String> {
    let program = env::current_exe().map_err(|error| format!("this program cannot be found: {error}"))?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"]);
    valgrind.arg(format!("--toggle-collect=*{COUNTED}*")).arg(program);
    valgrind.args(["repeat", instrument.word(), &at.to_string()]);
    let output = valgrind
        .output()
        .map_err(|error| format!("`valgrind`, of the Debian package of that name, cannot be started: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse::<f64>().ok());
    collected.map(|sum| sum / f64::from(TIMES)).ok_or_else(|| format!("callgrind counted nothing: {said}"))
}

/// Records with one variant, for callgrind to see.
///
/// # Errors
/// When there is no such variant.
pub fn repeat(instrument: Instrument, at: usize) -> Result<(), String> {
    let variants = instrument.variants();
    let (_, variant) = variants.get(at).ok_or_else(|| format!("there are {} variants", variants.len()))?;
    variant.repeat(1000); // what happens at the first record only is not counted
    repeat_and_be_counted(&|| variant.repeat(TIMES.into()));
    Ok(())
}

/// The function that callgrind is told to count in.
#[inline(never)]
fn repeat_and_be_counted(repeat: &dyn Fn()) {
    repeat();
}

const COUNTED: &str = "repeat_and_be_counted";
const TIMES: u32 = 20_000;
