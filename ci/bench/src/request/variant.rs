//! What is compared: the stacks, and how much of the requests each of them samples. Sets nothing up.

use super::stack::{Stack, fast, none, ours, stock};

/// One stack with one rate, and what is repeated in it.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// Its word on a command line.
    pub(crate) word: &'static str,
    /// Its name in a table.
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    /// The share of requests that is sampled; `None` where nothing is exported.
    pub(crate) rate: Option<f64>,
    start: fn(f64) -> Stack,
}

/// What is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Five spans and two lines.
    Request,
    /// A line, outside any request.
    Line,
    /// A line in a request that has three fields.
    LineInRequest,
}

impl Unit {
    /// Spans that a sampled unit has, and lines.
    pub(crate) fn holds(self) -> (f64, f64) {
        match self {
            Self::Request => (5.0, 2.0),
            Self::Line | Self::LineInRequest => (0.0, 1.0),
        }
    }
}

impl Variant {
    const fn new(
        word: &'static str,
        name: &'static str,
        unit: Unit,
        rate: Option<f64>,
        start: fn(f64) -> Stack,
    ) -> Self {
        Self { word, name, unit, rate, start }
    }

    /// The variant of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        VARIANTS.into_iter().find(|it| it.word == word)
    }

    /// Sets it up in this process.
    pub(crate) fn start(&self) -> Stack {
        (self.start)(self.rate.unwrap_or_default())
    }
}

use Unit::{Line, LineInRequest, Request};

const OURS: &str = "**sidelight**";
const JSON: &str = "tracing-subscriber, JSON";
const OTEL: &str = "tracing-subscriber, JSON, with tracing-opentelemetry";
const FAST: &str = "fastrace, which writes no lines";

/// All of them.
pub(crate) const VARIANTS: [Variant; 14] = [
    Variant::new("none", "no subscriber", Request, None, none::start),
    Variant::new("ours-0", OURS, Request, Some(0.0), ours::start),
    Variant::new(OURS_RARELY, OURS, Request, Some(0.01), ours::start),
    Variant::new(OURS_ALWAYS, OURS, Request, Some(1.0), ours::start),
    Variant::new("json", JSON, Request, None, stock::json),
    Variant::new(OTEL_RARELY, OTEL, Request, Some(0.01), stock::with_opentelemetry),
    Variant::new(OTEL_ALWAYS, OTEL, Request, Some(1.0), stock::with_opentelemetry),
    Variant::new("fast-0.01", FAST, Request, Some(0.01), fast::start),
    Variant::new("fast-1", FAST, Request, Some(1.0), fast::start),
    Variant::new(PLANTED, "sidelight, with 5 us planted in each operation", Request, Some(0.01), ours::start_planted),
    Variant::new(OURS_LINE, OURS, Line, None, ours::start_line),
    Variant::new(JSON_LINE, JSON, Line, None, stock::json_line),
    Variant::new(OURS_LINE_INSIDE, OURS, LineInRequest, None, ours::start_line_in_request),
    Variant::new(JSON_LINE_INSIDE, JSON, LineInRequest, None, stock::json_line_in_request),
];

/// Those that are judged, or judged against.
pub(crate) const OURS_LINE_INSIDE: &str = "ours-line-in-request";
pub(crate) const JSON_LINE_INSIDE: &str = "json-line-in-request";
pub(crate) const OURS_RARELY: &str = "ours-0.01";
pub(crate) const OURS_ALWAYS: &str = "ours-1";
pub(crate) const OTEL_RARELY: &str = "otel-0.01";
pub(crate) const OTEL_ALWAYS: &str = "otel-1";
pub(crate) const OURS_LINE: &str = "ours-line";
pub(crate) const JSON_LINE: &str = "json-line";
/// The control: ours, made so slow that no judgement may let it pass.
pub(crate) const PLANTED: &str = "ours-0.01-planted";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_names_one_variant() {
        for (at, variant) in VARIANTS.iter().enumerate() {
            assert_eq!(VARIANTS.iter().position(|it| it.word == variant.word), Some(at), "{}", variant.word);
        }
        for word in [OURS_RARELY, OURS_ALWAYS, OTEL_RARELY, OTEL_ALWAYS, OURS_LINE, JSON_LINE, PLANTED] {
            assert!(Variant::of_word(word).is_some(), "{word}");
        }
    }
}
