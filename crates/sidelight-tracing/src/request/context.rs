//! What the current code is part of: made current on each poll of a future, so that it survives `.await` and moves
//! between threads with its task. Swapping needs no reference counting.

use super::{
    arena::{Arena, Subject, Value},
    lifecycle::{self, Arrival, outbound},
    propagation::headers,
    shared::Shared,
};
use opentelemetry::{
    ContextGuard, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt, TraceState},
};
use opentelemetry_sdk::trace::SpanData;
use pin_project_lite::pin_project;
use quanta::Instant;
use std::{
    cell::RefCell,
    fmt, mem,
    pin::Pin,
    task::{Context as Poller, Poll},
    time::Duration,
};

thread_local! {
    static CURRENT: RefCell<Context> = const { RefCell::new(Context::NONE) };
}

/// A request, and the place in it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Context {
    request: Option<Shared<Arena>>,
    span: u64,
    /// The record of the operation that this is in, if it has one.
    place: Option<usize>,
    is_sampled: bool,
}

impl Context {
    const NONE: Self = Self { request: None, span: 0, place: None, is_sampled: false };

    /// Begins a request: whether it is sampled is decided here.
    #[must_use]
    pub fn begin(arrival: &Arrival<'_>) -> Self {
        let (request, span, is_sampled) = lifecycle::begin(arrival);
        Self { request: Some(request), span, place: None, is_sampled }
    }

    /// The context that is current on this thread.
    #[must_use]
    pub fn current() -> Self {
        borrowed(Clone::clone).unwrap_or_default()
    }

    /// Makes this context current whenever the future is polled.
    pub fn scope<F: Future>(self, future: F) -> Within<F> {
        Within { future, node: Node { context: self } }
    }

    /// Makes this context current while the function runs.
    pub fn run<R>(self, function: impl FnOnce() -> R) -> R {
        let mut node = Node { context: self };
        let _current = node.enter();
        function()
    }

    /// Headers for a call that leaves this process: what the propagators say, where there is a span to name, and the
    /// correlation id under this name. None outside a request.
    #[must_use]
    pub fn headers(&self, correlation: &'static str) -> Vec<(&'static str, String)> {
        let Some(request) = &self.request else { return Vec::new() };
        let arena = request.value();
        let (parent, state) = outbound(&arena, self.span);
        let mut headers = if self.span == 0 { Vec::new() } else { headers(&parent, &state) };
        if !arena.correlation_id.is_empty() {
            headers.push((correlation, arena.correlation_id.clone()));
        }
        headers
    }

    /// A comment for a statement of a sampled request, as sqlcommenter writes it
    /// (<https://google.github.io/sqlcommenter/spec/>): keys in order, values quoted; ids need no escape.
    #[must_use]
    pub fn sql_comment(&self) -> Option<String> {
        let request = self.request.as_ref().filter(|_| self.is_sampled && self.span != 0)?;
        let arena = request.value();
        let (parent, _) = outbound(&arena, self.span);
        let id = &arena.correlation_id;
        let id = if id.is_empty() { String::new() } else { format!("correlation_id='{id}',") };
        Some(format!("/*{id}traceparent='{parent}'*/"))
    }

    /// Something else to know about the operation that the current code is in; bounded, and long words are cut.
    pub fn note(key: &'static str, value: Value<'_>) {
        borrowed(|context| {
            if let (Some(request), Some(place)) = (&context.request, context.place) {
                request.value().note(place, key, value);
            }
        });
    }

    /// Whether the current code is in an operation of a sampled request: one look at the thread.
    pub(crate) fn takes_spans() -> bool {
        borrowed(Self::has_bridge).unwrap_or(false)
    }

    /// Outside any operation there is nothing that a foreign span could hang below.
    fn has_bridge(&self) -> bool {
        self.is_sampled && self.place.is_some()
    }

    /// Lends the current request, if there is one, and the span in it.
    pub(crate) fn with_request(use_them: impl FnOnce(&mut Arena, u64)) {
        borrowed(|context| {
            if let Some(request) = &context.request {
                use_them(&mut request.value(), context.span);
            }
        });
    }

    /// What foreign spans take as their parent.
    fn bridge(&self) -> Option<opentelemetry::Context> {
        let request = self.request.as_ref().filter(|_| self.has_bridge())?;
        let trace = TraceId::from_bytes(request.value().trace.to_be_bytes());
        let span = SpanId::from_bytes(self.span.to_be_bytes());
        let context = SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE);
        Some(opentelemetry::Context::new().with_remote_span_context(context))
    }

    /// Gives a finished foreign span to the current request, or back, if it belongs to none that is current.
    pub(crate) fn gather(span: SpanData) -> Option<SpanData> {
        let mut span = Some(span);
        Self::with_request(|arena, _| {
            let trace = TraceId::from_bytes(arena.trace.to_be_bytes());
            if let Some(span) = span.take_if(|span| span.span_context.trace_id() == trace) {
                arena.gather(span);
            }
        });
        span
    }
}

/// Lends the current context. A thread that ends has none any more, and may still record and log.
fn borrowed<R>(use_it: impl FnOnce(&Context) -> R) -> Option<R> {
    CURRENT.try_with(|current| current.try_borrow().ok().map(|context| use_it(&context))).ok().flatten()
}

/// Puts a context into the current one's place, and that into its own.
fn swap(context: &mut Context) {
    let _ = CURRENT.try_with(|current| mem::swap(&mut *current.borrow_mut(), context));
}

/// The span that OpenTelemetry's own context names, when it belongs to this trace: a foreign span that was entered
/// inside our current operation.
fn foreign(trace: u128) -> Option<u64> {
    opentelemetry::Context::map_current(|context| {
        let context = context.span().span_context().clone();
        let ours = context.trace_id() == TraceId::from_bytes(trace.to_be_bytes());
        ours.then(|| u64::from_be_bytes(context.span_id().to_bytes()))
    })
}

/// A context that belongs to a future.
#[derive(Debug)]
pub struct Node {
    context: Context,
}

impl Node {
    /// Outside any request.
    pub const NONE: Self = Self { context: Context::NONE };

    /// An operation begins, below what is current.
    #[must_use]
    pub fn begin(subject: &'static dyn Subject, labels: u32, started: Instant) -> Self {
        let begun = borrowed(|current| {
            let Some(request) = &current.request else { return Self::NONE };
            let mut arena = request.value();
            let parent = if current.is_sampled { foreign(arena.trace) } else { None }.unwrap_or(current.span);
            let place = arena.begin(subject, labels, parent, started);
            let span = place.map_or(parent, |place| arena.span(place)); // without a record it stands in for its parent
            Self { context: Context { request: Some(arena.hold()), span, place, is_sampled: current.is_sampled } }
        });
        begun.unwrap_or(Self::NONE)
    }

    /// Makes this context current until the guard is dropped.
    pub fn enter(&mut self) -> Entered<'_> {
        let bridge = self.context.bridge().map(opentelemetry::Context::attach);
        swap(&mut self.context);
        Entered { home: &mut self.context, _bridge: bridge }
    }

    /// The operation ended.
    pub fn end(self, outcome: usize, duration: Duration, notes: &[(&'static str, Value<'_>)]) {
        let Context { request: Some(request), place: Some(place), .. } = self.context else { return };
        request.end(|arena| {
            for (key, value) in notes {
                arena.note(place, key, *value);
            }
            arena.end(place, outcome, duration);
        });
    }
}

/// While it lives, a context is current on this thread.
pub struct Entered<'a> {
    home: &'a mut Context,
    _bridge: Option<ContextGuard>,
}

impl fmt::Debug for Entered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entered")
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        swap(self.home);
    }
}

pin_project! {
    /// A future with a context.
    #[derive(Debug)]
    pub struct Within<F> { #[pin] future: F, node: Node }
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;
    #[inline]
    fn poll(self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _current = this.node.enter();
        this.future.poll(poller)
    }
}

#[cfg(test)]
#[path = "context_test.rs"]
mod tests;
