//! W3C Trace Context, `traceparent` only, version 00 (<https://www.w3.org/TR/trace-context/>). Keeps no state.

use std::fmt;

/// A caller's place in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// Never 0.
    pub trace: u128,
    /// Never 0.
    pub span: u64,
    /// Whether the caller keeps its part.
    pub sampled: bool,
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled);
        write!(f, "00-{:032x}-{:016x}-{flags:02x}", self.trace, self.span)
    }
}

/// Reads a header. `None` for anything that the specification says to ignore: a wrong length, an upper-case digit, an id
/// of zeros, version `ff`. A higher version is read by the rules of this one, if it starts like it.
#[must_use]
pub fn parse(header: &str) -> Option<TraceParent> {
    let header = header.trim();
    let (known, rest) = header.split_at_checked(55)?;
    let mut parts = known.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let lengths = [version, trace, span, flags].map(str::len) == [2, 32, 16, 2] && parts.next().is_none();
    let digits = known.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    let complete = rest.is_empty() || (version != "00" && rest.starts_with('-'));
    if !(lengths && digits && complete) || version == "ff" {
        return None;
    }
    let parent = TraceParent {
        trace: u128::from_str_radix(trace, 16).ok()?,
        span: u64::from_str_radix(span, 16).ok()?,
        sampled: u8::from_str_radix(flags, 16).ok()? & 1 == 1,
    };
    (parent.trace != 0 && parent.span != 0).then_some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn the_specification_s_example_is_read_and_written_back() {
        let parent = parse(GOOD).unwrap();
        assert!(parent.sampled);
        assert_eq!(parent.to_string(), GOOD);
    }

    #[test]
    fn what_the_specification_says_to_ignore_is_ignored() {
        for bad in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01",
            "ü0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_later_version_is_read_by_the_rules_of_this_one() {
        let later = GOOD.replacen("00", "01", 1) + "-more";
        assert!(parse(&later).is_some());
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_read_without_a_panic(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn every_parent_survives_a_round_trip(trace in 1..=u128::MAX, span in 1..=u64::MAX, sampled: bool) {
            let parent = TraceParent { trace, span, sampled };
            prop_assert_eq!(parse(&parent.to_string()), Some(parent));
        }
    }
}
