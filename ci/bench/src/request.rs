//! What it costs that a request is seen: its spans, and its lines. One unit of work, written once for each stack in that
//! stack's own idiom (`stack/*.rs`): a root and four children with three fields each, two lines with two fields each.
//!
//! A process can have one subscriber, so each variant runs in a process of its own, at the pace of a busy server. Counted
//! is the CPU time of all its threads, until the last span was taken by a receiver. Deliberately absent: time on the wall,
//! memory, collectors that are slow or dead.

mod allocations;
mod cost;
mod instructions;
mod one_run;
mod process;
mod receiver;
mod rounds;
mod stack;
mod variant;
pub mod verdict;

pub use allocations::{Allocated, count as count_allocations, measure as allocations};
pub use cost::{Cost, table};
pub use process::{Pace, run};
pub use receiver::receive;
pub use rounds::measure;
pub use variant::Variant;
