//! The caller's context in an HTTP request's headers.

use http::{HeaderMap, HeaderValue};
use sidelight::tracing::Carrier;

/// What the headers say of a caller; it outlives them.
#[derive(Debug, Default)]
pub(crate) struct Caller {
    traceparent: Option<HeaderValue>,
    tracestate: String,
    uber_trace_id: Option<HeaderValue>,
}

impl Caller {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let (traceparent, uber_trace_id) = (only(headers, "traceparent"), only(headers, "uber-trace-id"));
        Self { traceparent, tracestate: state(headers), uber_trace_id }
    }

    pub(crate) fn carrier(&self) -> Carrier<'_> {
        Carrier {
            traceparent: self.traceparent.as_ref().and_then(|value| value.to_str().ok()),
            tracestate: Some(&self.tracestate),
            uber_trace_id: self.uber_trace_id.as_ref().and_then(|value| value.to_str().ok()),
        }
    }
}

/// A caller is named once or not at all.
fn only(headers: &HeaderMap, name: &str) -> Option<HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    lines.next().filter(|_| lines.next().is_none()).cloned()
}

/// It may stand in several lines, which are read as one (<https://www.w3.org/TR/trace-context/#tracestate-header>).
fn state(headers: &HeaderMap) -> String {
    let lines: Vec<&str> = headers.get_all("tracestate").iter().filter_map(|line| line.to_str().ok()).collect();
    lines.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(lines: &[(&'static str, &'static str)]) -> Caller {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        Caller::of(&headers)
    }

    #[test]
    fn several_lines_of_tracestate_are_one() {
        let sent = caller(&[("tracestate", "a=1"), ("traceparent", "x"), ("tracestate", "b=2,c=3")]);
        assert_eq!(sent.carrier().tracestate, Some("a=1,b=2,c=3"));
        assert_eq!(caller(&[]).carrier().tracestate, Some(""));
    }

    #[test]
    fn two_callers_are_none() {
        assert_eq!(caller(&[("traceparent", "x")]).carrier().traceparent, Some("x"));
        assert_eq!(caller(&[("traceparent", "x"), ("traceparent", "y")]).carrier().traceparent, None);
    }
}
