//! Ours beside those of the field. Metrics: what it costs to record, to scrape, and to record without ever being scraped.
//! Traces and logs: what it costs that a request is seen (`request/*.rs`).
//!
//! Every library is used as its documentation shows it, with the labels, bounds and values of the others
//! (`library/*.rs`, a file each). The machine is shared with others, so variants take turns in short batches and the
//! tenth percentile is shown: a ratio within one run says more than a number of two runs.
//!
//! Deliberately absent: anything of the product but its public API; other machines' numbers; a judgement of features.

pub mod growth;
mod inputs;
pub mod instructions;
mod library;
pub mod machine;
mod one_thread;
mod quantile;
pub mod recording;
pub mod request;
pub mod scrape;
mod table;
mod two_threads;
mod variant;
pub mod verdict;
