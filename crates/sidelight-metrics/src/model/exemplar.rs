//! A value that was recorded, and the trace that it was recorded in.

use std::time::SystemTime;

/// A value, and the trace that shows how it came about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exemplar {
    /// The trace's id.
    pub trace: u128,
    /// The span's id.
    pub span: u64,
    /// What was recorded.
    pub value: f64,
    /// When.
    pub at: SystemTime,
}
