//! `catalog!`: one table a crate, from which everything observable about it follows, and `labels!`, what its series differ in.
//! Keeps no values: cells belong to the `metrics` twin, records to the `tracing` twin.

use crate::{
    definition::{Catalog, Definition, Described, Kind},
    metrics, profiling,
};

/// Catalogues, and Sidelight's own.
pub(crate) fn with_own(catalogs: &[Catalog]) -> Vec<Catalog> {
    catalogs.iter().copied().chain([metrics::itself::CATALOG, profiling::CATALOG]).collect()
}

/// Every family that this build can show, by name: what the catalogues declare, and what collectors describe. Empty in a
/// build without metrics.
#[must_use]
pub fn described(catalogs: &[Catalog]) -> Vec<Described> {
    let declared = with_own(catalogs).into_iter().flatten().filter_map(|it| it.definition());
    let mut all: Vec<Described> = if metrics::COMPILED { declared.flat_map(families).collect() } else { Vec::new() };
    all.extend(metrics::descriptions());
    all.sort_by(|one, other| one.series.cmp(&other.series));
    all
}

fn families(definition: &Definition) -> Vec<Described> {
    let Definition { name, help, ending, .. } = *definition;
    let labels: Vec<String> = definition.keys.iter().map(|key| underscored(key)).collect();
    let family = |ending: &str, kind, labels, help: &str| Described {
        series: format!("{}{ending}", underscored(name)),
        kind,
        labels,
        help: help.trim().to_owned(),
    };
    match definition.kind {
        Kind::Operation => {
            let timed = labels.iter().cloned().chain(["error_type".to_owned()]).collect();
            let in_flight = format!("{} In flight now.", help.trim());
            vec![
                family("_duration_seconds", "histogram", timed, help),
                family("_in_flight", "gauge", labels, &in_flight),
            ]
        }
        Kind::Counter => vec![family(ending, "counter", labels, help)],
        Kind::Gauge => vec![family(ending, "gauge", labels, help)],
        Kind::Histogram => vec![family(ending, "histogram", labels, help)],
    }
}

/// A name of OpenTelemetry as Prometheus has it.
fn underscored(name: &str) -> String {
    name.replace('.', "_")
}

/// Declares instruments as statics, and `CATALOG`, the list of them. The doc comment is the help text, the
/// type is the kind with its labels and failures, the string is the OpenTelemetry name.
#[macro_export]
macro_rules! catalog {
    ($($(#[doc = $help:literal])+ $vis:vis $name:ident: $kind:ty = $otel:literal;)+) => {
        $(
            $(#[doc = $help])+
            #[doc = concat!("\n\n`", $otel, "`")]
            $vis static $name: $kind = {
                static DEFINITION: $crate::Definition = $crate::Definition {
                    name: $otel,
                    help: concat!($($help),+),
                    kind: <$kind>::KIND,
                    ending: <$kind>::ENDING,
                    keys: <$kind>::KEYS,
                    values: <$kind>::VALUES,
                    failures: <$kind>::FAILURES,
                    remember: |labels, outcome, moment| <$kind>::remember(&CELLS, labels, outcome, moment),
                };
                static CELLS: [<$kind as $crate::metrics::Storage>::Cell; <$kind as $crate::metrics::Storage>::CELLS] =
                    [const { <$kind>::cell() }; <$kind as $crate::metrics::Storage>::CELLS];
                <$kind>::new(&DEFINITION, &CELLS)
            };
        )+
        /// Everything that this crate declares.
        pub static CATALOG: &[&dyn $crate::Instrument] = &[$(&$name),+];
    };
}

/// Declares labels: `enum` for a closed set, `interned` for names that are known at start-up.
///
/// An interned label has one more value, `other`, which every unknown name becomes.
#[macro_export]
macro_rules! labels {
    () => {};
    ($(#[$doc:meta])* $vis:vis enum $name:ident = $key:literal {
        $($(#[$value_doc:meta])* $value:ident = $text:literal),+ $(,)?
    } $($rest:tt)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name { $($(#[$value_doc])* #[doc = concat!(" `", $text, "`")] $value),+ }
        #[allow(dead_code)] // not every label is looked up by its word
        impl $name {
            /// The value that is shown by this word.
            #[must_use]
            $vis fn of_word(word: &str) -> Option<Self> {
                [$(($text, Self::$value)),+].into_iter().find(|(known, _)| *known == word).map(|(_, value)| value)
            }
        }
        impl $crate::label::Label for $name {
            const KEY: &'static str = $key;
            const CARDINALITY: usize = [$($text),+].len();
            const IS_CLOSED: bool = true;
            #[inline]
            fn index(self) -> usize { self as usize }
            fn value(index: usize) -> Option<&'static str> { [$($text),+].get(index).copied() }
        }
        $crate::labels! { $($rest)* }
    };
    ($(#[$doc:meta])* $vis:vis interned $name:ident = $key:literal, at most $limit:literal; $($rest:tt)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis struct $name($crate::operation::Interned);
        impl $name {
            fn names() -> &'static $crate::operation::Names {
                static NAMES: $crate::operation::Names = $crate::operation::Names::new();
                &NAMES
            }
            /// Fixes the set of names; the first call wins, names past the limit become `other`.
            $vis fn intern<N: Into<String>>(names: impl IntoIterator<Item = N>) {
                Self::names().intern($limit, names);
            }
            /// The interned name, or `other`.
            #[inline]
            #[must_use]
            $vis fn named(name: &str) -> Self { Self(Self::names().find(name)) }
            /// No name: the label is left out.
            #[inline]
            #[must_use]
            #[allow(dead_code)] // not every interned label is optional
            $vis fn none() -> Self { Self($crate::operation::Interned::NONE) }
        }
        impl $crate::label::Label for $name {
            const KEY: &'static str = $key;
            const CARDINALITY: usize = $limit + 2;
            const IS_CLOSED: bool = false;
            #[inline]
            fn index(self) -> usize { self.0.index() }
            fn value(index: usize) -> Option<&'static str> { Self::names().value(index) }
        }
        $crate::labels! { $($rest)* }
    };
}
