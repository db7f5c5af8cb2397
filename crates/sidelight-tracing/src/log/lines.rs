//! Log lines: one flat JSON object each, or text for a person. Ids come from the current [`crate::request::Context`], sampled or
//! not. No value can forge a line, and no key stands in it twice.

use super::{
    escape::Escape,
    form::{Form, field},
    limit::Limit,
    template::{Key, Template, Templates},
    writer::Writer,
};
use crate::{
    request::{Arena, Clock, Context},
    secret::MASK,
};
use std::{
    cell::RefCell,
    fmt::{self, Write as _},
    io::Write as _,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::SystemTime,
};
use tracing::{Event, Level, Metadata, Subscriber, field::Field};
use tracing_subscriber::{Layer, layer};

/// Writes events to the log.
#[derive(Debug)]
pub(crate) struct LineLayer {
    writer: Writer,
    form: Form,
    limit: Limit,
    number: u64,
}

impl LineLayer {
    pub(crate) fn new(writer: Writer, form: Form) -> Self {
        // numbers that differ, in whatever order: `Relaxed`
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
    line: Vec<u8>,
    fields: Vec<u8>,
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
    fn write(&self, Kept { line, fields, clock, templates }: &mut Kept, event: &Event<'_>, suppressed: u64) {
        let metadata = event.metadata();
        let template = templates.of(metadata, &self.form, self.number);
        let is_json = matches!(self.form, Form::Json(_));
        line.clear();
        fields.clear();
        if is_json {
            line.extend_from_slice(b"{\"timestamp\":\"");
        }
        clock.write(line, SystemTime::now());
        line.extend_from_slice(&template.before);
        event.record(&mut Visitor { line, fields, template, is_json, is_cut: false });
        if is_json {
            json(line, template, fields, suppressed);
        } else {
            text(line, metadata, fields, suppressed);
        }
        self.writer.line(line, *metadata.level() <= Level::WARN);
    }
}

/// Writes what comes behind the message.
fn json(line: &mut Vec<u8>, template: &Template, fields: &[u8], suppressed: u64) {
    line.extend_from_slice(&template.behind);
    Context::with_request(|arena, span| {
        line.extend_from_slice(ids(arena));
        if span != 0 {
            line.extend_from_slice(b",\"span_id\":\"");
            hex(line, &span.to_be_bytes());
            line.push(b'"');
        }
    });
    if suppressed > 0 {
        put(line, format_args!(",\"suppressed\":{suppressed}"));
    }
    line.extend_from_slice(fields);
    line.extend_from_slice(b"}\n");
}

/// The same for a person.
fn text(line: &mut Vec<u8>, metadata: &Metadata<'_>, fields: &[u8], suppressed: u64) {
    line.extend_from_slice(fields);
    if suppressed > 0 {
        put(line, format_args!(" suppressed={suppressed}"));
    }
    if *metadata.level() <= Level::WARN {
        put(line, format_args!(" ({})", metadata.target()));
    }
    Context::with_request(|arena, _| {
        if !arena.correlation_id.is_empty() {
            put(line, format_args!(" [{}]", arena.correlation_id));
        }
    });
    line.push(b'\n');
}

/// What all lines of a request say of it: written once.
fn ids(arena: &mut Arena) -> &[u8] {
    let Arena { in_lines, trace, correlation_id, .. } = arena;
    if in_lines.is_empty() {
        if !correlation_id.is_empty() {
            field(in_lines, "correlation_id", correlation_id);
        }
        in_lines.extend_from_slice(b",\"trace_id\":\"");
        hex(in_lines, &trace.to_be_bytes());
        in_lines.push(b'"');
    }
    in_lines
}

/// Writes an event's message into the line, and its fields beside it, because something else comes between.
struct Visitor<'a> {
    line: &'a mut Vec<u8>,
    fields: &'a mut Vec<u8>,
    template: &'a Template,
    is_json: bool,
    is_cut: bool,
}

impl Visitor<'_> {
    fn value(&mut self, field: &Field, is_word: bool, write: impl FnOnce(&mut Vec<u8>)) {
        let (key, is_secret) = match self.template.keys.get(field.index()) {
            Some(Key::Message) => return write(self.line),
            Some(Key::Open(key)) if !self.is_cut => (key, false),
            Some(Key::Secret(key)) if !self.is_cut => (key, true),
            _ => return,
        };
        if self.fields.len() > self.template.fields_bytes_max {
            self.is_cut = true;
            return self.fields.extend_from_slice(if self.is_json { b",\"truncated\":true" } else { b" truncated" });
        }
        self.fields.extend_from_slice(key);
        let start = self.fields.len();
        let is_quoted = self.is_json && (is_word || is_secret);
        if is_quoted {
            self.fields.push(b'"');
        }
        if is_secret {
            self.fields.extend_from_slice(MASK.as_bytes());
        } else {
            write(self.fields);
        }
        // a person sees no quotes around a word but where it could look like another field; a debug form has its own
        if is_quoted {
            self.fields.push(b'"');
        } else if is_word && !self.is_json && self.fields[start..].iter().any(|byte| b" =[(".contains(byte)) {
            self.fields.insert(start, b'"');
            self.fields.push(b'"');
        }
    }

    fn plain(&mut self, field: &Field, value: &str) {
        self.value(field, false, |to| to.extend_from_slice(value.as_bytes()));
    }
}

impl tracing::field::Visit for Visitor<'_> {
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
        self.value(field, true, |to| Escape::new(to).word(value));
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.value(field, true, |to| {
            let _ = write!(Escape::new(to), "{value:?}"); // it takes everything
        });
    }
}

/// Digits of eights of bytes.
fn hex(line: &mut Vec<u8>, bytes: &[u8]) {
    for eight in bytes.as_chunks().0 {
        line.extend_from_slice(&digits(u64::from_be_bytes(*eight)));
    }
}

/// All digits at once: each gets a byte of its own; a letter lies 39 beyond the digit that would follow nine.
fn digits(number: u64) -> [u8; 16] {
    const ONES: u128 = u128::from_ne_bytes([1; 16]);
    let mut each = u128::from(number);
    each = (each | (each << 32)) & 0x0000_0000_ffff_ffff_0000_0000_ffff_ffff;
    each = (each | (each << 16)) & 0x0000_ffff_0000_ffff_0000_ffff_0000_ffff;
    each = (each | (each << 8)) & 0x00ff_00ff_00ff_00ff_00ff_00ff_00ff_00ff;
    each = (each | (each << 4)) & 0x0f0f_0f0f_0f0f_0f0f_0f0f_0f0f_0f0f_0f0f;
    let is_letter = ((each + 6 * ONES) >> 4) & ONES;
    (each + 0x30 * ONES + 39 * is_letter).to_be_bytes()
}

fn put(line: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    let _ = line.write_fmt(text); // a vector takes everything
}

#[cfg(test)]
#[path = "lines_test.rs"]
mod tests;
