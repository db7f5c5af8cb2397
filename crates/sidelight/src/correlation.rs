//! The id that follows a request from the client to the database and back. Part of every build: it is in
//! replies, and a reply must not depend on what is observed.

use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::BuildHasher,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// The header that carries it.
pub const HEADER: &str = "x-correlation-id";
/// The key in an MCP message's `_meta` that carries it.
pub const META: &str = "sidelight/correlationId";
/// Longer ids are replaced.
const BYTES_MAX: usize = 64;

/// 1 to 64 characters of `[A-Za-z0-9._-]`: safe in a header, a log line, an SQL comment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CorrelationId(Box<str>);

impl CorrelationId {
    /// Takes a client's id if it is well formed.
    #[must_use]
    pub fn accept(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let fits = (1..=BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed);
        fits.then(|| Self(text.into()))
    }

    /// Makes a new one: 32 hexadecimal digits, unique in this process and, but for chance, elsewhere.
    #[must_use]
    pub fn generate() -> Self {
        static KEYS: OnceLock<[RandomState; 2]> = OnceLock::new();
        // numbers that differ, in whatever order: `Relaxed`
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let keys = KEYS.get_or_init(|| [RandomState::new(), RandomState::new()]);
        let count = NEXT.fetch_add(1, Relaxed);
        let [high, low] = keys.each_ref().map(|key| key.hash_one(count));
        Self(format!("{high:016x}{low:016x}").into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_safe_characters_is_kept() {
        let id = CorrelationId::accept("Order-7.b_2").unwrap();
        assert_eq!(id.as_str(), "Order-7.b_2");
    }

    #[test]
    fn an_id_that_could_forge_a_line_or_a_header_is_not_taken() {
        for text in ["", "a b", "a\nb", "é", "a\"b", &"x".repeat(65)] {
            assert_eq!(CorrelationId::accept(text), None, "{text:?}");
        }
    }

    #[test]
    fn generated_ids_differ_and_are_themselves_acceptable() {
        let (one, two) = (CorrelationId::generate(), CorrelationId::generate());
        assert_ne!(one, two);
        assert_eq!(CorrelationId::accept(one.as_str()), Some(one));
    }
}
