//! What is the same in every line of one place in the code: level, target, what the program is, and the keys of its fields.
//! Made once for each place and thread, and copied from then on. No key stands in a line twice, and secrets are known here.

use super::{
    escape::{Escape, VALUE_BYTES_MAX},
    form::{Form, LINE_BYTES_MAX, field},
};
use crate::secret::is_secret;
use std::{
    collections::HashMap,
    fmt::Write as _,
    hash::{BuildHasherDefault, Hasher},
};
use tracing::{Metadata, callsite::Identifier, field::Field};

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
/// A longer key is cut; a byte of it becomes at most six.
const KEY_BYTES_MAX: usize = 64;
/// What stands around a key and its value, and what tells it from another: there are at most 32 fields.
const AROUND_BYTES_MAX: usize = 48;
const FIELD_BYTES_MAX: usize = 6 * KEY_BYTES_MAX + VALUE_BYTES_MAX + AROUND_BYTES_MAX;
/// The message; the time, the ids, and what was left out.
const OTHERS_BYTES_MAX: usize = VALUE_BYTES_MAX + 512;

/// The lines of one place.
#[derive(Debug)]
pub(crate) struct Template {
    /// Between the time and the message.
    pub(crate) before: Vec<u8>,
    /// Between the message and the ids.
    pub(crate) behind: Vec<u8>,
    /// By the field's position.
    pub(crate) keys: Vec<Key>,
    /// Bytes of fields behind which there is room for one more, and for the end.
    pub(crate) fields_bytes_max: usize,
}

/// What a field is.
#[derive(Debug)]
pub(crate) enum Key {
    /// The line's own words.
    Message,
    /// One with this key and all that stands around it.
    Open(Vec<u8>),
    /// One whose value is nobody's business.
    Secret(Vec<u8>),
}

/// Every place that this thread has written from, for the layer that wrote last: a program has one.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    layer: u64,
    places: HashMap<Identifier, Template, BuildHasherDefault<Address>>,
}

impl Templates {
    pub(crate) fn of(&mut self, metadata: &'static Metadata<'static>, form: &Form, layer: u64) -> &Template {
        if std::mem::replace(&mut self.layer, layer) != layer {
            self.places.clear();
        }
        self.places.entry(metadata.callsite()).or_insert_with(|| Template::new(metadata, form))
    }
}

impl Template {
    fn new(metadata: &'static Metadata<'static>, form: &Form) -> Self {
        let level = metadata.level().as_str();
        let (before, behind) = match form {
            Form::Json(fixed) => {
                let mut behind = b"\"".to_vec();
                field(&mut behind, "target", metadata.target());
                behind.extend_from_slice(fixed);
                (format!("\",\"level\":\"{level}\",\"message\":\""), behind)
            }
            Form::Text => (format!(" {level:5} "), Vec::new()),
        };
        let is_json = matches!(form, Form::Json(_));
        let keys = metadata.fields().iter().map(|field| Key::new(&field, metadata, is_json)).collect();
        let others = before.len() + behind.len() + OTHERS_BYTES_MAX + FIELD_BYTES_MAX;
        Self { before: before.into_bytes(), behind, keys, fields_bytes_max: LINE_BYTES_MAX.saturating_sub(others) }
    }
}

impl Key {
    fn new(field: &Field, metadata: &Metadata<'_>, is_json: bool) -> Self {
        let name = field.name();
        if name == "message" && is_first(field, metadata) {
            return Self::Message;
        }
        let (before, behind) = if is_json { (",\"", "\":") } else { (" ", "=") };
        let mut text = before.as_bytes().to_vec();
        Escape::new(&mut text).word(&distinguished(field, metadata));
        text.extend_from_slice(behind.as_bytes());
        if is_secret(name) { Self::Secret(text) } else { Self::Open(text) }
    }
}

/// A field's name as a line shows it, if it stands there alone.
fn plain(name: &str) -> &str {
    let name = name.trim_start_matches("r#");
    &name[..name.floor_char_boundary(KEY_BYTES_MAX)]
}

/// Whether no field before is shown by the same name.
fn is_first(field: &Field, metadata: &Metadata<'_>) -> bool {
    let first = metadata.fields().iter().find(|it| plain(it.name()) == plain(field.name()));
    first.is_none_or(|first| first.index() == field.index())
}

/// A key that stands in the line already gets a `_` behind it, and its number if a field has it; more `_` if it needs them.
fn distinguished(field: &Field, metadata: &Metadata<'_>) -> String {
    let mut name = plain(field.name()).to_owned();
    let is_second = !is_first(field, metadata);
    if !is_second && !OWN_KEYS.contains(&name.as_str()) {
        return name;
    }
    name.push('_');
    if is_second {
        let _ = write!(name, "{}", field.index()); // a String takes everything
    }
    while metadata.fields().iter().any(|it| plain(it.name()) == name) {
        name.push('_');
    }
    name
}

/// The address of a place is as good as any number.
#[derive(Debug, Default)]
pub(crate) struct Address(u64);

impl Hasher for Address {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        let fold = |hash: u64, byte: &u8| hash.rotate_left(8) ^ u64::from(*byte);
        self.0 = bytes.iter().fold(self.0, fold).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    fn write_usize(&mut self, address: usize) {
        self.0 = (self.0 ^ address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
