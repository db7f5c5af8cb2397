//! Everything that can be observed of embedding, in the words of OpenTelemetry's conventions for generative AI
//! (<https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/client-embeddings.md>).

use crate::EmbedError;
use sidelight::{Counter, Operation, catalog, labels};

labels! {
    /// Who computes.
    pub enum Provider = "gen_ai.provider.name" {
        /// This process.
        Local = "local",
    }
    /// With which model.
    pub enum Model = "gen_ai.request.model" {
        /// See [`crate::LocalEmbedder`].
        HashedNgrams = "hashed-ngrams-384",
    }
}

catalog! {
    /// One batch of texts turned into vectors.
    pub EMBED: Operation<(Provider, Model), EmbedError> = "gen_ai.client.embeddings";
    /// Texts turned into vectors.
    pub TEXTS: Counter<(Provider, Model)> = "gen_ai.client.embeddings.texts";
}
