//! What a session is called where others can read it: in spans. Its id is all that a caller needs to speak in it.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::LazyLock,
};

/// A hash of the session's id by a key that this process has chosen at random: the same in all of its spans, and of no use to
/// whoever reads them. Another process calls the same session otherwise.
#[must_use]
pub fn named(id: &str) -> Box<str> {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    format!("{:016x}", KEY.hash_one(id)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_one_name_that_is_not_its_id() {
        let id = "9f6b0c1e-5a52-4f4e-9d0b-8a4d7a6d3f11";
        assert_eq!(named(id), named(id));
        assert_ne!(named(id), named("another"));
        assert_eq!(named(id).len(), 16);
        assert!(!named(id).contains("9f6b0c1e"));
    }
}
