//! The two forms of a line, and what both begin with.

use super::escape::Escape;
use crate::request::time_text;
use std::time::SystemTime;

/// A longer line is cut, and says so.
pub(crate) const LINE_BYTES_MAX: usize = 16 * 1024;

/// The form of a line.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// JSON; the text holds the fields that are the same in every line, ready to be copied.
    Json(Vec<u8>),
    /// For a person.
    Text,
}

impl Form {
    pub(crate) fn json(service_name: &str, version: &str, environment: &str) -> Self {
        let mut fields = Vec::new();
        for (key, value) in [("service_name", service_name), ("version", version), ("environment", environment)] {
            field(&mut fields, key, value);
        }
        Self::Json(fields)
    }

    /// The writer's own line: it must not wait in the queue that it reports of.
    pub(crate) fn dropped(&self, lines: u64) -> Vec<u8> {
        let now = time_text(SystemTime::now());
        match self {
            Self::Json(fixed) => {
                let start = format!(
                    "{{\"timestamp\":\"{now}\",\"level\":\"WARN\",\"message\":\"{DROPPED}\",\"target\":\"{TARGET}\""
                );
                [start.as_bytes(), fixed, format!(",\"lines\":{lines}}}\n").as_bytes()].concat()
            }
            Self::Text => format!("{now} WARN  {DROPPED} lines={lines} ({TARGET})\n").into_bytes(),
        }
    }
}

const DROPPED: &str = "log lines were dropped";
const TARGET: &str = "sidelight_tracing::log";

/// A word of ours.
pub(crate) fn field(line: &mut Vec<u8>, key: &str, value: &str) {
    line.extend_from_slice(b",\"");
    line.extend_from_slice(key.as_bytes());
    line.extend_from_slice(b"\":\"");
    Escape::new(line).word(value);
    line.push(b'"');
}
