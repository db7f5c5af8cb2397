//! The collector's end of an export: where it is and how to speak to it, as the standard `OTEL_EXPORTER_OTLP_*` variables say
//! (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>), and what it answers: when to come back, how many spans it
//! did not take. Protobuf over HTTP and nothing else; tries nothing again.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::{Compression, write::GzEncoder};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use percent_encoding::percent_decode_str;
use prost::Message as _;
use std::{
    io::{Read as _, Write as _},
    iter,
    time::{Duration, SystemTime},
};
use ureq::{
    Agent, Body, Proxy,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri,
        header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER},
    },
    tls::{RootCerts, TlsConfig},
};

/// How long one export may take, from the look-up of the name to the end of the answer: a hanging collector costs this much of the exporter's thread, and nothing else.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Gives a variable's value.
pub(crate) type Read<'a> = &'a dyn Fn(&str) -> Option<String>;
/// Takes what was ignored, and why. Keys stand in no such sentence.
pub(crate) type Warn<'a> = &'a mut dyn FnMut(String);

/// A collector.
#[derive(Debug)]
pub(crate) struct Collector {
    agent: Agent,
    to: Uri,
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
    pub(crate) fn new(read: Read<'_>, warn: Warn<'_>) -> Result<Self, String> {
        // the first one stays: another part of the program may have chosen before
        let _ = rustls::crypto::ring::default_provider().install_default();
        let to = endpoint(read)?;
        // one that plain HTTP would go through by CONNECT is as a rule no way for it
        let proxy = if to.scheme_str() == Some("https") { Proxy::try_from_env() } else { None };
        let agent = Agent::config_builder()
            .timeout_global(Some(timeout(read, warn)))
            .proxy(proxy)
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
            .user_agent(concat!("sidelight/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .max_redirects(0) // one would carry keys and spans to somebody else
            .build();
        let is_packed = is_packed(read, warn);
        let mut headers = headers(read, warn);
        if let Some(user) = user(&to) {
            headers.entry(AUTHORIZATION).or_insert(user);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        if is_packed {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(Self { agent: agent.into(), to, headers, is_packed })
    }

    /// Sends an export.
    pub(crate) fn send(&self, export: &[u8]) -> Result<Taken, Refused> {
        let packed = self.is_packed.then(|| packed(export));
        let mut request = Request::new(packed.as_deref().unwrap_or(export));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.to.clone();
        request.headers_mut().clone_from(&self.headers);
        let response = self.agent.run(request);
        answer(response.map_err(|error| Refused { why: told(&error.to_string()), retry_after: None })?)
    }
}

/// What went wrong, and what is the likely cause where that is known.
fn told(error: &str) -> String {
    let is_no_http =
        ["HTTP version", "version header", "invalid http", "http parse"].iter().any(|it| error.contains(it));
    let hint =
        if is_no_http { "; is it the port of gRPC (4317)? OTLP over HTTP is taken on 4318 as a rule" } else { "" };
    format!("{error}{hint}")
}

fn answer(response: Response<Body>) -> Result<Taken, Refused> {
    let (parts, body) = response.into_parts();
    if !parts.status.is_success() {
        let header = parts.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        return Err(Refused { why: parts.status.to_string(), retry_after: header.and_then(wait) });
    }
    let mut said = Vec::new();
    // what is not read to its end, or comes too slowly, was taken all the same
    let _ = body.into_reader().take(ANSWER_BYTES_MAX).read_to_end(&mut said);
    Ok(taken(&said))
}

fn taken(body: &[u8]) -> Taken {
    let partial = ExportTraceServiceResponse::decode(body).ok().and_then(|it| it.partial_success);
    let partial = partial.unwrap_or_default();
    Taken { rejected: u64::try_from(partial.rejected_spans).unwrap_or(0), why: partial.error_message }
}

/// In milliseconds; a longer one is not waited for.
fn timeout(read: Read<'_>, warn: Warn<'_>) -> Duration {
    let Some(text) = of_traces(read, "TIMEOUT") else { return TIMEOUT };
    let asked = text.parse().ok().map(Duration::from_millis);
    asked.filter(|asked| (Duration::from_millis(1)..=TIMEOUT).contains(asked)).unwrap_or_else(|| {
        let most = TIMEOUT.as_millis();
        warn(format!("OTEL_EXPORTER_OTLP_TIMEOUT={text:?}: allowed are 1 to {most} milliseconds, and {most} it is"));
        TIMEOUT
    })
}

fn is_packed(read: Read<'_>, warn: Warn<'_>) -> bool {
    let Some(kind) = of_traces(read, "COMPRESSION") else { return false };
    let is_packed = kind.eq_ignore_ascii_case("gzip");
    if !is_packed && !kind.eq_ignore_ascii_case("none") {
        warn(format!(
            "OTEL_EXPORTER_OTLP_COMPRESSION={kind:?} is not known here, and is ignored; known are gzip and none"
        ));
    }
    is_packed
}

/// The variable for traces goes before the one for all signals.
fn of_traces(read: Read<'_>, what: &str) -> Option<String> {
    let get = |name: String| read(&name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    get(format!("OTEL_EXPORTER_OTLP_TRACES_{what}")).or_else(|| get(format!("OTEL_EXPORTER_OTLP_{what}")))
}

/// That of traces is taken as it is; to the one for all signals the path of traces is added.
fn endpoint(read: Read<'_>) -> Result<Uri, String> {
    let own = read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").filter(|own| !own.trim().is_empty());
    let to = own.unwrap_or_else(|| {
        let base = of_traces(read, "ENDPOINT").unwrap_or_else(|| "http://localhost:4318".to_owned());
        let (base, query) = base.split_at(base.find(['?', '#']).unwrap_or(base.len()));
        format!("{}/v1/traces{query}", base.trim_end_matches('/'))
    });
    address(&to).ok_or_else(|| "OTEL_EXPORTER_OTLP_ENDPOINT is no address such as http://localhost:4318".to_owned())
}

fn address(text: &str) -> Option<Uri> {
    let is_whole = |uri: &Uri| {
        let is_bare = uri.authority().is_some_and(|it| it.as_str().ends_with(it.host()));
        let has_place = uri.host().is_some_and(|host| !host.is_empty()) && (is_bare || uri.port_u16().is_some());
        matches!(uri.scheme_str(), Some("http" | "https")) && has_place
    };
    text.trim().parse().ok().filter(is_whole)
}

/// A user in an address, percent-encoded there, as basic authentication.
fn user(to: &Uri) -> Option<HeaderValue> {
    let (user, _) = to.authority()?.as_str().rsplit_once('@')?;
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let decoded: Vec<u8> =
        percent_decode_str(name).chain(iter::once(b':')).chain(percent_decode_str(password)).collect();
    secret(&format!("Basic {}", BASE64_STANDARD.encode(decoded)))
}

/// Most of what is sent in headers are keys, which stand in no log.
fn secret(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// `name=value`, separated by commas, values percent-encoded; what is no header is left out.
fn headers(read: Read<'_>, warn: Warn<'_>) -> HeaderMap {
    let text = of_traces(read, "HEADERS").unwrap_or_default();
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(header);
    let (good, bad): (Vec<_>, Vec<_>) = parts.partition(Option::is_some);
    if !bad.is_empty() {
        let count = bad.len();
        warn(format!("OTEL_EXPORTER_OTLP_HEADERS: {count} of its parts are no name=value, and are left out"));
    }
    good.into_iter().flatten().collect()
}

fn header(part: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = part.split_once('=')?;
    let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
    Some((HeaderName::from_bytes(name.trim().as_bytes()).ok()?, secret(&value)?))
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
        let to = |values: &[(&str, &str)]| endpoint(&of(values)).map(|uri| uri.to_string());
        assert_eq!(to(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/")]).unwrap(), "http://c:4318/v1/traces");
        assert_eq!(to(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c/otlp")]).unwrap(), "http://c/otlp/v1/traces");
        let both = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://t/x"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c")];
        assert_eq!(to(&both).unwrap(), "https://t/x");
        assert_eq!(to(&[]).unwrap(), "http://localhost:4318/v1/traces");
        assert_eq!(to(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1?x=1")]).unwrap(), "http://c:1/v1/traces?x=1");
        for bad in ["c:4318", "ftp://c", "http://", "http://c:431800", "http://c:"] {
            assert!(to(&[("OTEL_EXPORTER_OTLP_ENDPOINT", bad)]).is_err(), "{bad}");
        }
    }

    /// A collector, and what was ignored.
    fn collector(values: &[(&str, &str)]) -> (Collector, Vec<String>) {
        let mut warnings = Vec::new();
        (Collector::new(&of(values), &mut |why| warnings.push(why)).unwrap(), warnings)
    }

    #[test]
    fn what_is_ignored_is_told_and_keys_are_not() {
        let good = [("TIMEOUT", "2000"), ("COMPRESSION", "GZIP"), ("COMPRESSION", "none"), ("HEADERS", "a=1, ,b=2,")];
        let bad = [
            ("TIMEOUT", "soon"),
            ("TIMEOUT", "0"),
            ("TIMEOUT", "10000"),
            ("COMPRESSION", "zstd"),
            ("HEADERS", "authorization: Bearer hunter2"),
        ];
        let told = |(what, value)| collector(&[(&*format!("OTEL_EXPORTER_OTLP_{what}"), value)]).1;
        assert!(good.into_iter().all(|it| told(it).is_empty()));
        for it in bad {
            let told = told(it);
            assert!(told.len() == 1 && told[0].contains(it.0) && !told[0].contains("hunter2"), "{told:?}");
        }
    }

    #[test]
    fn headers_are_decoded_and_what_is_none_is_left_out() {
        let text = "authorization=Bearer%20a%2Cb, x-team = docs ,nonsense,bad name=1,x=a%0Ab";
        let (Collector { mut headers, .. }, _) = collector(&[("OTEL_EXPORTER_OTLP_HEADERS", text)]);
        headers.remove(CONTENT_TYPE);
        assert_eq!(
            (headers.len(), &headers["authorization"], &headers["x-team"]),
            (2, &"Bearer a,b".parse().unwrap(), &"docs".parse().unwrap())
        );
        assert!(!format!("{headers:?}").contains("Bearer"), "keys stay out of every log");
    }

    #[test]
    fn a_user_in_the_address_is_decoded_and_gives_way_to_a_header() {
        let sent = |to: &str, headers: &str| {
            let values = [("OTEL_EXPORTER_OTLP_ENDPOINT", to), ("OTEL_EXPORTER_OTLP_HEADERS", headers)];
            collector(&values).0.headers.get(AUTHORIZATION).cloned()
        };
        assert_eq!(sent("http://me:p%40ss@c:4318", "").unwrap(), "Basic bWU6cEBzcw==");
        assert_eq!(sent("http://me@c", "").unwrap(), "Basic bWU6");
        assert_eq!(sent("http://me:p@c", "authorization=Bearer%20a").unwrap(), "Bearer a");
        assert_eq!(sent("http://c", ""), None);
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
