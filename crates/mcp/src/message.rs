//! A JSON-RPC message as its bytes: whether it can be read, and if not, what is said of it. The same for a body over HTTP and
//! for a line over stdio. What a method means is the SDK's.

use crate::{
    parameters,
    refusal::{INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR},
};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Number, Value, error::Category, value::RawValue};
use std::borrow::Cow;

/// Why a message cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// -32700 for what is no JSON, -32600 for JSON that is no message, -32602 for parameters that are none.
    pub(crate) code: i32,
    /// For whoever wrote it.
    pub(crate) why: String,
    /// The id that it is answered with, as far as it has one.
    pub(crate) id: Value,
}

/// What every message has.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    jsonrpc: Option<Cow<'a, str>>,
    id: Option<Value>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    result: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

/// A message that can be read.
#[derive(Debug)]
pub(crate) struct Readable<'a> {
    /// Whole numbers are written as such: some languages write each 5 as `5.0`, which is the same number in JSON.
    pub(crate) bytes: Cow<'a, [u8]>,
    /// Its id, or null.
    pub(crate) id: Value,
}

/// Reads a message as far as its envelope.
pub(crate) fn read(bytes: &[u8]) -> Result<Readable<'_>, Unreadable> {
    // some runtimes begin every text with a mark
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let bytes = whole_numbers(bytes)?;
    let id = envelope(&bytes)?;
    Ok(Readable { bytes, id })
}

fn envelope(bytes: &[u8]) -> Result<Value, Unreadable> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') && serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
        return Err(invalid("a batch is not taken here: send one message at a time", Value::Null));
    }
    let Envelope { jsonrpc, id, method, params, result, error } =
        serde_json::from_slice(bytes).map_err(|e| told(&e))?;
    let id = id.unwrap_or_default();
    if jsonrpc.as_deref() != Some("2.0") {
        return Err(invalid("`jsonrpc` must be \"2.0\"", answerable(id)));
    }
    if method.is_none() && result.is_none() && error.is_none() {
        return Err(invalid(
            "a message has a `method`, a `result` or an `error`, and this one has none",
            answerable(id),
        ));
    }
    if !(id.is_string() || id.is_i64() || id.is_null()) {
        return Err(invalid("`id` must be a string or a whole number", Value::Null));
    }
    let params = params.map_or("{}", RawValue::get);
    if method.is_some() && !params.starts_with('{') {
        return Err(invalid("`params` must be an object", id));
    }
    // the SDK takes a handshake that it cannot read for a request without a session
    if method.as_deref() == Some("initialize")
        && let Ok(params) = serde_json::from_str(params)
        && let Some(why) = parameters::of_handshake(params)
    {
        return Err(Unreadable { code: INVALID_PARAMS, why, id });
    }
    Ok(id)
}

fn told(error: &serde_json::Error) -> Unreadable {
    let why: String = error.to_string().chars().take(WHY_CHARS_MAX).filter(|it| !it.is_control()).collect();
    match error.classify() {
        Category::Data => invalid(&format!("it is no JSON-RPC message: {why}"), Value::Null),
        _ => Unreadable { code: PARSE_ERROR, why: format!("it is no JSON: {why}"), id: Value::Null },
    }
}

fn invalid(why: &str, id: Value) -> Unreadable {
    Unreadable { code: INVALID_REQUEST, why: why.to_owned(), id }
}

/// An id that may stand in a reply.
fn answerable(id: Value) -> Value {
    if id.is_string() || id.is_i64() { id } else { Value::Null }
}

/// As much of an explanation as is worth reading; it may hold a client's own words.
const WHY_CHARS_MAX: usize = 300;

fn whole_numbers(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Unreadable> {
    let mut message: Value = serde_json::from_slice(bytes).map_err(|error| told(&error))?;
    let mut changed = false;
    rewrite(&mut message, &mut changed);
    if !changed {
        return Ok(Cow::Borrowed(bytes));
    }
    Ok(serde_json::to_vec(&message).map_or(Cow::Borrowed(bytes), Cow::Owned))
}

fn rewrite(value: &mut Value, changed: &mut bool) {
    match value {
        Value::Number(number) => {
            if let Some(whole) = whole(number) {
                (*value, *changed) = (whole.into(), true);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| rewrite(value, changed)),
        Value::Object(object) => object.values_mut().for_each(|value| rewrite(value, changed)),
        _ => {}
    }
}

/// The whole number that a number is, though it is written with a point or an exponent.
#[allow(clippy::cast_possible_truncation)] // within the range where each whole number is exact
fn whole(number: &Number) -> Option<i64> {
    let written = number.as_f64().filter(|_| number.is_f64())?;
    (written.fract() == 0.0 && written.abs() <= EXACT).then_some(written as i64)
}

/// Up to here a number with a point is read as it is written, to the last digit.
const EXACT: f64 = 1e14;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn code(text: &str) -> i32 {
        read(text.as_bytes()).unwrap_err().code
    }

    #[test]
    fn what_is_no_json_and_what_is_no_message_are_told_apart() {
        for text in [
            "",
            "not json",
            r#"{"jsonrpc":"2.0","id":1,"#,
            "{\"method\":\"p\u{0}\"}",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"} x"#,
        ] {
            assert_eq!(code(text), PARSE_ERROR, "{text:?}");
        }
        assert_eq!(read(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\xe9\"}").unwrap_err().code, PARSE_ERROR);
        for text in [
            "[]",
            "null",
            "7",
            r#""x""#,
            "{}",
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
        ] {
            assert_eq!(code(text), INVALID_REQUEST, "{text}");
        }
    }

    #[test]
    fn text_that_is_none_and_numbers_without_an_end_are_no_json() {
        let said = |bytes: &[u8]| {
            let refused = read(bytes).unwrap_err();
            (refused.code, refused.why)
        };
        for text in [r#""a \ud83d""#, "1e400"] {
            let message = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"q":{text}}}}}"#);
            let (code, why) = said(message.as_bytes());
            assert_eq!((code, why.contains("line 1")), (PARSE_ERROR, true), "{why}");
        }
        let (code, why) = said(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"q\":\"\xe9\"}}");
        assert_eq!((code, why.contains("unicode")), (PARSE_ERROR, true), "{why}");
        assert!(
            read("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"q\":\"\\ud83d\\ude00\"}}".as_bytes())
                .is_ok()
        );
    }

    #[test]
    fn parameters_are_an_object_and_those_of_a_handshake_are_its_own() {
        let wrong = |method: &str, params: &str| {
            let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
            read(text.as_bytes()).map(|_| ()).map_err(|refused| (refused.code, refused.id, refused.why))
        };
        for params in ["[]", "\"x\"", "7"] {
            let (code, id, why) = wrong("ping", params).unwrap_err();
            assert_eq!((code, id, why.contains("an object")), (INVALID_REQUEST, json!(1), true), "{why}");
        }
        let lacking = r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"a"}}"#;
        let (code, _, why) = wrong("initialize", lacking).unwrap_err();
        assert_eq!((code, why.contains("clientInfo") && why.contains("version")), (INVALID_PARAMS, true), "{why}");
        let whole = r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"a","version":"1"}}"#;
        assert_eq!(wrong("initialize", whole), Ok(()));
    }

    #[test]
    fn a_message_without_a_method_is_answered_with_its_id() {
        assert_eq!(read(br#"{"jsonrpc":"2.0","id":7}"#).unwrap_err().id, json!(7));
        assert_eq!(read(br#"{"jsonrpc":"2.0","id":"a","params":{}}"#).unwrap_err().id, json!("a"));
    }

    #[test]
    fn requests_notifications_and_replies_are_read() {
        for (text, id) in [
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, json!(1)),
            (r#" {"id":"x","method":"ping","jsonrpc":"2.0","params":{}}"#, json!("x")),
            (r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, json!(null)),
            (r#"{"jsonrpc":"2.0","id":3,"result":{}}"#, json!(3)),
            (r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}}"#, json!(null)),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap().id, id, "{text}");
        }
    }

    #[test]
    fn whole_numbers_are_written_as_such_and_nothing_else_is_changed() {
        let text = r#"{"jsonrpc":"2.0","id":2.0,"method":"m","params":{"a":5.0,"b":[5e0,-0.0,5.5,1e300],"c":"5.0 e"}}"#;
        let read = read(text.as_bytes()).unwrap();
        assert_eq!(read.id, json!(2));
        let message: Value = serde_json::from_slice(&read.bytes).unwrap();
        assert_eq!(message["params"].to_string(), r#"{"a":5,"b":[5,0,5.5,1e+300],"c":"5.0 e"}"#);
        let plain = br#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"q":"version 1.0"}}"#;
        assert!(matches!(super::read(plain).unwrap().bytes, Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }

        #[test]
        fn a_whole_number_keeps_its_value_however_it_is_written(number in -100_000_000_000_000_i64..=100_000_000_000_000) {
            #[allow(clippy::cast_precision_loss)] // all of these are exact
            let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"n":{:?}}}}}"#, number as f64);
            let message: Value = serde_json::from_slice(&read(text.as_bytes()).unwrap().bytes).unwrap();
            prop_assert_eq!(message["params"]["n"].as_i64(), Some(number));
        }
    }
}
