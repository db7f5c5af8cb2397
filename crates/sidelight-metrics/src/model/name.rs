//! What a series is called: made valid and escaped once, when the series is first used. Knows no number.

use super::kind::Kind;
use metrics_exporter_prometheus::formatting;

/// Everything that tells one series from another, and what its family is.
#[derive(Clone, Debug)]
pub struct Name {
    pub(crate) family: String,
    pub(crate) help: String,
    pub(crate) kind: Kind,
    pub(crate) labels: Vec<(String, String)>,
}

impl Name {
    /// Takes any words and makes them valid. Labels without a value are left out, as they are the same as none; of two
    /// labels of one name the first stays; names that Prometheus keeps for itself get `exported` before them.
    #[must_use]
    pub fn new<'a>(name: &str, help: &str, kind: Kind, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut valid: Vec<(String, String)> = Vec::new();
        for (key, value) in labels {
            let key = label_name(key, kind);
            if !value.is_empty() && !valid.iter().any(|(known, _)| *known == key) {
                valid.push((key, formatting::sanitize_label_value(value)));
            }
        }
        Self {
            family: not_empty(formatting::sanitize_metric_name(name)),
            help: formatting::sanitize_description(help.trim()),
            kind,
            labels: valid,
        }
    }

    /// The whole name, as it stands in a line.
    pub(crate) fn line(&self) -> String {
        format!("{}{{{}}}", self.family, self.body())
    }

    /// The labels as they stand in a line, without braces.
    pub(crate) fn body(&self) -> String {
        let labels: Vec<String> = self.labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
        labels.join(",")
    }
}

/// Prometheus refuses a whole page for a name without a character.
fn not_empty(name: String) -> String {
    if name.is_empty() { "_".to_owned() } else { name }
}

fn label_name(name: &str, kind: Kind) -> String {
    let name = not_empty(formatting::sanitize_label_key(name));
    match name.as_str() {
        "le" if kind == Kind::Histogram => "exported_le".to_owned(),
        reserved if reserved.starts_with("__") => format!("exported{reserved}"),
        _ => name,
    }
}

/// The value behind an escaped one, for forms that do not escape.
pub(crate) fn unescaped(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next().map(|escaped| if escaped == 'n' { '\n' } else { escaped })),
            _ => plain.push(character),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn body(kind: Kind, labels: &[(&str, &str)]) -> String {
        Name::new("a", "", kind, labels.iter().copied()).body()
    }

    #[test]
    fn dots_become_underscores_and_values_are_escaped() {
        let name = Name::new("cache.requests_total", " One\ntwo.", Kind::Counter, [("a.b", "say \"hi\"\n\\")]);
        assert_eq!((name.family.as_str(), name.help.as_str()), ("cache_requests_total", "One\\ntwo."));
        assert_eq!(name.body(), r#"a_b="say \"hi\"\n\\""#);
    }

    #[test]
    fn a_name_without_a_character_gets_one() {
        let name = Name::new("", "", Kind::Counter, [("", "1")]);
        assert_eq!((name.family.as_str(), name.body().as_str()), ("_", "_=\"1\""));
    }

    #[test]
    fn labels_that_would_spoil_a_page_are_renamed_or_left_out() {
        assert_eq!(body(Kind::Counter, &[("a.b", "1"), ("a_b", "2"), ("c", "")]), r#"a_b="1""#);
        assert_eq!(body(Kind::Histogram, &[("le", "5")]), r#"exported_le="5""#);
        assert_eq!(body(Kind::Gauge, &[("le", "5"), ("__name__", "x")]), r#"le="5",exported__name__="x""#);
    }

    proptest! {
        #[test]
        fn what_was_escaped_can_be_read_back(value in "[^\\\\]*") { // lone backslashes are read in one way only
            prop_assert_eq!(unescaped(&formatting::sanitize_label_value(&value)), value);
        }
    }
}
