//! One scrape: asks those who keep numbers elsewhere, reads the registry in the form that is wanted, and packs it.

use super::{
    accept::Form,
    protobuf,
    text::{self, Text},
};
use crate::record::{self, Family};
use flate2::{Compression, write::GzEncoder};
use std::{
    io::Write as _,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// What a scraper wants.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The form.
    pub form: Form,
    /// Only these: names of families, or of their samples. Empty: all.
    pub names: Vec<String>,
    /// Packed.
    pub gzip: bool,
}

/// All series that are wanted, as they stand now. Blocks while it works: some 20 ns for a number, a microsecond for a
/// histogram, and more where many threads have recorded. One scrape after the other, so that nothing that probes read goes
/// back.
#[must_use]
pub fn render(wanted: &Wanted) -> Vec<u8> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    record::ask_all();
    let page = match wanted.form {
        Form::Text => write_text(Text::Prometheus, &wanted.names),
        Form::OpenMetrics => {
            let mut page = write_text(Text::OpenMetrics, &wanted.names);
            page.extend_from_slice(text::EOF);
            page
        }
        Form::Protobuf => {
            let mut writer = protobuf::Writer::new(capacity());
            record::read(&|family| is_wanted(family, &wanted.names), |family, reader| {
                writer.family(family, reader);
            });
            writer.page
        }
    };
    drop(turn);
    LAST.store(page.len(), Relaxed);
    if wanted.gzip { packed(&page) } else { page }
}

/// How long the last page was: the next one will be about as long.
// a guess for the next page, of which any is good: `Relaxed`
static LAST: AtomicUsize = AtomicUsize::new(0);

fn capacity() -> usize {
    LAST.load(Relaxed) + LAST.load(Relaxed) / 8
}

fn write_text(form: Text, names: &[String]) -> Vec<u8> {
    let mut writer = text::Writer::new(form, capacity());
    record::read(&|family| is_wanted(family, names), |family, reader| writer.family(family, reader));
    writer.page
}

/// A family is wanted by its own name, or by that of a sample: `x_total`, `x_bucket`.
fn is_wanted(family: &Family, names: &[String]) -> bool {
    let is_called = |name: &String| {
        let ending = name.strip_prefix(&family.name);
        ending.is_some_and(|ending| matches!(ending, "" | "_bucket" | "_sum" | "_count"))
            || family.name.strip_suffix("_total") == Some(name)
    };
    names.is_empty() || names.iter().any(is_called)
}

/// Quickly rather than well: a page is packed some ten times smaller either way.
fn packed(page: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(page.len() / 8), Compression::fast());
    let written = encoder.write_all(page).and_then(|()| encoder.finish());
    written.expect("a Vec takes everything")
}
