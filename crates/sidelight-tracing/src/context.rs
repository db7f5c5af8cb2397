//! What the current code is part of: made current on each poll of a future, so that it survives `.await` and moves
//! between threads with its task. Swapping needs no reference counting.

use crate::{
    propagation::TraceParent,
    request::{Arrival, Record, Request, Subject},
};
use opentelemetry::{
    ContextGuard, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt, TraceState},
};
use opentelemetry_sdk::trace::SpanData;
use pin_project_lite::pin_project;
use std::{
    cell::RefCell,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context as Poller, Poll},
    time::{Duration, Instant},
};

thread_local! {
    static CURRENT: RefCell<Context> = const { RefCell::new(Context::NONE) };
}

/// A request, and the place in it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Context {
    request: Option<Arc<Request>>,
    span: u64,
    /// What foreign spans take as their parent; only while the request is sampled.
    bridge: Option<opentelemetry::Context>,
}

impl Context {
    const NONE: Self = Self { request: None, span: 0, bridge: None };

    /// Begins a request: whether it is sampled is decided here.
    #[must_use]
    pub fn begin(arrival: &Arrival<'_>) -> Self {
        let request = Request::begin(arrival);
        Self {
            bridge: request.sampled.then(|| remote(request.trace, request.caller)),
            span: request.caller,
            request: Some(Arc::new(request)),
        }
    }

    /// The context that is current on this thread.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Makes this context current whenever the future is polled.
    pub fn scope<F: Future>(self, future: F) -> Within<F> {
        Within { future, node: Node { context: self, parent: 0 } }
    }

    /// Makes this context current while the function runs.
    pub fn run<R>(self, function: impl FnOnce() -> R) -> R {
        let mut node = Node { context: self, parent: 0 };
        let _current = node.enter();
        function()
    }

    /// The W3C header for a call that leaves this process; `None` outside a request.
    #[must_use]
    pub fn traceparent(&self) -> Option<String> {
        let request = self.request.as_ref()?;
        let parent = TraceParent { trace: request.trace, span: self.span, sampled: request.sampled };
        Some(parent.to_string())
    }

    /// Whether the current request is sampled: one look at the thread.
    pub(crate) fn sampled() -> bool {
        CURRENT.with_borrow(|context| context.bridge.is_some())
    }

    /// Lends the current request's ids: trace, span, correlation id.
    pub(crate) fn with_ids<R>(use_them: impl FnOnce(Option<(u128, u64, Option<&str>)>) -> R) -> R {
        CURRENT.with_borrow(|context| {
            let request = context.request.as_deref();
            use_them(request.map(|it| (it.trace, context.span, it.correlation_id.as_deref())))
        })
    }

    /// Gives a finished foreign span to the current request, or back, if it belongs to none that is current.
    pub(crate) fn gather(span: SpanData) -> Option<SpanData> {
        CURRENT.with_borrow(|context| match &context.request {
            Some(request) if span.span_context.trace_id() == TraceId::from_bytes(request.trace.to_be_bytes()) => {
                request.gather(span);
                None
            }
            _ => Some(span),
        })
    }
}

fn remote(trace: u128, span: u64) -> opentelemetry::Context {
    let (trace, span) = (TraceId::from_bytes(trace.to_be_bytes()), SpanId::from_bytes(span.to_be_bytes()));
    let context = SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE);
    opentelemetry::Context::new().with_remote_span_context(context)
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

/// A context that belongs to a future, and the span above it.
#[derive(Debug)]
pub struct Node {
    context: Context,
    parent: u64,
}

impl Node {
    /// Outside any request.
    pub const NONE: Self = Self { context: Context::NONE, parent: 0 };

    /// A new span below what is current.
    #[must_use]
    pub fn child_of_current() -> Self {
        let (request, parent) = CURRENT.with_borrow(|it| (it.request.clone(), it.span));
        let Some(request) = request else {
            return Self::NONE;
        };
        let sampled = request.sampled;
        let parent = sampled.then(|| foreign(request.trace)).flatten().unwrap_or(parent);
        let span = request.next_span();
        let bridge = sampled.then(|| remote(request.trace, span));
        Self { context: Context { request: Some(request), span, bridge }, parent }
    }

    /// Makes this context current until the guard is dropped.
    pub fn enter(&mut self) -> Entered<'_> {
        let bridge = self.context.bridge.clone().map(opentelemetry::Context::attach);
        CURRENT.with_borrow_mut(|current| std::mem::swap(current, &mut self.context));
        Entered { home: &mut self.context, _bridge: bridge }
    }

    /// Puts what happened into the request's arena.
    pub fn record(
        self,
        subject: &'static dyn Subject,
        labels: u32,
        outcome: usize,
        started: Instant,
        duration: Duration,
    ) {
        if let Some(request) = self.context.request {
            let (span, parent) = (self.context.span, self.parent);
            request.record(Record { subject, started, duration, span, parent, labels, outcome });
        }
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
        CURRENT.with_borrow_mut(|current| std::mem::swap(current, self.home));
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
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

    fn context() -> Context {
        Context::begin(&Arrival { traceparent: Some(PARENT), correlation_id: Some("c-1") })
    }
    fn here() -> Option<String> {
        Context::current().traceparent()
    }

    #[tokio::test]
    async fn a_context_survives_await_and_the_carriers_that_are_given_it() {
        context()
            .scope(async {
                let root = here();
                assert_eq!(root.as_deref(), Some(PARENT));
                tokio::task::yield_now().await;
                assert_eq!(here(), root);
                let carried = Context::current().scope(async { here() });
                assert_eq!(tokio::spawn(carried).await.unwrap(), root);
                let blocking = Context::current();
                assert_eq!(tokio::task::spawn_blocking(|| blocking.run(here)).await.unwrap(), root);
                assert_eq!(tokio::spawn(async { here() }).await.unwrap(), None, "a bare spawn is not part of it");
            })
            .await;
        assert_eq!(here(), None);
    }

    #[test]
    fn a_caller_that_did_not_sample_is_followed() {
        context().run(|| assert!(!Context::sampled()));
    }

    #[test]
    fn children_get_ids_of_their_own_and_the_parent_s_trace() {
        context().run(|| {
            let (one, two) = (Node::child_of_current(), Node::child_of_current());
            assert_ne!(one.context.span, two.context.span);
            assert_eq!((one.parent, two.parent), (0xb7ad_6b71_6920_3331, 0xb7ad_6b71_6920_3331));
        });
    }

    #[test]
    fn lines_are_lent_the_ids_of_the_current_request_only() {
        context().run(|| {
            Context::with_ids(|ids| assert_eq!(ids.and_then(|(_, _, correlation)| correlation), Some("c-1")));
        });
        Context::with_ids(|ids| assert!(ids.is_none()));
    }
}
