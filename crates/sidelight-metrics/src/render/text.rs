//! Both text forms, Prometheus 0.0.4 and OpenMetrics 1.0, from one walk: lines are ready up to their numbers. They differ in
//! the head of a family, in how a bound is written, and in that OpenMetrics has exemplars and an end.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>,
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>

use crate::{
    model::{Exemplar, Kind, Words},
    record::{Family, Histogram, Number, Reader, Series},
};
use std::{
    io::Write as _,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, SystemTime},
};

/// Which text form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Prometheus,
    OpenMetrics,
}

/// Whether an OpenMetrics page says when counters and histograms began.
// set once at the start, and nothing else is read by it: `Relaxed`
static CREATED: AtomicBool = AtomicBool::new(false);

/// Says, or does not say, when counters and histograms began, in `OpenMetrics`: as samples `_created`, which a scraper that
/// does not know them takes for series of their own. In protobuf it is always said.
pub fn say_created(wanted: bool) {
    CREATED.store(wanted, Relaxed);
}

/// How an OpenMetrics page ends.
pub(crate) const EOF: &[u8] = b"# EOF\n";

/// Writes families one after the other.
pub(crate) struct Writer {
    text: Text,
    pub(crate) page: Vec<u8>,
    digits: itoa::Buffer,
}

impl Writer {
    pub(crate) fn new(text: Text, capacity: usize) -> Self {
        Self { text, page: Vec::with_capacity(capacity), digits: itoa::Buffer::new() }
    }

    pub(crate) fn family(&mut self, family: &Family, reader: &mut Reader) {
        self.head(family);
        family.each(reader, |series| self.series(family, series));
    }

    fn head(&mut self, family: &Family) {
        let Family { name, help, kind, .. } = family;
        let (name, word) = match self.text {
            Text::Prometheus => (name.as_str(), kind.word()),
            Text::OpenMetrics => open_metrics_head(name, *kind),
        };
        if !help.is_empty() {
            let help = if self.text == Text::OpenMetrics { help.replace('"', "\\\"") } else { help.clone() };
            self.put(format_args!("# HELP {name} {help}\n"));
        }
        self.put(format_args!("# TYPE {name} {word}\n"));
        if self.text == Text::OpenMetrics
            && let Some(unit) = family.unit()
        {
            self.put(format_args!("# UNIT {name} {unit}\n"));
        }
    }

    fn series(&mut self, family: &Family, series: &Series<'_>) {
        match &series.number {
            Number::Histogram(it) => {
                self.histogram(&family.name, series.line, it);
                return self.began(family, series);
            }
            Number::Whole(number) => {
                self.copy(series.line);
                self.whole(*number);
            }
            Number::Real(number) => {
                self.copy(series.line);
                self.number(*number);
            }
        }
        self.page.push(b'\n');
        self.began(family, series);
    }

    /// When it began, where that is wanted.
    fn began(&mut self, family: &Family, series: &Series<'_>) {
        if self.text != Text::OpenMetrics || !CREATED.load(Relaxed) {
            return;
        }
        let (name, labels) = match family.kind {
            Kind::Histogram if series.line.is_empty() => (family.name.as_str(), String::new()),
            Kind::Histogram => (family.name.as_str(), format!("{{{}}}", series.line)),
            Kind::Counter => match family.name.strip_suffix("_total") {
                Some(name) if !name.is_empty() => (name, series.line[family.name.len()..].trim_end().to_owned()),
                _ => return,
            },
            Kind::Gauge => return,
        };
        let at = series.began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        self.put(format_args!("{name}_created{labels} {}.{:03}\n", at.as_secs(), at.subsec_millis()));
    }

    fn histogram(&mut self, name: &str, body: &str, it: &Histogram<'_>) {
        let count = it.slots.iter().sum();
        let counts = it.layout.cumulated(it.slots).chain([count]);
        for (at, (words, up_to)) in it.layout.words.iter().zip(counts).enumerate() {
            let exemplar = (self.text == Text::OpenMetrics).then(|| it.exemplar(at)).flatten();
            self.bucket(name, body, words, up_to, exemplar);
        }
        self.of_histogram(name, "_sum", body);
        self.number(it.sum);
        self.page.push(b'\n');
        self.of_histogram(name, "_count", body);
        self.whole(count);
        self.page.push(b'\n');
    }

    fn bucket(&mut self, name: &str, body: &str, words: &Words, count: u64, exemplar: Option<Exemplar>) {
        self.copy(name);
        self.copy("_bucket{");
        if !body.is_empty() {
            self.copy(body);
            self.page.push(b',');
        }
        self.copy(match self.text {
            Text::Prometheus => &words.prometheus,
            Text::OpenMetrics => &words.open_metrics,
        });
        self.whole(count);
        if let Some(exemplar) = exemplar {
            self.exemplar(&exemplar);
        }
        self.page.push(b'\n');
    }

    fn exemplar(&mut self, exemplar: &Exemplar) {
        let Exemplar { trace, span, value, at } = exemplar;
        let at = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        self.put(format_args!(" # {{trace_id=\"{trace:032x}\",span_id=\"{span:016x}\"}} {value} "));
        self.put(format_args!("{}.{:03}", at.as_secs(), at.subsec_millis()));
    }

    fn of_histogram(&mut self, name: &str, ending: &str, body: &str) {
        self.copy(name);
        self.copy(ending);
        if !body.is_empty() {
            self.page.push(b'{');
            self.copy(body);
            self.page.push(b'}');
        }
        self.page.push(b' ');
    }

    #[inline]
    fn copy(&mut self, text: &str) {
        self.page.extend_from_slice(text.as_bytes());
    }

    #[inline]
    fn whole(&mut self, number: u64) {
        self.page.extend_from_slice(self.digits.format(number).as_bytes());
    }

    fn number(&mut self, number: f64) {
        if number.is_finite() {
            self.put(format_args!("{number}"));
        } else if number.is_nan() {
            self.copy("NaN");
        } else {
            self.copy(if number > 0.0 { "+Inf" } else { "-Inf" });
        }
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        let _ = self.page.write_fmt(text); // a Vec takes everything
    }
}

/// OpenMetrics names a counter without its `_total`; one that has no such ending is of no kind it knows, and keeps its name.
fn open_metrics_head(name: &str, kind: Kind) -> (&str, &str) {
    match (kind, name.strip_suffix("_total")) {
        (Kind::Counter, Some(name)) if !name.is_empty() => (name, "counter"),
        (Kind::Counter, _) => (name, "unknown"),
        _ => (name, kind.word()),
    }
}
