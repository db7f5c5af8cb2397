//! Spans that others make. They come in over the bridge from `tracing` to OpenTelemetry, are tamed, and go to whoever was named
//! at the start. Knows what such a span weighs, and not which request it belongs to.

mod bridge;
mod tame;

pub(crate) use bridge::layer;
pub(crate) use tame::bytes;
#[cfg(test)]
pub(crate) use tame::tests;
