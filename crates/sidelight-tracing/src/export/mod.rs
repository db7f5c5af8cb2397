//! The way out of the process. Kept requests and single spans of others come in; they wait in a queue that is bounded, a
//! thread writes them as OTLP, and the collector gets them. Reads what the request's room keeps, and never asks who is current
//! nor what a log line is.

mod collector;
mod exporter;
mod otlp;
mod queue;
mod span;

pub(crate) use exporter::{Lost, flush, keep, lost, span, start};
