//! How a trace goes from one process to the next: W3C Trace Context, version 00 (<https://www.w3.org/TR/trace-context/>),
//! and, where `OTEL_PROPAGATORS` names it, Jaeger's own header
//! (<https://www.jaegertracing.io/docs/1.76/sdk-migration/#propagation-format>).

use std::{
    fmt,
    sync::atomic::{AtomicU8, Ordering::Relaxed},
};

/// Where a caller's context may stand; what is not one is ignored.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carrier<'a> {
    /// W3C `traceparent`.
    pub traceparent: Option<&'a str>,
    /// W3C `tracestate`: handed on as it is, if there is a `traceparent` and it has at most 512 bytes and 32 members.
    pub tracestate: Option<&'a str>,
    /// Jaeger's `uber-trace-id`, read where that propagator is on and there is no `traceparent`.
    pub uber_trace_id: Option<&'a str>,
}

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

/// What other vendors say of the trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TraceState(pub(crate) String);

/// Which forms are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Propagators {
    /// `traceparent` and `tracestate`.
    pub tracecontext: bool,
    /// `uber-trace-id`.
    pub jaeger: bool,
}

impl Default for Propagators {
    fn default() -> Self {
        Self { tracecontext: true, jaeger: false }
    }
}

/// Bit 0: W3C; bit 1: Jaeger. Set once at the start, and nothing else is read by it: `Relaxed`.
static PROPAGATORS: AtomicU8 = AtomicU8::new(1);

pub(crate) fn set(propagators: Propagators) {
    PROPAGATORS.store(u8::from(propagators.tracecontext) | (u8::from(propagators.jaeger) << 1), Relaxed);
}

fn propagators() -> Propagators {
    let bits = PROPAGATORS.load(Relaxed);
    Propagators { tracecontext: bits & 1 != 0, jaeger: bits & 2 != 0 }
}

/// A longer `tracestate` is dropped, as the specification allows, and one of more members, as it asks.
const TRACESTATE_BYTES_MAX: usize = 512;
const TRACESTATE_MEMBERS_MAX: usize = 32;

/// A caller, and its `tracestate`.
type Found<'a> = (TraceParent, &'a str);

/// The first carrier's context is the parent; that of the other one, if it is another, is linked.
pub(crate) fn parent<'a>(carriers: &[Carrier<'a>; 2]) -> (Option<Found<'a>>, Option<TraceParent>) {
    let with = propagators();
    let [first, second] = carriers.each_ref().map(|carrier| carrier.read(with));
    match (first, second) {
        (Some(parent), Some((other, _))) if parent.0 != other => (Some(parent), Some(other)),
        (parent, other) => (parent.or(other), None),
    }
}

impl<'a> Carrier<'a> {
    /// Whether a caller's context stands in it.
    #[must_use]
    pub fn has_context(&self) -> bool {
        self.read(propagators()).is_some()
    }

    fn read(&self, with: Propagators) -> Option<Found<'a>> {
        let w3c = || self.traceparent.filter(|_| with.tracecontext).and_then(parse);
        let jaeger = || self.uber_trace_id.filter(|_| with.jaeger).and_then(parse_jaeger);
        let Some(parent) = w3c() else { return jaeger().map(|parent| (parent, "")) };
        let state = self.tracestate.map(str::trim).filter(|state| is_state(state));
        Some((parent, state.unwrap_or_default()))
    }
}

/// Nothing that could not stand in a header again.
fn is_state(state: &str) -> bool {
    let members = state.split(',').filter(|member| !member.trim().is_empty()).count();
    let is_small = state.len() <= TRACESTATE_BYTES_MAX && members <= TRACESTATE_MEMBERS_MAX;
    is_small && state.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'))
}

/// Header names and values for a call that leaves this process.
pub(crate) fn headers(parent: &TraceParent, state: &TraceState) -> Vec<(&'static str, String)> {
    let with = propagators();
    let mut headers = Vec::with_capacity(4);
    if with.tracecontext {
        headers.push(("traceparent", parent.to_string()));
        if !state.0.is_empty() {
            headers.push(("tracestate", state.0.clone()));
        }
    }
    if with.jaeger {
        let TraceParent { trace, span, sampled } = *parent;
        headers.push(("uber-trace-id", format!("{trace:032x}:{span:016x}:0:{:x}", u8::from(sampled))));
    }
    headers
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

/// Reads `{trace}:{span}:{parent}:{flags}`: ids of up to 32 and 16 digits, without their leading zeros or with them; the
/// parent is deprecated and not looked at; bit 0 of the flags says sampled. A header may be percent-encoded.
fn parse_jaeger(header: &str) -> Option<TraceParent> {
    let header = header.trim().replace("%3A", ":").replace("%3a", ":");
    let parts: Vec<&str> = header.split(':').collect();
    let [trace, span, _, flags] = parts[..] else { return None };
    let number = |text: &str, digits: usize| {
        let fits = (1..=digits).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_hexdigit());
        fits.then(|| u128::from_str_radix(text, 16).ok()).flatten()
    };
    let parent = TraceParent {
        trace: number(trace, 32)?,
        span: u64::try_from(number(span, 16)?).ok()?,
        sampled: number(flags, 2)? & 1 == 1,
    };
    (parent.trace != 0 && parent.span != 0).then_some(parent)
}

#[cfg(test)]
#[path = "propagation_test.rs"]
mod tests;
