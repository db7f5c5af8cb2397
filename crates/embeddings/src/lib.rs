#![doc = include_str!("../README.md")]

mod answer;
mod embedder;
mod features;
mod http;
mod local;
mod metrics;
mod retry;

pub use embedder::{EmbedError, Embedder, Embedding, Vectors};
pub use features::is_common;
pub use http::HttpEmbedder;
pub use local::LocalEmbedder;
pub use metrics::{CATALOG, ModelName};
