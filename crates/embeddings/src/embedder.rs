//! What can turn text into vectors, and how it can fail. Holds no implementation.

use sidelight::Failure;
use std::{fmt, pin::Pin};

/// One vector of [`Embedder::dimensions`] numbers and of length 1 (or 0, for a text without a word in it), so that the
/// dot product of two is the cosine of their angle.
pub type Vectors = Vec<Vec<f32>>;

/// What [`Embedder::embed`] gives: one vector a text, in the order of the texts.
pub type Embedding<'a> = Pin<Box<dyn Future<Output = Result<Vectors, EmbedError>> + Send + 'a>>;

/// Turns texts into vectors.
pub trait Embedder: fmt::Debug + Send + Sync {
    /// The model's name. Vectors of two models are never compared: a store keeps the name beside each vector.
    fn model(&self) -> &str;

    /// How many numbers a vector has.
    fn dimensions(&self) -> usize;

    /// One vector for each text.
    ///
    /// # Errors
    /// When the model cannot be asked. The built-in one always can.
    fn embed<'a>(&'a self, texts: &'a [&'a str]) -> Embedding<'a>;
}

/// Why there are no vectors.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The model could not be reached, or refused; the sentence says which.
    #[error("the embedding model cannot be used: {0}")]
    Unavailable(String),
}

impl Failure for EmbedError {
    const NAMES: &'static [&'static str] = &["unavailable"];
    fn index(&self) -> usize {
        match self {
            Self::Unavailable(_) => 0,
        }
    }
}
