//! Everything that can be observed of embedding, in the words of OpenTelemetry's conventions for generative AI
//! (<https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/client-embeddings.md>).

use crate::EmbedError;
use sidelight::{Counter, Histogram, Operation, catalog, labels, metrics::Items, tracing::note};

labels! {
    /// Who computes.
    pub enum Provider = "gen_ai.provider.name" {
        /// This process.
        Local = "local",
        /// A server that speaks OpenAI's interface, whoever runs it.
        OpenAi = "openai",
    }
    /// With which model; any that was not made known at the start is `other`.
    pub interned ModelName = "gen_ai.request.model", at most 8;
}

/// What a trace says of a call beside its labels.
pub(crate) fn note_call(texts: usize, dimensions: usize) {
    note("gen_ai.operation.name", "embeddings");
    note("gen_ai.embeddings.batch_size", texts);
    note("gen_ai.embeddings.dimension.count", dimensions);
}

catalog! {
    /// One batch of texts turned into vectors.
    pub EMBED: Operation<(Provider, ModelName), EmbedError> = "gen_ai.client.embeddings";
    /// Texts of a batch that was turned into vectors.
    pub BATCH_SIZE: Histogram<(Provider, ModelName), Items> = "gen_ai.client.embeddings.batch_size";
    /// Texts that a model did not take; they have no vector.
    pub REFUSED: Counter<(Provider, ModelName)> = "gen_ai.client.embeddings.refused";
    /// Tokens of a batch, as the server counts them; the built-in model has none.
    pub TOKENS: Histogram<(Provider, ModelName), Items> = "gen_ai.client.embeddings.operation.input_tokens";
}
