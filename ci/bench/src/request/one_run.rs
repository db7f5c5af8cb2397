//! One process of a variant, with a receiver of its own, from its start to its end.

use super::{
    process::{Pace, Spent, WARM_UP, spent},
    receiver::Receiver,
    variant::Variant,
};
use std::{
    env,
    io::{self, BufRead, BufReader, Read as _},
    process::{Command, Stdio},
    thread,
};

/// What came of one process.
pub(crate) struct Seen {
    pub(crate) spent: Spent,
    /// What it said beside that.
    pub(crate) said: String,
    /// Lines a unit; 0 where the log was not read.
    pub(crate) lines: f64,
    /// Spans a unit.
    pub(crate) spans: f64,
}

/// One process of a variant with a receiver of its own, started by this command.
pub(crate) fn run(mut command: Command, variant: &Variant, pace: Pace, reads_lines: bool) -> Result<Seen, String> {
    let why = |error: io::Error| format!("the process of `{}`: {error}", variant.word);
    let receiver = Receiver::start()?;
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OTEL_")) {
        command.env_remove(name);
    }
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.endpoint);
    let arguments = [variant.word, &pace.units.to_string(), &pace.pause.as_millis().to_string()];
    command.arg("request").args(arguments).stderr(Stdio::piped());
    command.stdout(if reads_lines { Stdio::piped() } else { Stdio::null() });
    let mut process = command.spawn().map_err(why)?;
    let log = process.stdout.take();
    let reading = thread::spawn(move || log.map_or(0, |log| BufReader::new(log).split(b'\n').flatten().count()));
    let mut said = String::new();
    process.stderr.take().expect("it is piped").read_to_string(&mut said).map_err(why)?;
    process.wait().map_err(why)?;
    let spent = spent(&said).ok_or_else(|| format!("the process of `{}` failed: {said}", variant.word))?;
    #[allow(clippy::cast_precision_loss)] // thousands
    let each = |count: u64| count as f64 / (WARM_UP + pace.units) as f64;
    let lines = u64::try_from(reading.join().unwrap_or_default()).unwrap_or_default();
    Ok(Seen { spent, said, lines: each(lines), spans: each(receiver.end()?) })
}
