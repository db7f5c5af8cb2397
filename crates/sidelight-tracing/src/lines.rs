//! Log lines: one flat JSON object each, or text for a person. Ids come from the current [`crate::Context`], sampled or
//! not. No value can forge a line, and no key stands in it twice.

use crate::{
    Context,
    clock::Clock,
    escape::{Escape, MASK, VALUE_BYTES_MAX, is_secret},
    limit::Limit,
    writer::Writer,
};
use std::{
    cell::RefCell,
    fmt::{self, Write as _},
    time::SystemTime,
};
use tracing::{Event, Level, Metadata, Subscriber, field::Field};
use tracing_subscriber::{Layer, layer};

/// A longer line is cut, and says so.
pub(crate) const LINE_BYTES_MAX: usize = 16 * 1024;
/// Keys that a line may have of its own; an event's field of the same name is written with a `_` behind it.
const OWN_KEYS: [&str; 12] = [
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
    "truncated",
];

/// Writes events to the log.
#[derive(Debug)]
pub(crate) struct LineLayer {
    writer: Writer,
    form: Form,
    limit: Limit,
}

/// The form of a line.
#[derive(Clone, Debug)]
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

    /// The writer's own line: it must not wait in the queue that it reports of.
    pub(crate) fn dropped(&self, lines: u64) -> String {
        let now = crate::clock::text(SystemTime::now());
        let target = module_path!();
        match self {
            Self::Json(fixed) => format!(
                "{{\"timestamp\":\"{now}\",\"level\":\"WARN\",\"message\":\"{DROPPED}\",\"target\":\"{target}\"{fixed},\
                 \"lines\":{lines}}}\n"
            ),
            Self::Text => format!("{now} WARN  {DROPPED} lines={lines} ({target})\n"),
        }
    }
}

const DROPPED: &str = "log lines were dropped";

impl LineLayer {
    pub(crate) fn new(writer: Writer, form: Form) -> Self {
        Self { writer, form, limit: Limit::default() }
    }
}

thread_local! {
    static LINE: RefCell<(String, Clock)> = const { RefCell::new((String::new(), Clock::new())) };
}

impl<S: Subscriber> Layer<S> for LineLayer {
    fn on_event(&self, event: &Event<'_>, _: layer::Context<'_, S>) {
        let Some(suppressed) = self.limit.admit(event.metadata()) else { return };
        LINE.with(|kept| {
            // a value whose Debug logs would come back here: it gets a line of its own
            let mut own = (String::new(), Clock::new());
            let mut borrowed = kept.try_borrow_mut();
            let (line, clock) = borrowed.as_deref_mut().unwrap_or(&mut own);
            line.clear();
            match &self.form {
                Form::Json(fixed) => json(line, clock, fixed, event, suppressed),
                Form::Text => text(line, clock, event, suppressed),
            }
            self.writer.line(line);
        });
    }
}

fn json(line: &mut String, clock: &mut Clock, fixed: &str, event: &Event<'_>, suppressed: u64) {
    let metadata = event.metadata();
    line.push_str("{\"timestamp\":\"");
    clock.write(line, SystemTime::now());
    line.push_str("\",\"level\":\"");
    line.push_str(metadata.level().as_str());
    line.push_str("\",\"message\":\"");
    event.record(&mut Message(Escape::new(line)));
    line.push('"');
    field(line, "target", metadata.target());
    line.push_str(fixed);
    Context::with_ids(|trace, span, correlation| {
        if !correlation.is_empty() {
            field(line, "correlation_id", correlation);
        }
        line.push_str(",\"trace_id\":\"");
        hex(line, &trace.to_be_bytes());
        line.push('"');
        if span != 0 {
            line.push_str(",\"span_id\":\"");
            hex(line, &span.to_be_bytes());
            line.push('"');
        }
    });
    if suppressed > 0 {
        put(line, format_args!(",\"suppressed\":{suppressed}"));
    }
    event.record(&mut Fields { line, metadata, json: true, is_cut: false });
    line.push_str("}\n");
}

fn text(line: &mut String, clock: &mut Clock, event: &Event<'_>, suppressed: u64) {
    let metadata = event.metadata();
    clock.write(line, SystemTime::now());
    put(line, format_args!(" {:5} ", metadata.level().as_str()));
    event.record(&mut Message(Escape::new(line)));
    event.record(&mut Fields { line, metadata, json: false, is_cut: false });
    if suppressed > 0 {
        put(line, format_args!(" suppressed={suppressed}"));
    }
    if *metadata.level() <= Level::WARN {
        put(line, format_args!(" ({})", metadata.target()));
    }
    Context::with_ids(|_, _, correlation| {
        if !correlation.is_empty() {
            put(line, format_args!(" [{correlation}]"));
        }
    });
    line.push('\n');
}

/// Writes an event's message.
struct Message<'a>(Escape<'a>);

impl tracing::field::Visit for Message<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.0.word(value);
        }
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}"); // it takes everything
        }
    }
}

/// Writes an event's other fields.
struct Fields<'a> {
    line: &'a mut String,
    metadata: &'static Metadata<'static>,
    json: bool,
    is_cut: bool,
}

impl Fields<'_> {
    /// Begins a field; whether its value is wanted.
    fn key(&mut self, field: &Field) -> bool {
        let name = field.name();
        if name == "message" || self.is_cut {
            return false;
        }
        if self.line.len() > LINE_BYTES_MAX - 3 * VALUE_BYTES_MAX - KEY_BYTES_MAX {
            self.is_cut = true; // three times: an escape takes up to three bytes for one
            self.line.push_str(if self.json { ",\"truncated\":true" } else { " truncated" });
            return false;
        }
        self.line.push_str(if self.json { ",\"" } else { " " });
        let start = self.line.len();
        let plain = name.strip_prefix("r#").unwrap_or(name);
        Escape::new(self.line).word(&plain[..plain.floor_char_boundary(KEY_BYTES_MAX / 4)]);
        self.distinguish(field, start);
        self.line.push_str(if self.json { "\":" } else { "=" });
        if !is_secret(name) {
            return true;
        }
        self.line.push_str(if self.json { "\"***\"" } else { MASK });
        false
    }

    /// A key that stands in the line already gets a `_` behind it, or as many as it needs.
    fn distinguish(&mut self, field: &Field, start: usize) {
        let known = |key: &str| OWN_KEYS.contains(&key);
        let fields = self.metadata.fields();
        let is_second = fields.field(field.name()).is_some_and(|first| first.index() != field.index());
        if !is_second && !known(&self.line[start..]) {
            return;
        }
        loop {
            self.line.push('_');
            if fields.field(&self.line[start..]).is_none() {
                break;
            }
        }
        if is_second {
            put(self.line, format_args!("{}", field.index()));
        }
    }

    fn plain(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if self.key(field) {
            put(self.line, value);
        }
    }
}

/// A longer key is cut.
const KEY_BYTES_MAX: usize = 256;

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
            self.line.push('"');
            let _ = write!(Escape::new(self.line), "{value:?}"); // it takes everything
            self.line.push('"');
        }
    }
}

fn field(line: &mut String, key: &str, value: &str) {
    line.push_str(",\"");
    line.push_str(key);
    line.push_str("\":");
    quoted(line, value);
}

fn quoted(line: &mut String, value: &str) {
    line.push('"');
    Escape::new(line).word(value);
    line.push('"');
}

fn hex(line: &mut String, bytes: &[u8]) {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    for byte in bytes {
        line.push(digit(byte >> 4));
        line.push(digit(byte & 15));
    }
}

fn put(line: &mut String, text: fmt::Arguments<'_>) {
    let _ = line.write_fmt(text); // a String takes everything
}

#[cfg(test)]
#[path = "lines_test.rs"]
mod tests;
