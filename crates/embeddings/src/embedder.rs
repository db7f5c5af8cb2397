//! What can turn text into vectors, and how it can fail. Holds no implementation.

use sidelight::Failure;
use std::{fmt, pin::Pin};

/// One vector of [`Embedder::dimensions`] numbers and of length 1 (or 0, for a text without a word in it), so that the
/// dot product of two is the cosine of their angle. A text that the model does not take has an empty one.
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
    /// The server could not be reached, or is not ready.
    #[error("the embedding model cannot be reached: {0}")]
    Unavailable(String),
    /// The server did not answer in time.
    #[error("the embedding model did not answer in time")]
    Timeout,
    /// The server asks for patience, and was asked often enough.
    #[error("the embedding model takes no more requests for now")]
    RateLimited,
    /// The server does not accept the request: a wrong key, a model that it does not have.
    #[error("the embedding model refuses: {0}")]
    Refused(String),
    /// The server does not accept what is in it: too long a text, or too many.
    #[error("the embedding model does not take the text: {0}")]
    TooMuch(String),
    /// The server failed with this request.
    #[error("the embedding model failed: {0}")]
    Failed(String),
    /// The server's answer is not what was asked for.
    #[error("the embedding model gave an answer that does not fit: {0}")]
    Malformed(String),
}

impl EmbedError {
    /// Whether it is the server that is away or has enough to do, which passes, and not what it was asked.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Timeout | Self::RateLimited | Self::Failed(_))
    }
}

impl Failure for EmbedError {
    const NAMES: &'static [&'static str] =
        &["unavailable", "timeout", "rate_limited", "refused", "malformed", "too_much", "failed"];
    fn index(&self) -> usize {
        match self {
            Self::Unavailable(_) => 0,
            Self::Timeout => 1,
            Self::RateLimited => 2,
            Self::Refused(_) => 3,
            Self::Malformed(_) => 4,
            Self::TooMuch(_) => 5,
            Self::Failed(_) => 6,
        }
    }
}
