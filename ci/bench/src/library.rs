//! The libraries, each in a file of its own: how it counts, how it records a value, and how it makes a page. Which of their
//! features matter is not judged.

mod fast_telemetry;
mod measured;
mod opentelemetry;
mod ours;
mod prometheus;
mod prometheus_client;
mod stock;

use crate::variant::Variant;

/// A library.
pub(crate) struct Library {
    /// The package that says its version.
    pub(crate) package: &'static str,
    pub(crate) counters: fn() -> Vec<Variant>,
    pub(crate) histograms: fn() -> Vec<Variant>,
    /// `None` where it has no text form of its own.
    pub(crate) pages: Option<Pages>,
}

/// How it makes a page of so many series.
#[derive(Clone, Copy)]
pub(crate) struct Pages {
    pub(crate) counters: fn(usize) -> Page,
    pub(crate) histograms: fn(usize) -> Page,
}

/// Makes the page and shows it to a reader.
pub(crate) type Page = Box<dyn FnMut(&mut dyn FnMut(&[u8]))>;

/// Ours first.
pub(crate) const LIBRARIES: [&Library; 7] = [
    &ours::LIBRARY,
    &stock::LIBRARY,
    &prometheus::LIBRARY,
    &prometheus_client::LIBRARY,
    &measured::LIBRARY,
    &opentelemetry::LIBRARY,
    &fast_telemetry::LIBRARY,
];

/// The package of ours.
pub(crate) const OURS: &str = ours::LIBRARY.package;
/// The package of the exporter that most programs use.
pub(crate) const STOCK: &str = stock::LIBRARY.package;

/// What is recorded into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instrument {
    /// A counter.
    Counter,
    /// A histogram.
    Histogram,
}

impl Instrument {
    /// The instrument of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Counter, Self::Histogram].into_iter().find(|it| it.word() == word)
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }

    /// Every way of recording into it, with the library's package.
    pub(crate) fn variants(self) -> Vec<(&'static str, Variant)> {
        let of = |library: &Library| match self {
            Self::Counter => (library.counters)(),
            Self::Histogram => (library.histograms)(),
        };
        let named = |library: &'static Library| of(library).into_iter().map(|it| (library.package, it));
        LIBRARIES.into_iter().flat_map(named).collect()
    }

    /// Every library's page of so many series.
    pub(crate) fn pages(self, series: usize) -> Vec<(&'static str, Page)> {
        let of = |pages: Pages| match self {
            Self::Counter => (pages.counters)(series),
            Self::Histogram => (pages.histograms)(series),
        };
        LIBRARIES.into_iter().filter_map(|it| Some((it.package, of(it.pages?)))).collect()
    }
}

/// The version that was built.
pub(crate) fn version(package: &str) -> &'static str {
    const LOCK: &str = include_str!("../Cargo.lock");
    let of_package = LOCK.split("[[package]]").find(|it| it.contains(&format!("name = \"{package}\"\n")));
    let version = of_package.and_then(|it| it.split("version = \"").nth(1)?.split('"').next());
    version.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_library_has_a_version() {
        for library in LIBRARIES {
            assert!(!version(library.package).is_empty(), "{}", library.package);
        }
    }

    #[test]
    fn every_way_of_recording_can_be_repeated() {
        for instrument in [Instrument::Counter, Instrument::Histogram] {
            for (_, variant) in instrument.variants() {
                variant.repeat(10);
                variant.tidy();
            }
        }
    }
}
