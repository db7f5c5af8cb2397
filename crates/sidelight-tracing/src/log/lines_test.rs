//! What a line looks like, and that nothing can break it.

use super::*;
use crate::{
    log::{
        form::LINE_BYTES_MAX,
        gate::{self, Gate},
    },
    request::{Arrival, Carrier, time_text},
};
use proptest::prelude::*;
use serde_json::Value;
use std::{
    io,
    sync::{Arc, Mutex},
    time::{Duration, UNIX_EPOCH},
};
use tracing_subscriber::layer::SubscriberExt as _;

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is written while `act` runs.
fn written(form: Form, act: impl FnOnce()) -> String {
    let kept = Kept::default();
    let writer = Writer::start(Box::new(kept.clone()), Box::new(|_| Vec::new())).unwrap();
    gate::set("info".parse().unwrap());
    let stack = tracing_subscriber::registry().with(Gate).with(LineLayer::new(writer.clone(), form));
    tracing::subscriber::with_default(stack, act);
    writer.flush(Duration::from_secs(5));
    let bytes = kept.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn json_of(act: impl FnOnce()) -> Value {
    let text = written(Form::json("docs", "1.2.3", "test"), act);
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[test]
fn a_line_is_one_flat_object_with_the_fields_of_the_contract() {
    let line = json_of(|| tracing::info!(rows = 3, source = "book", ok = true, "searched"));
    for (key, value) in [
        ("level", "INFO".into()),
        ("message", "searched".into()),
        ("service_name", "docs".into()),
        ("version", "1.2.3".into()),
        ("environment", "test".into()),
        ("rows", Value::from(3)),
        ("source", "book".into()),
        ("ok", true.into()),
    ] {
        assert_eq!(line[key], value, "{key}");
    }
    assert_eq!(line["timestamp"].as_str().map(str::len), Some("2026-11-23T12:00:00.000000Z".len()));
    assert_eq!(line.get("trace_id"), None, "outside a request there is none");
}

#[test]
fn inside_a_request_every_line_carries_its_ids() {
    let traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
    let carriers = [Carrier { traceparent, ..Carrier::default() }, Carrier::default()];
    let context = Context::begin(&Arrival { carriers, correlation_id: Some("order-7"), lasting: false });
    let line = json_of(|| context.run(|| tracing::info!("within")));
    assert_eq!(line["correlation_id"], "order-7");
    assert_eq!(line["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(line["span_id"], "b7ad6b7169203331");
}

#[test]
fn a_field_cannot_take_the_place_of_one_of_ours() {
    let line = json_of(|| tracing::info!(level = "forged", trace_id = "forged", "true"));
    assert_eq!((&line["level"], &line["level_"]), (&"INFO".into(), &"forged".into()));
    assert_eq!((line.get("trace_id"), &line["trace_id_"]), (None, &"forged".into()));
}

#[test]
fn no_key_stands_in_a_line_twice() {
    let text = written(Form::json("s", "v", "e"), || {
        tracing::info!(level = 1, level_ = 2, truncated = 3, r#type = 4, correlation_id = "x", "twice");
    });
    for key in ["level", "level_", "level__", "truncated_", "type", "correlation_id_"] {
        assert_eq!(text.matches(&format!("\"{key}\":")).count(), 1, "{key} in {text}");
    }
}

#[test]
fn no_two_fields_are_shown_by_one_key_however_they_are_written() {
    let text = written(Form::json("s", "v", "e"), || {
        tracing::info!(type = 1, r#type = 2, a = 3, a = 4, a_3 = 5, "same");
        tracing::info!({ LONG_ONE } = 1, { LONG_OTHER } = 2, "cut alike");
    });
    for line in text.lines() {
        let keys = line.matches("\":").count();
        let read: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
        assert_eq!(read.len(), keys, "{line}");
    }
    assert_eq!(text.lines().count(), 2);
}
const LONG_ONE: &str = "a_key_that_is_so_long_that_a_line_shows_only_sixty_four_bytes_of_it_one";
const LONG_OTHER: &str = "a_key_that_is_so_long_that_a_line_shows_only_sixty_four_bytes_of_it_other";

#[test]
fn secrets_are_masked_by_their_keys() {
    for form in [Form::json("s", "v", "e"), Form::Text] {
        let line = written(
            form,
            || tracing::info!(password = "hunter2", api_key = ?"hunter2", token = 123_456_789_012_u64, "seen"),
        );
        assert!(
            !line.contains("hunter2") && !line.contains("123456789012") && line.matches("***").count() == 3,
            "{line}"
        );
    }
}

#[test]
fn the_writer_s_own_line_is_like_any_other() {
    let line: Value = serde_json::from_slice(&Form::json("docs", "1", "test").dropped(7)).unwrap();
    assert_eq!((&line["lines"], &line["service_name"], &line["level"]), (&7.into(), &"docs".into(), &"WARN".into()));
    assert!(Form::Text.dropped(7).ends_with(b"\n"));
}

#[test]
fn what_the_filter_does_not_want_is_not_written() {
    assert_eq!(written(Form::Text, || tracing::debug!("unseen")), "");
}

#[test]
fn a_line_for_a_person_has_time_level_words_and_fields() {
    let line = written(Form::Text, || tracing::info!(rows = 3, "searched"));
    assert!(line.ends_with("Z  INFO  searched rows=3\n") || line.ends_with("Z INFO  searched rows=3\n"), "{line}");
}

#[test]
fn a_word_for_a_person_cannot_look_like_another_field() {
    let client = "x outcome=error [c-9]";
    let line = written(Form::Text, || tracing::info!(client = client, tool = "plain", "request"));
    assert!(line.ends_with("request client=\"x outcome=error [c-9]\" tool=plain\n"), "{line}");
}

#[test]
fn a_line_of_nothing_but_escapes_stays_in_its_limit() {
    let controls = "\u{1}".repeat(5_000);
    let it = controls.as_str();
    let line = written(Form::json("s", "v", "e"), || {
        tracing::info!(a = it, b = it, c = it, d = it, e = it, f = it, g = it, h = it, i = it, "{it}");
    });
    assert!(line.len() <= LINE_BYTES_MAX, "{}", line.len());
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["truncated"], true);
}

#[test]
fn a_message_may_be_the_last_field_and_no_word() {
    assert_eq!(json_of(|| tracing::info!(rows = 3, message = 7))["message"], "7");
    let two = json_of(|| tracing::info!(message = "field", "text"));
    assert_eq!((&two["message"], &two["message_1"]), (&"text".into(), &"field".into()));
}

#[test]
fn a_known_moment_is_written_as_rfc_3339() {
    let moment = UNIX_EPOCH + Duration::from_micros(1_709_210_096_000_007);
    assert_eq!(time_text(moment), "2024-02-29T12:34:56.000007Z");
}

proptest! {
    #[test]
    fn digits_are_those_of_the_formatter(number in any::<u64>()) {
        prop_assert_eq!(digits(number).to_vec(), format!("{number:016x}").into_bytes());
    }

    #[test]
    fn any_value_stays_in_its_line_and_the_line_in_its_limit(message in any::<String>(), value in "\\PC{0,5000}|[\\x00-\\x20\u{202e}]{0,3000}") {
        let text = written(Form::json("s", "v", "e"), || tracing::info!(value = value.as_str(), other = message.as_str(), "{message}"));
        prop_assert_eq!(text.lines().count(), 1);
        prop_assert!(text.len() <= LINE_BYTES_MAX, "{}", text.len());
        let line: Value = serde_json::from_str(&text).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
        prop_assert!(line.get("value").is_some() || line.get("truncated").is_some());
    }
}
