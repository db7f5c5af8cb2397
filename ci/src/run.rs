//! Runs one command: prints it, passes its output on untouched, and lets a reader see each line of its stdout. Judges no
//! output.

use std::{
    fmt::Write as _,
    io::{self, BufRead, BufReader, Write as _},
    process::{Command, Stdio},
};

/// Runs it to the end, and says whether it ended well.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    run_reading(command, |_| {})
}

/// The same, and `line` sees every line of its stdout (stderr goes straight to ours).
pub(crate) fn run_reading(command: &mut Command, mut line: impl FnMut(&str)) -> Result<(), String> {
    println!("$ {}", shown(command));
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`{name}` cannot be started: {error}"))?;
    let stdout = child.stdout.take().expect("stdout was asked to be a pipe");
    copy_lines(stdout, &mut line).map_err(|error| format!("the output of `{name}` cannot be read: {error}"))?;
    let status = child.wait().map_err(|error| format!("`{name}` cannot be waited for: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{name}` ended with {status}")) }
}

/// Runs it silently and gives its stdout.
pub(crate) fn output_of(command: &mut Command) -> Result<String, String> {
    let name = shown(command);
    let output = command.output().map_err(|error| format!("`{name}` cannot be started: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("`{name}` ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()))
    }
}

fn copy_lines(from: impl io::Read, line: &mut impl FnMut(&str)) -> io::Result<()> {
    let mut from = BufReader::new(from);
    let mut bytes = Vec::new();
    while from.read_until(b'\n', &mut bytes)? > 0 {
        io::stdout().write_all(&bytes)?;
        line(String::from_utf8_lossy(&bytes).trim_end());
        bytes.clear();
    }
    io::stdout().flush()
}

/// The command as a person would type it, with the variables that we set.
fn shown(command: &Command) -> String {
    let mut text = String::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            let _ = write!(text, "{}={} ", name.to_string_lossy(), value.to_string_lossy());
        }
    }
    text.push_str(&command.get_program().to_string_lossy());
    for argument in command.get_args() {
        let _ = write!(text, " {}", argument.to_string_lossy());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_seen_and_the_end_is_told() {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two; exit 3"]);
        let end = run_reading(&mut command, |line| lines.push(line.to_owned()));
        assert_eq!(lines, ["one", "two"]);
        assert!(end.unwrap_err().contains('3'));
    }

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let mut command = Command::new("cargo");
        command.arg("doc").env("RUSTDOCFLAGS", "-Dwarnings").env_remove("HOME");
        assert_eq!(shown(&command), "RUSTDOCFLAGS=-Dwarnings cargo doc");
    }
}
