//! Numbers of others: what the process, its control group and the tokio runtime say of themselves, read before each scrape.

mod cgroup;
pub mod process;
pub mod runtime;
