//! The values of single settings: each reader takes a text, and its refusal names the variable and what is allowed.

use crate::admission::{AllowedHost, AllowedOrigin};
use sidelight::{LogFormat, Profiling};
use std::net::{SocketAddr, ToSocketAddrs as _};

/// `HOST:PORT`; a name is looked up.
fn address(name: &str, text: &str) -> Result<SocketAddr, String> {
    let found = text.to_socket_addrs().ok().and_then(|mut found| found.next());
    found.ok_or_else(|| format!("{name} takes HOST:PORT, for example 127.0.0.1:3000"))
}

pub(crate) fn mcp_address(text: &str) -> Result<SocketAddr, String> {
    address("MCP_ADDR", text)
}

/// `off`, or an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdminAddress {
    Off,
    At(SocketAddr),
}

pub(crate) fn admin_address(text: &str) -> Result<AdminAddress, String> {
    match text {
        "off" => Ok(AdminAddress::Off),
        text => address("ADMIN_ADDR", text).map(AdminAddress::At).map_err(|why| format!("{why}, or off")),
    }
}

pub(crate) fn sample_rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
    rate.ok_or_else(|| "OTEL_TRACE_SAMPLE_RATE takes a number from 0 to 1".to_owned())
}

pub(crate) fn profiling(text: &str) -> Result<Profiling, String> {
    match text {
        "true" => Ok(Profiling::CpuAndHeap),
        "cpu" => Ok(Profiling::Cpu),
        "false" => Ok(Profiling::Off),
        _ => Err("ENABLE_PROFILING takes true (CPU and heap), cpu or false".to_owned()),
    }
}

pub(crate) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err("LOG_FORMAT takes json or text".to_owned()),
    }
}

/// A token that a header can carry.
pub(crate) fn token(text: &str) -> Result<String, String> {
    let token = text.trim();
    let fits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| token.to_owned()).ok_or_else(|| "a token is one word of visible ASCII characters".to_owned())
}

pub(crate) fn folder(text: &str) -> Result<std::path::PathBuf, String> {
    let path = std::path::PathBuf::from(text);
    let fits = std::fs::read_dir(&path);
    fits.map(|_| path).map_err(|cause| format!("DOCS_PATH takes a folder that can be read ({cause})"))
}

/// The text may hold a password wherever it is malformed, so the refusal repeats nothing of it but a scheme.
pub(crate) fn location(text: &str) -> Result<documents::Location, String> {
    let scheme = text.split(':').next().filter(|scheme| SCHEMES.contains(scheme));
    let known = scheme.map_or_else(|| "…".to_owned(), |it| format!("{it}…"));
    text.trim().parse().map_err(|why| format!("DATABASE_URL={known}: {why}"))
}

/// Words that are no password: databases that people know.
const SCHEMES: [&str; 7] = ["file", "mariadb", "mongodb", "mysql", "postgres", "postgresql", "sqlite"];

pub(crate) fn host(text: &str) -> Result<AllowedHost, String> {
    text.parse().map_err(|why| format!("MCP_ALLOWED_HOSTS: {why}"))
}

pub(crate) fn origin(text: &str) -> Result<AllowedOrigin, String> {
    text.parse().map_err(|why| format!("MCP_ALLOWED_ORIGINS: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_numbers_or_names_with_a_port() {
        assert_eq!(mcp_address("127.0.0.1:0").unwrap().port(), 0);
        assert!(mcp_address("localhost:3000").unwrap().ip().is_loopback());
        for text in ["nowhere", "", "127.0.0.1", "127.0.0.1:99999"] {
            assert!(mcp_address(text).unwrap_err().starts_with("MCP_ADDR takes HOST:PORT"), "{text}");
        }
        assert_eq!(admin_address("off"), Ok(AdminAddress::Off));
        assert!(admin_address("on").unwrap_err().ends_with("or off"));
    }

    #[test]
    fn a_rate_is_a_number_from_nought_to_one() {
        for (text, rate) in [("0", 0.0), ("1", 1.0), ("0.25", 0.25), ("1e-2", 0.01)] {
            assert!((sample_rate(text).unwrap() - rate).abs() < f64::EPSILON, "{text}");
        }
        for text in ["plenty", "-0.1", "1.1", "NaN", "inf", ""] {
            assert!(sample_rate(text).unwrap_err().contains("from 0 to 1"), "{text}");
        }
    }

    #[test]
    fn words_are_taken_as_they_are_written() {
        assert_eq!(profiling("cpu"), Ok(Profiling::Cpu));
        assert!(profiling("TRUE").unwrap_err().contains("cpu"));
        assert_eq!(log_format("text"), Ok(LogFormat::Text));
        assert!(log_format("xml").unwrap_err().contains("json"));
    }

    #[test]
    fn a_token_is_trimmed_and_one_word() {
        assert_eq!(token("s3cret\n").unwrap(), "s3cret");
        for text in ["", " \n", "two words", "é"] {
            assert!(token(text).is_err(), "{text:?}");
        }
    }
}
