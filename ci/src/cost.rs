//! Step `cost`: proves that with every feature off nothing is left in the binary. Compares machine code and looks for the
//! probe's name; measures no time (the benches do).

mod code;

use crate::{cargo::cargo, house::House, run, score::Score, tools};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Runs the step.
pub(crate) fn run(house: &House, score: &mut Score) {
    if let Err(why) = tools::need(&tools::BINUTILS) {
        return score.fail("cost", &why);
    }
    match build(house, "off", &[]) {
        Ok(off) => {
            score.check("off: the observed function is the bare one", same_code(&off));
            score.check("off: the probe's name is not in the binary", holds_probe(&off, false));
        }
        Err(why) => score.fail("the off binary is built", &why),
    }
    match build(house, "metrics", &["--features", "metrics"]) {
        Ok(on) => {
            score.check("metrics: the comparison tells the two functions apart", differs(&on));
            score.check("metrics: the probe's name is in the binary", holds_probe(&on, true));
        }
        Err(why) => score.fail("the metrics binary is built", &why),
    }
}

/// Builds the example and keeps a copy, because the next build writes to the same place. One codegen unit: the optimiser
/// folds equal functions within a unit only.
fn build(house: &House, name: &str, features: &[&str]) -> Result<PathBuf, String> {
    let mut arguments =
        "rustc -p sidelight --release --no-default-features --example zero".split(' ').collect::<Vec<_>>();
    arguments.extend(features);
    arguments.extend(["--", "-C", "codegen-units=1"]);
    run::run(&mut cargo(house, &arguments))?;
    let built = house.target().join("release/examples/zero");
    let kept = house.scratch().join(format!("zero-{name}"));
    let copied = fs::create_dir_all(house.scratch()).and_then(|()| fs::copy(&built, &kept));
    copied.map_err(|error| format!("{} cannot be copied: {error}", built.display()))?;
    Ok(kept)
}

/// The two functions are one, or their instructions are the same.
fn same_code(binary: &Path) -> Result<(), String> {
    let symbols = run::output_of(Command::new("nm").arg(binary))?;
    let (seen, bare) = (code::address(&symbols, SEEN), code::address(&symbols, BARE));
    let (Some(seen), Some(bare)) = (seen, bare) else {
        return Err(format!("`nm` does not name both `{SEEN}` and `{BARE}` in {}", binary.display()));
    };
    if seen == bare {
        println!("  folded: `{SEEN}` and `{BARE}` are both at {seen}");
        return Ok(());
    }
    let listing = run::output_of(Command::new("objdump").args(["-d", "--no-show-raw-insn"]).arg(binary))?;
    let (seen, bare) = (code::instructions(&listing, SEEN), code::instructions(&listing, BARE));
    if code::only_jumps_to(&seen, BARE) || code::only_jumps_to(&bare, SEEN) {
        println!("  folded: of `{SEEN}` and `{BARE}` one only jumps to the other");
        return Ok(());
    }
    if seen == bare && !seen.is_empty() {
        println!("  the same {} instructions in both", seen.len());
        return Ok(());
    }
    Err(format!("{DIFFER}\n{SEEN}:\n  {}\n{BARE}:\n  {}", seen.join("\n  "), bare.join("\n  ")))
}

/// The control: where the feature is on, the same comparison must find a difference.
fn differs(binary: &Path) -> Result<(), String> {
    match same_code(binary) {
        Err(why) if why.starts_with(DIFFER) => Ok(()),
        Err(why) => Err(why),
        Ok(()) => Err("it finds none, so it proves nothing of the off build".to_owned()),
    }
}

fn holds_probe(binary: &Path, wanted: bool) -> Result<(), String> {
    let bytes = fs::read(binary).map_err(|error| format!("{} cannot be read: {error}", binary.display()))?;
    let found = bytes.windows(PROBE.len()).any(|window| window == PROBE.as_bytes());
    println!("  {} bytes; `{PROBE}` is {}in it", bytes.len(), if found { "" } else { "not " });
    if found == wanted { Ok(()) } else { Err(format!("`{PROBE}` was {}expected", if wanted { "" } else { "not " })) }
}

/// The two functions of `crates/sidelight/examples/zero.rs`.
const SEEN: &str = "instrumented";
const BARE: &str = "bare";
const DIFFER: &str = "they differ";
/// The name that its help text and its metric share.
const PROBE: &str = "sidelight_zero_probe";
