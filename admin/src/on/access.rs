//! Who may do what. A pure decision over a request's facts; writes no reply.

use crate::{Settings, metrics::Denial};
use poem::http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{AUTHORIZATION, HOST, ORIGIN},
};
use sidelight::page::Permission;
use std::net::IpAddr;

/// The rules of this port.
pub(crate) struct Access {
    token: Option<String>,
    allowed_hosts: Vec<String>,
}

/// Why not: the reason, and a sentence for the caller.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) denial: Denial,
    pub(crate) why: &'static str,
}

impl Refused {
    /// 401 where a token would help, else 403.
    pub(crate) fn status(&self) -> StatusCode {
        if self.denial == Denial::Token { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN }
    }
}

impl Access {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { token: settings.token.clone(), allowed_hosts: settings.allowed_hosts.clone() }
    }

    /// Health without detail is for anybody. All else: with a token, whoever proves it; without one, whoever is on this
    /// machine and not led here by a web page.
    pub(crate) fn check(
        &self,
        permission: Permission,
        peer: Option<IpAddr>,
        headers: &HeaderMap,
    ) -> Result<(), Refused> {
        if permission == Permission::Anyone {
            return Ok(());
        }
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        if [HOST.as_str(), ORIGIN.as_str(), "sec-fetch-site"]
            .iter()
            .any(|name| headers.get_all(*name).iter().count() > 1)
        {
            return Err(forbidden(Denial::Host, "a request has one Host and one Origin, and this one has several"));
        }
        let host = text(HOST).unwrap_or("");
        self.check_host(host)?;
        check_browser(text(ORIGIN), headers.get("sec-fetch-site").map(HeaderValue::as_bytes), host)?;
        match &self.token {
            None if is_forwarded(headers) => Err(forbidden(Denial::Peer, FORWARDED)),
            Some(token) => check_token(token, text(AUTHORIZATION).unwrap_or("")),
            None if peer.is_some_and(|peer| peer.is_loopback()) => Ok(()),
            None => Err(forbidden(Denial::Peer, "only callers on this machine may, because no ADMIN_TOKEN is set")),
        }
    }

    /// A web page that rebinds its own name to this machine still sends its own name.
    fn check_host(&self, host: &str) -> Result<(), Refused> {
        let name = host_name(host);
        let listed = self.allowed_hosts.iter().any(|allowed| allowed == name || allowed == host);
        match (self.allowed_hosts.is_empty(), self.token.is_some()) {
            (false, _) if listed => Ok(()),
            (false, _) => Err(forbidden(Denial::Host, "the Host header names none of ADMIN_ALLOWED_HOSTS")),
            (true, true) => Ok(()),
            (true, false) if is_loopback_name(name) => Ok(()),
            (true, false) => Err(forbidden(Denial::Host, "the Host header must name localhost or a loopback address")),
        }
    }
}

/// Whether a proxy says that it asks for somebody else: that one is on this machine proves nothing then.
fn is_forwarded(headers: &HeaderMap) -> bool {
    let says_so = |name: &str| {
        let begins = ["x-forwarded", "x-original-", "x-envoy-", "cf-"].iter().any(|it| name.starts_with(it));
        begins || ["forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip"].contains(&name)
    };
    headers.keys().any(|name| says_so(name.as_str()))
}

const FORWARDED: &str =
    "a proxy asks for somebody else, who may not without a token: set ADMIN_TOKEN or ADMIN_TOKEN_FILE";

/// Requests that a page of another site makes a browser send.
fn check_browser(origin: Option<&str>, fetch_site: Option<&[u8]>, host: &str) -> Result<(), Refused> {
    let foreign_site = fetch_site.is_some_and(|site| site != b"same-origin" && site != b"none");
    let own = |origin: &str| origin.split_once("://").is_some_and(|(_, authority)| authority == host);
    if foreign_site || origin.is_some_and(|origin| !own(origin)) {
        return Err(forbidden(Denial::Site, "requests from pages of other sites are refused"));
    }
    Ok(())
}

fn check_token(token: &str, authorization: &str) -> Result<(), Refused> {
    let (scheme, secret) = authorization.split_once(' ').unwrap_or(("", ""));
    let offered = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Some(secret.trim().as_bytes().to_vec()),
        "basic" => password(secret.trim()),
        _ => None,
    };
    if offered.is_some_and(|offered| same(&offered, token.as_bytes())) {
        return Ok(());
    }
    Err(Refused {
        denial: Denial::Token,
        why: "a token is needed: Authorization: Bearer TOKEN, or basic with the token as password",
    })
}

/// The password of `user:password` in base64; `go tool pprof` can send nothing else.
fn password(encoded: &str) -> Option<Vec<u8>> {
    let pair = base64(encoded)?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_vec())
}

/// RFC 4648, the standard alphabet.
fn base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut bytes) = (0u32, 0, Vec::new());
    for character in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|known| *known == character)?;
        bits = (bits << 6) | u32::try_from(value).ok()?;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held).to_le_bytes()[0]);
        }
    }
    Some(bytes)
}

/// Takes as long for a near miss as for a far one; only the length shows.
fn same(one: &[u8], other: &[u8]) -> bool {
    let differing = one.iter().zip(other).fold(0, |seen, (a, b)| seen | (a ^ b));
    one.len() == other.len() && std::hint::black_box(differing) == 0
}

/// The host without its port; empty for anything that is not a host and perhaps a port.
fn host_name(host: &str) -> &str {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').unwrap_or(("", "")),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = |port: &str| port.strip_prefix(':').is_some_and(|digits| digits.parse::<u16>().is_ok());
    if port.is_empty() || is_port(port) { name } else { "" }
}

fn is_loopback_name(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn forbidden(denial: Denial, why: &'static str) -> Refused {
    Refused { denial, why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::HeaderName;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn access(token: Option<&str>, hosts: &[&str]) -> Access {
        let allowed_hosts = hosts.iter().map(ToString::to_string).collect();
        Access { token: token.map(str::to_owned), allowed_hosts }
    }

    fn status(access: &Access, peer: Option<IpAddr>, headers: &[(&'static str, &'static str)]) -> u16 {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        access.check(Permission::Profile, peer, &map).map_or_else(|refused| refused.status().as_u16(), |()| 200)
    }

    #[test]
    fn a_terminal_on_this_machine_may_do_everything() {
        let access = access(None, &[]);
        for host in ["localhost:8080", "127.0.0.1:8080", "127.0.0.2", "[::1]:8080", "LOCALHOST"] {
            assert_eq!(status(&access, HERE, &[("host", host)]), 200, "{host}");
        }
    }

    #[test]
    fn a_foreign_name_for_this_machine_is_refused() {
        let access = access(None, &[]);
        for host in ["evil.example", "evil.example:8080", "localhost.evil.example", "", "10.0.0.1", "localhost:1@evil"]
        {
            assert_eq!(status(&access, HERE, &[("host", host)]), 403, "{host}");
        }
    }

    #[test]
    fn a_page_of_another_site_cannot_start_a_profile() {
        let access = access(None, &[]);
        let host = ("host", "localhost:8080");
        assert_eq!(status(&access, HERE, &[host, ("sec-fetch-site", "cross-site")]), 403);
        assert_eq!(status(&access, HERE, &[host, ("sec-fetch-site", "same-site")]), 403);
        assert_eq!(status(&access, HERE, &[host, ("origin", "https://evil.example")]), 403);
        assert_eq!(status(&access, HERE, &[host, ("origin", "null")]), 403);
        assert_eq!(status(&access, HERE, &[host, ("origin", "http://localhost:8080")]), 200);
        assert_eq!(status(&access, HERE, &[host, ("sec-fetch-site", "same-origin")]), 200);
    }

    #[test]
    fn another_machine_needs_a_token_that_does_not_exist() {
        let peer = Some([10, 0, 0, 9].into());
        assert_eq!(status(&access(None, &[]), peer, &[("host", "localhost:8080")]), 403);
    }

    #[test]
    fn a_proxy_on_this_machine_is_no_person_at_its_terminal() {
        for name in [
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-forwarded-host",
            "x-real-ip",
            "via",
            "cf-connecting-ip",
        ] {
            let headers = [("host", "localhost:8080"), (name, "192.0.2.7")];
            assert_eq!(status(&access(None, &[]), HERE, &headers), 403, "{name}");
            let proved = [("host", "localhost:8080"), (name, "192.0.2.7"), ("authorization", "Bearer t")];
            assert_eq!(status(&access(Some("t"), &[]), HERE, &proved), 200, "{name}");
        }
    }

    #[test]
    fn bearer_and_basic_prove_the_token_and_nothing_else_does() {
        let access = access(Some("s3cret"), &[]);
        let peer = Some([10, 0, 0, 9].into());
        for (authorization, wanted) in [
            ("Bearer s3cret", 200),
            ("bearer s3cret", 200),
            ("Basic YW55Ym9keTpzM2NyZXQ=", 200), // anybody:s3cret
            ("Bearer s3cre", 401),
            ("Bearer s3cret2", 401),
            ("Basic czNjcmV0", 401), // no colon
            ("Basic ***", 401),
            ("Digest s3cret", 401),
            ("", 401),
        ] {
            let headers = [("host", "10.0.0.1:8080"), ("authorization", authorization)];
            assert_eq!(status(&access, peer, &headers), wanted, "{authorization}");
        }
    }

    #[test]
    fn with_a_list_of_hosts_only_those_are_answered() {
        let access = access(Some("t"), &["admin.example"]);
        let token = ("authorization", "Bearer t");
        assert_eq!(status(&access, HERE, &[token, ("host", "admin.example:8080")]), 200);
        assert_eq!(status(&access, HERE, &[token, ("host", "localhost")]), 403);
    }

    #[test]
    fn health_is_for_anybody() {
        let access = access(Some("t"), &["admin.example"]);
        assert_eq!(access.check(Permission::Anyone, None, &HeaderMap::new()), Ok(()));
    }
}
