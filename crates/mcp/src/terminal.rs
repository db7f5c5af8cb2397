//! What a person at the terminal is told. Nobody may be there, and a disk full: no program ends for that.

use std::{
    fmt,
    io::{self, Write as _},
};

/// A line on standard error.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{line}");
}
