//! Log lines. Events of `tracing` come in; the gate lets pass what is wanted, each becomes one line of JSON or of text, with the
//! ids of the request in which it was written, and goes to a thread that writes it. Asks the request's room which request is
//! current, and knows neither export nor the spans of others.

mod escape;
mod form;
mod gate;
mod limit;
mod lines;
mod panics;
mod template;
mod writer;

pub(crate) use form::Form;
pub(crate) use gate::{Gate, set as set_gate};
pub(crate) use limit::suppressed;
pub(crate) use lines::LineLayer;
pub(crate) use panics::watch as watch_panics;
pub(crate) use writer::{Writer, dropped};
