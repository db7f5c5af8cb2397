//! The real binary on a port of its own, asked as its users would. Each module is one subject. The same tests run in all
//! eight feature sets: what a set does not have must answer so.
#![allow(clippy::unwrap_used)] // a test may stop

mod bad_input;
mod clients;
mod collector;
mod conversations;
mod declared;
mod lifecycle;
mod metrics;
mod models;
mod otlp;
mod ports;
mod profiling;
mod resources;
mod running;
mod stdio;
mod tools;
mod tracing;
mod wire;
