//! The built-in embedder: hashed features of words, no model file. What it is worth is said on [`LocalEmbedder`]; which
//! features a text has is the business of `features`.

use crate::{
    EmbedError, Embedder, Embedding, Vectors, features,
    metrics::{BATCH_SIZE, EMBED, ModelName, Provider, note_call},
};
use std::collections::HashMap;

/// Vectors of hashed word and character n-grams ("feature hashing", Weinberger et al. 2009,
/// <https://arxiv.org/abs/0902.2206>; character n-grams as in fastText, Bojanowski et al. 2017,
/// <https://arxiv.org/abs/1607.04606>).
///
/// What it is: a measure of shared words and shared parts of words. `borrow`, `borrowed` and `borrowing` are near each
/// other, and so is a word with a slip in it. What it is not: a language model. It has learned nothing, so `car` and
/// `vehicle` are as far apart as any two words. It needs no file and no network, and gives the same vector on every machine.
/// What it is worth for a search is measured by `cargo ci store`.
///
/// Shape: 384 numbers of 32 bits. A feature adds its weight, with a sign that is also hashed, to one of them, so that
/// features which meet there cancel out on average.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalEmbedder;

/// Numbers in a vector: more of them tell passages apart better, and cost memory and time.
const DIMENSIONS: usize = 384;

impl LocalEmbedder {
    /// The model's name.
    pub const MODEL: &'static str = "hashed-ngrams-384";

    /// The built-in embedder.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Embedder for LocalEmbedder {
    fn model(&self) -> &str {
        Self::MODEL
    }

    fn dimensions(&self) -> usize {
        DIMENSIONS
    }

    fn embed<'a>(&'a self, texts: &'a [&'a str]) -> Embedding<'a> {
        let labels = (Provider::Local, ModelName::named(Self::MODEL));
        Box::pin(EMBED.observe(labels, async move {
            note_call(texts.len(), DIMENSIONS);
            let vectors: Vectors = texts.iter().map(|text| vector(text)).collect();
            BATCH_SIZE.record(labels, vectors.len() as u64);
            Ok::<_, EmbedError>(vectors)
        }))
    }
}

fn vector(text: &str) -> Vec<f32> {
    let mut counts: HashMap<u64, f32> = HashMap::new();
    features::each(text, |feature, weight| *counts.entry(feature).or_default() += weight);
    // summed in a fixed order: float addition is not associative, and every machine shall get the same vector
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable_by_key(|(feature, _)| *feature);
    let mut vector = vec![0.0; DIMENSIONS];
    for (feature, count) in counts {
        let (place, sign) = place(feature);
        vector[place] += sign * (1.0 + count).ln(); // a word said ten times is not ten times as telling
    }
    normalised(vector)
}

/// The low bits choose the place, the highest one the sign.
fn place(feature: u64) -> (usize, f32) {
    let place = usize::try_from(feature % DIMENSIONS as u64).unwrap_or_default();
    (place, if feature >> 63 == 0 { 1.0 } else { -1.0 })
}

/// The same direction, with length 1; a vector of noughts stays.
pub(crate) fn normalised(mut vector: Vec<f32>) -> Vec<f32> {
    // squares of large numbers are larger than an `f32` can be
    let length = vector.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
    if length > 0.0 {
        for number in &mut vector {
            #[allow(clippy::cast_possible_truncation)] // at most 1
            let shorter = (f64::from(*number) / length) as f32;
            *number = shorter;
        }
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cosine(one: &str, other: &str) -> f32 {
        vector(one).iter().zip(vector(other)).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn a_text_is_nearer_to_its_inflection_than_to_another_text() {
        assert!(cosine("borrowing a value", "borrowed values") > 2.0 * cosine("borrowing a value", "publish a crate"));
    }

    #[test]
    fn a_slip_of_the_pen_is_still_near() {
        assert!(cosine("lifetime annotations", "lifetme annotations") > 0.5);
    }

    #[test]
    fn a_text_without_words_is_nowhere() {
        assert!(vector(" \n-- !").iter().all(|number| *number == 0.0));
    }

    #[tokio::test]
    async fn a_batch_has_one_vector_a_text_in_order() {
        let embedder = LocalEmbedder::new();
        let vectors = embedder.embed(&["one", "two"]).await.unwrap();
        assert_eq!(vectors, [vector("one"), vector("two")]);
        assert_eq!(vectors[0].len(), embedder.dimensions());
        assert_eq!(embedder.model(), "hashed-ngrams-384");
    }

    proptest! {
        #[test]
        fn every_text_has_a_vector_of_length_one_or_nought(text in any::<String>()) {
            let vector = vector(&text);
            let length = vector.iter().map(|number| number * number).sum::<f32>();
            prop_assert!(length == 0.0 || (length - 1.0).abs() < 1e-4, "{length}");
        }
    }
}
