//! The collector's end of an export: where it is and how to speak to it, as the standard `OTEL_EXPORTER_OTLP_*` variables say
//! (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>), and what it answers: when to come back, how many spans it
//! did not take. Protobuf over HTTP and nothing else; tries nothing again.

use flate2::{Compression, write::GzEncoder};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use percent_encoding::percent_decode_str;
use prost::Message as _;
use reqwest::{
    Url,
    blocking::{Client, Response},
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};
use std::{
    io::{Read as _, Write as _},
    time::{Duration, Instant, SystemTime},
};

/// How long one export may take: a hanging collector costs this much of the exporter's thread, and nothing else.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Gives a variable's value.
pub(crate) type Read<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A collector.
#[derive(Debug)]
pub(crate) struct Collector {
    client: Client,
    to: Url,
    headers: HeaderMap,
    is_packed: bool,
}

/// Spans that it did not take of those that it was sent, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) rejected: u64,
    pub(crate) why: String,
}

/// Why nothing was taken, and when to come back, if it said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) why: String,
    pub(crate) retry_after: Option<Duration>,
}

impl Collector {
    /// Must not be made on a runtime's thread: its client blocks.
    pub(crate) fn new(read: Read<'_>) -> Result<Self, String> {
        // the first one stays: another part of the program may have chosen before
        let _ = rustls::crypto::ring::default_provider().install_default();
        // a redirect would carry keys and spans to somebody else
        let client = Client::builder().timeout(timeout(read)).redirect(Policy::none());
        let client = client.build().map_err(|error| error.to_string())?;
        let is_packed = of_traces(read, "COMPRESSION").is_some_and(|kind| kind.eq_ignore_ascii_case("gzip"));
        Ok(Self { client, to: endpoint(read)?, headers: headers(read), is_packed })
    }

    /// Sends an export.
    pub(crate) fn send(&self, export: Vec<u8>) -> Result<Taken, Refused> {
        let request = self.client.post(self.to.clone()).headers(self.headers.clone());
        let request = request.header(CONTENT_TYPE, "application/x-protobuf");
        let request = if self.is_packed {
            request.header(CONTENT_ENCODING, "gzip").body(packed(&export))
        } else {
            request.body(export)
        };
        let deadline = Instant::now() + TIMEOUT;
        let response =
            request.send().map_err(|error| Refused { why: cause(&error.without_url()), retry_after: None })?;
        answer(response, deadline)
    }
}

fn answer(mut response: Response, deadline: Instant) -> Result<Taken, Refused> {
    let status = response.status();
    if !status.is_success() {
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        return Err(Refused { why: status.to_string(), retry_after: header.and_then(wait) });
    }
    // what is not read to its end, or comes too slowly, was taken all the same
    let (mut body, mut part) = (Vec::new(), [0; 4096]);
    while body.len() < ANSWER_BYTES_MAX
        && Instant::now() < deadline
        && let Ok(count @ 1..) = response.read(&mut part)
    {
        body.extend_from_slice(&part[..count]);
    }
    Ok(taken(&body))
}

fn taken(body: &[u8]) -> Taken {
    let partial = ExportTraceServiceResponse::decode(body).ok().and_then(|it| it.partial_success);
    let partial = partial.unwrap_or_default();
    Taken { rejected: u64::try_from(partial.rejected_spans).unwrap_or(0), why: partial.error_message }
}

/// In milliseconds; a longer one is not waited for.
fn timeout(read: Read<'_>) -> Duration {
    let millis = of_traces(read, "TIMEOUT").and_then(|text| text.parse().ok()).filter(|millis| *millis > 0);
    millis.map_or(TIMEOUT, Duration::from_millis).min(TIMEOUT)
}

/// The variable for traces goes before the one for all signals.
fn of_traces(read: Read<'_>, what: &str) -> Option<String> {
    let get = |name: String| read(&name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    get(format!("OTEL_EXPORTER_OTLP_TRACES_{what}")).or_else(|| get(format!("OTEL_EXPORTER_OTLP_{what}")))
}

/// That of traces is taken as it is; to the one for all signals the path of traces is added.
pub(crate) fn endpoint(read: Read<'_>) -> Result<Url, String> {
    let own = read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").filter(|url| !url.trim().is_empty());
    let url = if let Some(own) = own {
        address(&own)
    } else {
        let base = of_traces(read, "ENDPOINT").unwrap_or_else(|| "http://localhost:4318".to_owned());
        address(&base).map(|mut url| {
            url.set_path(&format!("{}/v1/traces", url.path().trim_end_matches('/')));
            url
        })
    };
    url.ok_or_else(|| "OTEL_EXPORTER_OTLP_ENDPOINT is no address such as http://localhost:4318".to_owned())
}

fn address(text: &str) -> Option<Url> {
    text.trim().parse().ok().filter(|url: &Url| matches!(url.scheme(), "http" | "https"))
}

/// `name=value`, separated by commas, values percent-encoded; what is no header is left out.
fn headers(read: Read<'_>) -> HeaderMap {
    let text = of_traces(read, "HEADERS").unwrap_or_default();
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    let header = |(name, value): (&str, &str)| {
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true); // most of them are keys
        Some((HeaderName::from_bytes(name.trim().as_bytes()).ok()?, value))
    };
    pairs.filter_map(header).collect()
}

fn packed(export: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(export).and_then(|()| encoder.finish());
    written.unwrap_or_default() // a Vec takes everything
}

/// Seconds, or a date.
fn wait(header: &str) -> Option<Duration> {
    if let Ok(seconds) = header.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    httpdate::parse_http_date(header).ok()?.duration_since(SystemTime::now()).ok()
}

/// The innermost cause says more than "error sending request".
fn cause(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(deeper) = deepest.source() {
        deepest = deeper;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;
    use std::io;

    fn of<'a>(values: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| values.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn where_to_is_said_for_traces_or_for_all_signals() {
        let to = |values: &[(&str, &str)]| endpoint(&of(values)).map(String::from);
        assert_eq!(to(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/")]).unwrap(), "http://c:4318/v1/traces");
        assert_eq!(to(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c/otlp")]).unwrap(), "http://c/otlp/v1/traces");
        let both = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://t/x"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c")];
        assert_eq!(to(&both).unwrap(), "https://t/x");
        assert_eq!(to(&[]).unwrap(), "http://localhost:4318/v1/traces");
        assert_eq!(to(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1?x=1")]).unwrap(), "http://c:1/v1/traces?x=1");
        for bad in ["c:4318", "ftp://c", "http://"] {
            assert!(to(&[("OTEL_EXPORTER_OTLP_ENDPOINT", bad)]).is_err(), "{bad}");
        }
    }

    #[test]
    fn headers_are_decoded_and_what_is_none_is_left_out() {
        let text = "authorization=Bearer%20a%2Cb, x-team = docs ,nonsense,bad name=1,x=a%0Ab";
        let headers = headers(&of(&[("OTEL_EXPORTER_OTLP_HEADERS", text)]));
        assert_eq!(
            (headers.len(), &headers["authorization"], &headers["x-team"]),
            (2, &"Bearer a,b".parse().unwrap(), &"docs".parse().unwrap())
        );
        assert!(!format!("{headers:?}").contains("Bearer"), "keys stay out of every log");
    }

    #[test]
    fn what_is_packed_is_unpacked_again() {
        let export = vec![7; 10_000];
        let (packed, mut out) = (packed(&export), Vec::new());
        io::copy(&mut flate2::read::GzDecoder::new(&packed[..]), &mut out).unwrap();
        assert!(out == export && packed.len() < 1_000);
    }

    #[test]
    fn when_to_come_back_is_heard_in_seconds_and_as_a_date() {
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        assert!(wait(&date).is_some_and(|wait| (90..=100).contains(&wait.as_secs())));
        assert_eq!([wait("soon"), wait("Thu, 01 Jan 1970 00:00:00 GMT")], [None, None]);
    }

    #[test]
    fn spans_that_were_not_taken_are_heard_and_nonsense_is_not() {
        let of = |rejected_spans, error_message: &str| {
            let said = ExportTracePartialSuccess { rejected_spans, error_message: error_message.to_owned() };
            taken(&ExportTraceServiceResponse { partial_success: Some(said) }.encode_to_vec())
        };
        assert_eq!(of(3, "too old"), Taken { rejected: 3, why: "too old".to_owned() });
        assert_eq!((of(-3, "").rejected, taken(b"\xff\xff"), taken(b"")), (0, Taken::default(), Taken::default()));
    }
}
