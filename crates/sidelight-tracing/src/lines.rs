//! Log lines: one flat JSON object each, or text for a person. Ids come from the current [`crate::Context`], sampled or
//! not. No value can forge a line: control characters, line separators and bidirectional marks are escaped.

use crate::{Context, limit::Limit, writer::Writer};
use std::{
    cell::RefCell,
    fmt::{self, Write as _},
    time::{SystemTime, UNIX_EPOCH},
};
use tracing::{Event, Level, Subscriber, field::Field};
use tracing_subscriber::{Layer, layer};

/// A longer line is cut, and says so.
pub(crate) const LINE_BYTES_MAX: usize = 16 * 1024;
/// A longer value is cut.
const VALUE_BYTES_MAX: usize = 2 * 1024;
/// Keys that a line may have of its own; an event's field of the same name is written with a `_` behind it.
const OWN_KEYS: [&str; 11] = [
    "timestamp",
    "level",
    "message",
    "target",
    "service_name",
    "version",
    "environment",
    "correlation_id",
    "trace_id",
    "span_id",
    "suppressed",
];

/// Writes events to the log.
#[derive(Debug)]
pub(crate) struct LineLayer {
    writer: Writer,
    form: Form,
    limit: Limit,
}

/// The form of a line.
#[derive(Debug)]
pub(crate) enum Form {
    /// JSON; the text holds the fields that are the same in every line, ready to be copied.
    Json(String),
    /// For a person.
    Text,
}

impl Form {
    pub(crate) fn json(service_name: &str, version: &str, environment: &str) -> Self {
        let mut fields = String::new();
        for (key, value) in [("service_name", service_name), ("version", version), ("environment", environment)] {
            field(&mut fields, key, value);
        }
        Self::Json(fields)
    }
}

impl LineLayer {
    pub(crate) fn new(writer: Writer, form: Form) -> Self {
        Self { writer, form, limit: Limit::default() }
    }
}

thread_local! {
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };
}

impl<S: Subscriber> Layer<S> for LineLayer {
    fn on_event(&self, event: &Event<'_>, _: layer::Context<'_, S>) {
        let Some(suppressed) = self.limit.admit(event.metadata()) else { return };
        LINE.with(|line| {
            // a value whose Debug logs would come back here: it gets a line of its own
            let mut own = String::new();
            let mut borrowed = line.try_borrow_mut();
            let line = borrowed.as_deref_mut().unwrap_or(&mut own);
            line.clear();
            match &self.form {
                Form::Json(fixed) => json(line, fixed, event, suppressed),
                Form::Text => text(line, event, suppressed),
            }
            self.writer.line(line);
        });
    }
}

fn json(line: &mut String, fixed: &str, event: &Event<'_>, suppressed: u64) {
    let metadata = event.metadata();
    line.push_str("{\"timestamp\":\"");
    timestamp(line, SystemTime::now());
    line.push('"');
    field(line, "level", metadata.level().as_str());
    let mut message = Message::default();
    event.record(&mut message);
    field(line, "message", &message.0);
    field(line, "target", metadata.target());
    line.push_str(fixed);
    Context::with_ids(|ids| {
        let Some((trace, span, correlation)) = ids else { return };
        if let Some(correlation) = correlation {
            field(line, "correlation_id", correlation);
        }
        put(line, format_args!(",\"trace_id\":\"{trace:032x}\""));
        if span != 0 {
            put(line, format_args!(",\"span_id\":\"{span:016x}\""));
        }
    });
    if suppressed > 0 {
        put(line, format_args!(",\"suppressed\":{suppressed}"));
    }
    event.record(&mut Fields { line, json: true, cut: false });
    line.push_str("}\n");
}

fn text(line: &mut String, event: &Event<'_>, suppressed: u64) {
    let metadata = event.metadata();
    timestamp(line, SystemTime::now());
    put(line, format_args!(" {:5} ", metadata.level().as_str()));
    let mut message = Message::default();
    event.record(&mut message);
    escape(line, &message.0);
    event.record(&mut Fields { line, json: false, cut: false });
    if suppressed > 0 {
        put(line, format_args!(" suppressed={suppressed}"));
    }
    if *metadata.level() <= Level::WARN {
        put(line, format_args!(" ({})", metadata.target()));
    }
    Context::with_ids(|ids| {
        if let Some((_, _, Some(correlation))) = ids {
            put(line, format_args!(" [{correlation}]"));
        }
    });
    line.push('\n');
}

/// Finds an event's message.
#[derive(Default)]
struct Message(String);

impl tracing::field::Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            put(&mut self.0, format_args!("{value:?}"));
        }
    }
}

/// Writes an event's other fields.
struct Fields<'a> {
    line: &'a mut String,
    json: bool,
    cut: bool,
}

impl Fields<'_> {
    fn key(&mut self, field: &Field) -> bool {
        let name = field.name().trim_start_matches("r#");
        if name == "message" || self.cut {
            return false;
        }
        if self.line.len() > LINE_BYTES_MAX - 3 * VALUE_BYTES_MAX {
            self.cut = true; // three times: an escape takes up to three bytes for one
            self.line.push_str(if self.json { ",\"truncated\":true" } else { " truncated" });
            return false;
        }
        let end = if OWN_KEYS.contains(&name) { "_" } else { "" };
        if self.json {
            put(self.line, format_args!(",\"{name}{end}\":"));
        } else {
            put(self.line, format_args!(" {name}="));
        }
        true
    }
    fn plain(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if self.key(field) {
            put(self.line, value);
        }
    }
}

impl tracing::field::Visit for Fields<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, format_args!("{value}"));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, format_args!("{value}"));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, format_args!("{value}"));
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.plain(field, format_args!("{value}"));
        } else {
            self.record_str(field, &value.to_string()); // JSON has no NaN
        }
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        if self.key(field) {
            quoted(self.line, value);
        }
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.key(field) {
            quoted(self.line, &format!("{value:?}"));
        }
    }
}

fn field(line: &mut String, key: &str, value: &str) {
    put(line, format_args!(",\"{key}\":"));
    quoted(line, value);
}

fn quoted(line: &mut String, value: &str) {
    line.push('"');
    escape(line, value);
    line.push('"');
}

fn escape(line: &mut String, value: &str) {
    let end = value.floor_char_boundary(VALUE_BYTES_MAX);
    for character in value[..end].chars() {
        match character {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            '\u{0}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => put(line, format_args!("\\u{:04x}", u32::from(character))),
            other => line.push(other),
        }
    }
    if end < value.len() {
        line.push('…');
    }
}

fn put(line: &mut String, text: fmt::Arguments<'_>) {
    let _ = line.write_fmt(text); // a String takes everything
}

/// RFC 3339, UTC, microseconds.
fn timestamp(line: &mut String, now: SystemTime) {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // days to a civil date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let micros = since.subsec_micros();
    put(line, format_args!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"));
}

#[cfg(test)]
#[path = "lines_test.rs"]
mod tests;
