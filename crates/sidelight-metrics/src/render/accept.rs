//! Which form and which encoding a scraper asks for: `Accept` and `Accept-Encoding`, with their q-values (RFC 9110, 12.5).
//! What cannot be given is passed over; a scraper that asks for nothing we have gets text 0.0.4, as Prometheus' content
//! negotiation has it.

/// The forms of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Prometheus text 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Delimited protobuf.
    Protobuf,
}

impl Form {
    /// The exact type of a page in this form.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }

    /// The form that an `Accept` header asks for most. Of two that it likes the same, the first that it names.
    #[must_use]
    pub fn asked_for(accept: &str) -> Self {
        let mut best = (0.0, Self::Text);
        for (media, q) in weighed(accept) {
            if let Some(form) = form(media)
                && q > best.0
            {
                best = (q, form);
            }
        }
        best.1
    }
}

/// Whether an `Accept-Encoding` header takes gzip; no other encoding is ever used, as Prometheus reads no other.
#[must_use]
pub fn takes_gzip(accept_encoding: &str) -> bool {
    let q = |name: &str| weighed(accept_encoding).find(|(coding, _)| coding.eq_ignore_ascii_case(name)).map(|it| it.1);
    q("gzip").or_else(|| q("*")).is_some_and(|q| q > 0.0)
}

fn form(media: &str) -> Option<Form> {
    let mut parts = media.split(';').map(|part| part.trim().to_ascii_lowercase());
    let kind = parts.next()?;
    let parameters: Vec<String> = parts.map(|part| part.replace([' ', '"'], "")).collect();
    let value = |name: &str| parameters.iter().find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    match kind.as_str() {
        "application/openmetrics-text" if value("version").is_none_or(|version| version == "1.0.0") => {
            Some(Form::OpenMetrics)
        }
        "application/vnd.google.protobuf"
            if value("proto") == Some("io.prometheus.client.metricfamily")
                && value("encoding").is_none_or(|encoding| encoding == "delimited") =>
        {
            Some(Form::Protobuf)
        }
        "text/plain" if value("version").is_none_or(|version| version == "0.0.4") => Some(Form::Text),
        "text/*" | "*/*" => Some(Form::Text),
        _ => None,
    }
}

/// The members of a list, and how much each is wanted: 1 where nothing is said, 0 where it makes no sense.
fn weighed(header: &str) -> impl Iterator<Item = (&str, f64)> {
    header.split(',').map(|member| {
        let at = member.match_indices(';').find(|(at, _)| weight(&member[at + 1..]).is_some()).map(|(at, _)| at);
        let (name, q) = at.map_or((member, 1.0), |at| (&member[..at], weight(&member[at + 1..]).unwrap_or(1.0)));
        (name.trim(), if q.is_finite() { q.clamp(0.0, 1.0) } else { 0.0 })
    })
}

/// The weight that a parameter gives, if it is one; NaN where it is no number.
fn weight(parameter: &str) -> Option<f64> {
    let (name, value) = parameter.split(';').next()?.split_once('=')?;
    name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse().unwrap_or(f64::NAN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Form::{OpenMetrics, Protobuf, Text};

    #[test]
    fn what_prometheus_sends_is_answered_as_it_hopes() {
        let native = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
                      application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                      application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;q=0.3,\
                      text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        assert_eq!(Form::asked_for(native), Protobuf);
        let (_, without) = native.split_once(',').unwrap();
        assert_eq!(Form::asked_for(without), OpenMetrics);
    }

    #[test]
    fn the_weight_decides_and_not_the_order() {
        for (accept, wanted) in [
            ("", Text),
            ("*/*", Text),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Text),
            ("text/plain;version=0.0.4;q=0.2, application/openmetrics-text; version=1.0.0; q=0.9", OpenMetrics),
            ("application/openmetrics-text;version=1.0.0;q=0.1,text/plain;q=0.5", Text),
            ("application/openmetrics-text;version=0.0.1", Text),
            ("application/openmetrics-text", OpenMetrics),
            ("application/openmetrics-text;q=0", Text),
            ("application/vnd.google.protobuf", Text),
            ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text", Text),
            ("application/json", Text),
            ("application/openmetrics-text;Q=0.1,text/plain;q=0.5", Text),
            ("application/openmetrics-text; version=1.0.0 ; q=0.9 ,text/plain; q=1.5", Text),
            (";;q=,,=;q=NaN", Text),
        ] {
            assert_eq!(Form::asked_for(accept), wanted, "{accept:?}");
        }
    }

    #[test]
    fn gzip_is_used_where_it_is_taken() {
        for (header, wanted) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("*", true),
            ("gzip;q=0, *", false),
            ("identity", false),
            ("zstd, br", false),
            ("", false),
        ] {
            assert_eq!(takes_gzip(header), wanted, "{header:?}");
        }
    }
}
