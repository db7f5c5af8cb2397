//! Text to vectors. [`Embedder`] is what the document store asks; [`LocalEmbedder`] answers without a model file, a
//! network or a wait, [`HttpEmbedder`] asks a model on a server. Knows no store and no document.
//!
//! ```
//! use embeddings::{Embedder as _, LocalEmbedder};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), embeddings::EmbedError> {
//! let vectors = LocalEmbedder::new().embed(&["borrow a value", "a borrowed value", "cargo publish"]).await?;
//! let likeness = |one: usize, other: usize| -> f32 {
//!     vectors[one].iter().zip(&vectors[other]).map(|(a, b)| a * b).sum()
//! };
//! assert!(likeness(0, 1) > likeness(0, 2));
//! # Ok(()) }
//! ```

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
