//! What is read from a caller and written to a callee, and what is ignored.

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

const JAEGER: Propagators = Propagators { tracecontext: true, jaeger: true };

#[test]
fn jaeger_s_header_is_read_with_and_without_leading_zeros() {
    for text in ["7af7651916cd43dd:b7ad6b7169203331:0:1", "00000000000000007af7651916cd43dd:b7ad6b7169203331:0:3"] {
        let parent = parse_jaeger(text).unwrap();
        assert_eq!((parent.trace, parent.span), (0x7af7_6519_16cd_43dd, 0xb7ad_6b71_6920_3331));
        assert!(parent.sampled);
    }
    assert!(!parse_jaeger("1:2:0:0").unwrap().sampled);
    assert_eq!(parse_jaeger("1%3A2%3A0%3A1").map(|it| it.span), Some(2), "some clients encode it");
}

#[test]
fn what_is_no_jaeger_header_is_ignored() {
    for bad in ["", "1:2:3", "0:2:0:1", "1:0:0:1", "1:2:0:x", "1:2:0:1:9", "g:2:0:1", "+1:2:0:1", &"1:".repeat(9)] {
        assert_eq!(parse_jaeger(bad), None, "{bad}");
    }
    let long = format!("{}:2:0:1", "1".repeat(33));
    assert_eq!(parse_jaeger(&long), None);
}

#[test]
fn jaeger_s_header_counts_only_where_it_is_asked_for_and_after_w3c() {
    let both = Carrier { traceparent: Some(GOOD), uber_trace_id: Some("1:2:0:1"), ..Carrier::default() };
    assert_eq!(both.read(JAEGER).map(|it| it.0), parse(GOOD));
    let old = Carrier { traceparent: None, ..both };
    assert!(both.has_context() && !old.has_context(), "by itself it does not count");
    assert!(!Carrier { traceparent: Some("x"), ..old }.has_context());
    assert_eq!(old.read(JAEGER).map(|it| it.0.span), Some(2));
    assert_eq!(old.read(Propagators::default()), None);
}

#[test]
fn a_tracestate_goes_on_as_it_is_or_not_at_all() {
    let with = |state| Carrier { traceparent: Some(GOOD), tracestate: Some(state), ..Carrier::default() };
    assert_eq!(with("a=1,b=2").read(JAEGER).map(|it| it.1), Some("a=1,b=2"));
    let long = "x".repeat(TRACESTATE_BYTES_MAX + 1);
    let (most, many) = (["a=1"; TRACESTATE_MEMBERS_MAX].join(","), ["a=1"; TRACESTATE_MEMBERS_MAX + 1].join(","));
    assert_eq!(with(&most).read(JAEGER).map(|it| it.1), Some(most.as_str()));
    for bad in ["a=1\r\nforged: 1", &long, &many, "ü=1"] {
        assert_eq!(with(bad).read(JAEGER).map(|it| it.1), Some(""), "{bad}");
    }
    let alone = Carrier { tracestate: Some("a=1"), ..Carrier::default() };
    assert_eq!(alone.read(JAEGER), None, "a state without a parent says nothing");
}

#[test]
fn the_first_context_is_the_parent_and_another_one_is_linked() {
    let of = |header| Carrier { traceparent: Some(header), ..Carrier::default() };
    let other = GOOD.replace("0af7", "1af7");
    let (found, link) = parent(&[of(GOOD), of(&other)]);
    assert_eq!((found.map(|it| it.0), link), (parse(GOOD), parse(&other)));
    let (found, link) = parent(&[of("nonsense"), of(&other)]);
    assert_eq!((found.map(|it| it.0), link), (parse(&other), None));
    assert_eq!(parent(&[of(GOOD), of(GOOD)]).1, None, "the same context is no link");
}

#[test]
fn what_is_written_is_read_back() {
    let parent = parse(GOOD).unwrap();
    for (name, value) in headers(&parent, &TraceState("a=1".to_owned())) {
        match name {
            "traceparent" => assert_eq!(parse(&value), Some(parent)),
            _ => assert_eq!((name, value.as_str()), ("tracestate", "a=1")),
        }
    }
    proptest!(|(text in any::<String>())| {
        let _ = parse_jaeger(&text);
    });
}
