//! The stacks, each in a file of its own: how it is set up, and the unit of work in its idiom. Measures nothing.

pub(super) mod fast;
pub(super) mod none;
pub(super) mod ours;
pub(super) mod stock;

use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use std::ops::Range;

/// A stack that was set up in this process.
pub(crate) struct Stack {
    repeat: Box<dyn Fn(Range<u64>)>,
    flush: Box<dyn FnOnce()>,
}

impl Stack {
    fn new(repeat: impl Fn(Range<u64>) + 'static, flush: impl FnOnce() + 'static) -> Self {
        Self { repeat: Box::new(repeat), flush: Box::new(flush) }
    }

    /// Does the units of these numbers.
    pub(crate) fn repeat(&self, units: Range<u64>) {
        (self.repeat)(units);
    }

    /// Waits until nothing waits any more.
    pub(crate) fn flush(self) {
        (self.flush)();
    }
}

/// The id of every request.
const CORRELATION_ID: &str = "0192f3c8-7a11-7d2e-9c55-3b7f0a9e1d44";

/// OTLP over HTTP, as protobuf, to where the environment says.
fn exporter() -> SpanExporter {
    let _ = rustls::crypto::ring::default_provider().install_default(); // an error when it was done before
    SpanExporter::builder().with_http().build().expect("the exporter's defaults are valid")
}

fn resource() -> Resource {
    Resource::builder().with_service_name("bench").build()
}
