//! Log lines: one flat JSON object each, or text for a person. Ids come from the current [`crate::Context`], sampled or
//! not. No value can forge a line, and no key stands in it twice.

use crate::{
    Context,
    clock::Clock,
    escape::{Escape, MASK, VALUE_BYTES_MAX},
    limit::Limit,
    template::{KEY_BYTES_MAX, Key, Template, Templates},
    writer::Writer,
};
use std::{
    cell::RefCell,
    fmt::{self, Write as _},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::SystemTime,
};
use tracing::{Event, Level, Subscriber, field::Field};
use tracing_subscriber::{Layer, layer};

/// A longer line is cut, and says so.
pub(crate) const LINE_BYTES_MAX: usize = 16 * 1024;

/// Writes events to the log.
#[derive(Debug)]
pub(crate) struct LineLayer {
    writer: Writer,
    form: Form,
    limit: Limit,
    number: u64,
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
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self { writer, form, limit: Limit::default(), number: NEXT.fetch_add(1, Relaxed) }
    }
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// What a thread keeps from line to line.
#[derive(Default)]
struct Kept {
    line: String,
    clock: Clock,
    templates: Templates,
}

impl<S: Subscriber> Layer<S> for LineLayer {
    fn on_event(&self, event: &Event<'_>, _: layer::Context<'_, S>) {
        let Some(suppressed) = self.limit.admit(event.metadata()) else { return };
        // a value whose Debug logs would come back here, and a thread that ends may log: they get a line of their own
        let written =
            KEPT.try_with(|kept| kept.try_borrow_mut().map(|mut kept| self.write(&mut kept, event, suppressed)));
        if !matches!(written, Ok(Ok(()))) {
            self.write(&mut Kept::default(), event, suppressed);
        }
    }
}

impl LineLayer {
    fn write(&self, Kept { line, clock, templates }: &mut Kept, event: &Event<'_>, suppressed: u64) {
        line.clear();
        let template = templates.of(event.metadata(), &self.form, self.number);
        match self.form {
            Form::Json(_) => json(line, clock, template, event, suppressed),
            Form::Text => text(line, clock, template, event, suppressed),
        }
        self.writer.line(line, *event.metadata().level() <= Level::WARN);
    }
}

fn json(line: &mut String, clock: &mut Clock, template: &Template, event: &Event<'_>, suppressed: u64) {
    line.push_str("{\"timestamp\":\"");
    clock.write(line, SystemTime::now());
    line.push_str(&template.before);
    event.record(&mut Message(Escape::new(line)));
    line.push_str(&template.behind);
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
    event.record(&mut Fields { line, template, quote: "\"", is_cut: false });
    line.push_str("}\n");
}

fn text(line: &mut String, clock: &mut Clock, template: &Template, event: &Event<'_>, suppressed: u64) {
    let metadata = event.metadata();
    clock.write(line, SystemTime::now());
    line.push_str(&template.before);
    event.record(&mut Message(Escape::new(line)));
    event.record(&mut Fields { line, template, quote: "", is_cut: false });
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
    template: &'a Template,
    /// What stands around words: nothing in the form for a person, whose strings have none and whose debug forms have their
    /// own.
    quote: &'static str,
    is_cut: bool,
}

impl Fields<'_> {
    /// Begins a field; whether its value is wanted.
    fn key(&mut self, field: &Field) -> bool {
        let Some(Key { text, is_secret }) = self.template.keys.get(field.index()) else { return false };
        if text.is_empty() || self.is_cut {
            return false; // the message, or nothing more
        }
        if self.line.len() > LINE_BYTES_MAX - VALUE_BYTES_MAX - 2 * KEY_BYTES_MAX {
            self.is_cut = true; // no room for one more, and for the end
            self.line.push_str(if self.quote.is_empty() { " truncated" } else { ",\"truncated\":true" });
            return false;
        }
        self.line.push_str(text);
        if *is_secret {
            self.word(|line| line.push_str(MASK));
        }
        !is_secret
    }

    fn word(&mut self, write: impl FnOnce(&mut String)) {
        self.line.push_str(self.quote);
        let start = self.line.len();
        write(self.line);
        self.line.push_str(self.quote);
        if self.quote.is_empty() && self.line[start..].contains([' ', '=', '[', '(']) {
            self.line.insert(start, '"'); // else a word could look like another field
            self.line.push('"');
        }
    }

    fn plain(&mut self, field: &Field, value: &str) {
        if self.key(field) {
            self.line.push_str(value);
        }
    }
}

impl tracing::field::Visit for Fields<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, itoa::Buffer::new().format(value));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, itoa::Buffer::new().format(value));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, if value { "true" } else { "false" });
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.plain(field, &value.to_string());
        } else {
            self.record_str(field, &value.to_string()); // JSON has no NaN
        }
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        if self.key(field) {
            self.word(|line| Escape::new(line).word(value));
        }
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.key(field) {
            self.word(|line| {
                let _ = write!(Escape::new(line), "{value:?}"); // it takes everything
            });
        }
    }
}

/// A word of ours.
pub(crate) fn field(line: &mut String, key: &str, value: &str) {
    line.push_str(",\"");
    line.push_str(key);
    line.push_str("\":\"");
    Escape::new(line).word(value);
    line.push('"');
}

/// At most 16 bytes, as digits.
fn hex(line: &mut String, bytes: &[u8]) {
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    line.push_str(std::str::from_utf8(&digits[..2 * bytes.len()]).unwrap_or_default());
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

fn put(line: &mut String, text: fmt::Arguments<'_>) {
    let _ = line.write_fmt(text); // a String takes everything
}

#[cfg(test)]
#[path = "lines_test.rs"]
mod tests;
