//! Who may call the public listener, by the `Host` that a request names and by the `Origin` of a web page. A page of somebody
//! else can make a browser call a server on this machine, and can give itself a name that leads here: neither is answered.
//! A setting that could match nothing is refused at the start.

use axum::http::{HeaderMap, Uri, header, uri::Authority};
use std::{fmt, str::FromStr};
use url::Url;

/// A host that requests may name, with any port or with one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AllowedHost {
    host: String,
    port: Option<u16>,
}

impl FromStr for AllowedHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err(COMMA.to_owned());
        }
        let allowed = "a name or an address, with a port or without, such as docs.example.org";
        if let Some((_, host)) = text.split_once("://") {
            return Err(format!("{text:?} has a scheme, and a Host has none; write {:?}", host.trim_end_matches('/')));
        }
        if text.contains('*') {
            return Err(format!("{text:?} has a wildcard, and there are none here; write each host: {allowed}"));
        }
        let bare = text.parse::<std::net::Ipv6Addr>().map(|address| format!("[{address}]"));
        let parsed = bare.as_deref().unwrap_or(text).parse::<Authority>().ok();
        let parsed = parsed.filter(is_plain);
        parsed.as_ref().map(Self::of).ok_or_else(|| format!("{text:?} is no host; allowed is {allowed}"))
    }
}

impl AllowedHost {
    fn of(authority: &Authority) -> Self {
        Self { host: authority.host().to_ascii_lowercase(), port: authority.port_u16() }
    }

    fn admits(&self, host: &Self) -> bool {
        self.host == host.host && self.port.is_none_or(|port| host.port == Some(port))
    }
}

const COMMA: &str = "there is a comma too many: nothing stands before or after it";

/// No user, and a port that is one.
fn is_plain(authority: &Authority) -> bool {
    let (host, whole) = (authority.host(), authority.as_str());
    !host.is_empty() && whole.strip_prefix(host).is_some_and(|rest| rest.is_empty() || authority.port_u16().is_some())
}

/// An origin whose pages may call, with any port or with one; `null` is that of a page without an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AllowedOrigin {
    Null,
    Page { scheme: String, host: String, port: Port },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    Any,
    /// None, where the scheme has none: an app's or an extension's.
    Is(Option<u16>),
}

impl FromStr for AllowedOrigin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err(COMMA.to_owned());
        }
        if text.eq_ignore_ascii_case("null") {
            return Ok(Self::Null);
        }
        let allowed = "SCHEME://HOST or SCHEME://HOST:PORT, such as https://docs.example.org";
        if !text.contains("://") {
            return Err(match text {
                "*" => format!("\"*\" would let any web page call; write each origin: {allowed}"),
                _ => format!("{text:?} has no scheme; write \"https://{text}\""),
            });
        }
        let any = text.strip_suffix(":*").filter(|base| !names_port(base));
        if any.unwrap_or(text).contains('*') {
            return Err(format!("{text:?} has a wildcard that is no port; write each origin: {allowed}"));
        }
        let page = page(any.unwrap_or(text).trim_end_matches('/'));
        let (scheme, host, port) = page.ok_or_else(|| format!("{text:?} is no origin; allowed is {allowed}"))?;
        let port = if any.is_some() { Port::Any } else { Port::Is(port) };
        Ok(Self::Page { scheme, host, port })
    }
}

fn names_port(origin: &str) -> bool {
    let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
    authority.rsplit(']').next().is_some_and(|rest| rest.contains(':'))
}

impl AllowedOrigin {
    fn admits(&self, origin: &str) -> bool {
        match self {
            Self::Null => origin == "null",
            Self::Page { scheme, host, port } => page(origin)
                .is_some_and(|(s, h, p)| *scheme == s && *host == h && (*port == Port::Any || *port == Port::Is(p))),
        }
    }
}

/// Scheme, host and port of a page's origin, which is nothing else: no user, no path.
fn page(origin: &str) -> Option<(String, String, Option<u16>)> {
    let url: Url = origin.parse().ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let is_bare =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    let ends = origin.split_once("://")?.1;
    (is_bare && !ends.contains(['/', '\\', '@', '?', '#']))
        .then(|| Some((url.scheme().to_owned(), host.to_owned(), url.port_or_known_default())))?
}

/// Whose requests are answered.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) hosts: Vec<AllowedHost>,
    pub(crate) origins: Vec<AllowedOrigin>,
}

/// Why a request is not answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// No host, two, or one that cannot be read.
    Malformed(&'static str),
    /// One that the setting does not name.
    NotAllowed { header: &'static str, setting: &'static str, value: String },
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => f.write_str(why),
            Self::NotAllowed { header, setting, value } => {
                write!(f, "the {header} {value:?} is not allowed here; {setting} names those that are")
            }
        }
    }
}

impl Admission {
    /// Whether a request with this target and this head is answered.
    pub(crate) fn admit(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Denied> {
        let host = host_of(uri, headers)?;
        if !self.hosts.iter().any(|allowed| allowed.admits(&AllowedHost::of(&host))) {
            return Err(not_allowed("Host", "MCP_ALLOWED_HOSTS", host.as_str()));
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Ok(()),
            (Some(_), Some(_)) => Err(Denied::Malformed("a request has one Origin, and this one has several")),
            (Some(origin), None) => {
                let origin = String::from_utf8_lossy(origin.as_bytes());
                let is_allowed = self.origins.iter().any(|allowed| allowed.admits(&origin));
                if is_allowed { Ok(()) } else { Err(not_allowed("Origin", "MCP_ALLOWED_ORIGINS", &origin)) }
            }
        }
    }
}

fn host_of(uri: &Uri, headers: &HeaderMap) -> Result<Authority, Denied> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let named = match (hosts.next(), hosts.next()) {
        (Some(_), Some(_)) => return Err(Denied::Malformed("a request has one Host, and this one has several")),
        (host, _) => host.map(|host| Authority::try_from(host.as_bytes())).transpose(),
    };
    let malformed = Denied::Malformed("the Host cannot be read: it is a name or an address, with a port or without");
    let Ok(named) = named else { return Err(malformed) };
    // a target that is a whole address goes before the header (RFC 9112, 3.2.2)
    let host = uri.authority().cloned().or(named).ok_or(Denied::Malformed("the request has no Host"))?;
    if is_plain(&host) { Ok(host) } else { Err(malformed) }
}

fn not_allowed(header: &'static str, setting: &'static str, value: &str) -> Denied {
    let value = value.chars().take(SHOWN_CHARS_MAX).collect();
    Denied::NotAllowed { header, setting, value }
}

/// As much of a client's word as is worth repeating.
const SHOWN_CHARS_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    fn admission(hosts: &[&str], origins: &[&str]) -> Admission {
        Admission {
            hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
            origins: origins.iter().map(|origin| origin.parse().unwrap()).collect(),
        }
    }

    fn admitted(admission: &Admission, headers: &[(header::HeaderName, &str)]) -> Result<(), Denied> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        admission.admit(&Uri::from_static("/mcp"), &map)
    }

    #[test]
    fn settings_that_can_match_nothing_are_refused_with_what_to_write() {
        for (text, wanted) in [
            ("*", "wildcard"),
            ("*.example.org", "wildcard"),
            ("https://docs.example.org/", "write \"docs.example.org\""),
            ("me@docs.example.org", "is no host"),
            ("docs.example.org:port", "is no host"),
            ("docs.example.org/mcp", "is no host"),
            ("two words", "is no host"),
        ] {
            let why = text.parse::<AllowedHost>().unwrap_err();
            assert!(why.contains(text) && why.contains(wanted), "{why}");
        }
        for (text, wanted) in [
            ("*", "any web page"),
            ("docs.example.org", "write \"https://docs.example.org\""),
            ("https://*.example.org", "wildcard"),
            ("https://docs.example.org/path", "is no origin"),
            ("https://", "is no origin"),
            ("https://docs.example.org:443:*", "wildcard"),
        ] {
            let why = text.parse::<AllowedOrigin>().unwrap_err();
            assert!(why.contains(text) && why.contains(wanted), "{why}");
        }
    }

    #[test]
    fn a_host_is_compared_without_its_case_and_with_its_port_where_the_setting_has_one() {
        let admission = admission(&["docs.example.org", "localhost:3000", "::1"], &[]);
        for host in ["docs.example.org", "DOCS.example.ORG:8443", "localhost:3000", "[::1]:80", "[::1]"] {
            assert_eq!(admitted(&admission, &[(header::HOST, host)]), Ok(()), "{host}");
        }
        for host in ["localhost", "localhost:3001", "example.org", "docs.example.org.evil.example"] {
            let denied = admitted(&admission, &[(header::HOST, host)]).unwrap_err().to_string();
            assert!(denied.contains(host) && denied.contains("MCP_ALLOWED_HOSTS"), "{denied}");
        }
    }

    #[test]
    fn a_host_that_is_missing_doubled_or_malformed_is_no_host() {
        let admission = admission(&["localhost"], &["http://localhost:*"]);
        let twice = [(header::HOST, "localhost"), (header::HOST, "localhost")];
        for headers in [
            &[][..],
            &twice,
            &[(header::HOST, "me@localhost")],
            &[(header::HOST, "localhost:x")],
            &[(header::HOST, "")],
        ] {
            assert!(matches!(admitted(&admission, headers), Err(Denied::Malformed(_))), "{headers:?}");
        }
        let doubled =
            [(header::HOST, "localhost"), (header::ORIGIN, "http://localhost"), (header::ORIGIN, "http://localhost")];
        assert!(matches!(admitted(&admission, &doubled), Err(Denied::Malformed(_))));
        let whole = Uri::from_static("http://evil.example/mcp");
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("localhost"))]);
        assert!(admission.admit(&whole, &headers).is_err(), "the target's own host counts");
    }

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        let admission = admission(
            &["localhost"],
            &["http://localhost:*", "https://docs.example.org", "http://[::1]:5173", "app://notes.example"],
        );
        let origin = |origin| admitted(&admission, &[(header::HOST, "localhost"), (header::ORIGIN, origin)]);
        for allowed in [
            "http://localhost:5173",
            "http://localhost",
            "https://docs.example.org",
            "app://notes.example",
            "https://docs.example.org:443",
            "http://[::1]:5173",
        ] {
            assert_eq!(origin(allowed), Ok(()), "{allowed}");
        }
        for refused in [
            "https://localhost:1",
            "http://docs.example.org",
            "https://docs.example.org:8443",
            "null",
            "http://localhost@evil.example",
            "http://localhost/x",
            "app://notes.example:1",
            "app://other.example",
            "",
            "é",
        ] {
            assert!(origin(refused).is_err(), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn no_origin_is_allowed_but_those_that_are_named(origin in "\\PC{0,40}") {
            let admission = admission(&["localhost"], &["http://localhost:*"]);
            let mut headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("localhost"))]);
            if let Ok(value) = HeaderValue::from_bytes(origin.as_bytes()) {
                headers.insert(header::ORIGIN, value);
                let allowed = admission.admit(&Uri::from_static("/mcp"), &headers).is_ok();
                prop_assert_eq!(allowed, origin.to_lowercase().starts_with("http://localhost") && page(&origin).is_some_and(|it| it.1 == "localhost"));
            }
        }
    }
}
