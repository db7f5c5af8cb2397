//! Tells the program which commit it was built from: that of the working copy, or `COMMIT` where there is none, as in an
//! image.

use std::{env, path::Path, process::Command};

fn main() {
    println!("cargo::rerun-if-env-changed=COMMIT");
    let log = Path::new("../../.git/logs/HEAD"); // has a new line after each commit and each checkout
    if log.exists() {
        println!("cargo::rerun-if-changed={}", log.display());
    } else {
        println!("cargo::rerun-if-changed=build.rs");
    }
    let commit = env::var("COMMIT").ok().filter(|commit| !commit.is_empty()).or_else(head);
    println!("cargo::rustc-env=COMMIT={}", commit.as_deref().unwrap_or("unknown"));
}

fn head() -> Option<String> {
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
    let commit = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| commit.trim().to_owned()).filter(|commit| !commit.is_empty())
}
