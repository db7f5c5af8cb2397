//! What a server of embeddings answers, in the forms that servers have: with an index for each vector, without one, or with
//! one that says nothing; with numbers, or the same in base64. Asks nobody.

use crate::{EmbedError, Vectors, local::normalised};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::Value;

/// An answer.
#[derive(Deserialize)]
pub(crate) struct Answer {
    data: Vec<One>,
    #[serde(default)]
    usage: Value,
}

#[derive(Deserialize)]
struct One {
    #[serde(default)]
    index: Value,
    embedding: Numbers,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Numbers {
    Plain(Vec<f32>),
    /// 32-bit floats, the least byte first.
    Base64(String),
}

impl Answer {
    /// Reads an answer. What is wrong with it is said without a word of it: it may hold what was asked.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, EmbedError> {
        serde_json::from_slice(bytes).map_err(|error| {
            let (kind, line, column) = (error.classify(), error.line(), error.column());
            EmbedError::Malformed(format!("it is no list of vectors ({kind:?} error at line {line}, column {column})"))
        })
    }

    /// How many tokens the server counted; 0 where it does not say so in whole numbers.
    pub(crate) fn tokens(&self) -> u64 {
        let counted = |key: &str| {
            let value = self.usage.get(key)?;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a whole number that is not negative
            let written = value.as_f64().filter(|it| it.fract() == 0.0 && (0.0..1e15).contains(it)).map(|it| it as u64);
            value.as_u64().or(written)
        };
        counted("prompt_tokens").or_else(|| counted("total_tokens")).unwrap_or_default()
    }

    /// One vector of length 1 for each text, in their order; of so many numbers, if that is known (not 0).
    pub(crate) fn vectors(self, texts: usize, dimensions: usize) -> Result<Vectors, EmbedError> {
        if self.data.len() != texts {
            let why = format!("{texts} vectors were asked for, and {} came", self.data.len());
            return Err(EmbedError::Malformed(why));
        }
        let mut places: Vec<Option<u64>> = self.data.iter().map(|one| place(&one.index)).collect();
        let vectors: Result<Vectors, EmbedError> = self.data.into_iter().map(|one| one.embedding.read()).collect();
        let mut vectors: Vec<(Option<u64>, Vec<f32>)> = places.iter().copied().zip(vectors?).collect();
        places.sort_unstable();
        if places.into_iter().eq((0..texts as u64).map(Some)) {
            vectors.sort_by_key(|(place, _)| *place); // else they are in the order of the texts
        }
        // a store that takes them would find nothing by them, or refuse all that stands beside them
        let has_length = |vector: &[f32]| vector.iter().all(|it| it.is_finite()) && vector.iter().any(|it| *it != 0.0);
        if vectors.iter().any(|(_, vector)| !vector.is_empty() && !has_length(vector)) {
            return Err(EmbedError::Malformed("a vector has no length, or none that is a number".to_owned()));
        }
        let odd = vectors.iter().map(|(_, vector)| vector.len()).find(|len| dimensions != 0 && *len != dimensions);
        match odd {
            None => Ok(vectors.into_iter().map(|(_, vector)| normalised(vector)).collect()),
            Some(odd) => Err(EmbedError::Malformed(format!(
                "the model gives vectors of {odd} numbers now, and gave {dimensions} when this program started: start it \
                 anew, and all documents are read with the new ones"
            ))),
        }
    }
}

fn place(index: &Value) -> Option<u64> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a whole number that is not negative
    let written = index.as_f64().filter(|it| it.fract() == 0.0 && (0.0..1e9).contains(it)).map(|it| it as u64);
    index.as_u64().or(written)
}

impl Numbers {
    fn read(self) -> Result<Vec<f32>, EmbedError> {
        let bytes = match self {
            Self::Plain(numbers) => return Ok(numbers),
            Self::Base64(text) => BASE64_STANDARD.decode(text).unwrap_or_default(),
        };
        let (numbers, rest) = bytes.as_chunks::<4>();
        if numbers.is_empty() || !rest.is_empty() {
            return Err(EmbedError::Malformed("a vector is neither numbers nor 32-bit floats in base64".to_owned()));
        }
        Ok(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn vectors(data: &Value) -> Result<Vectors, EmbedError> {
        Answer::read(json!({ "data": data }).to_string().as_bytes())?.vectors(2, 0)
    }

    #[test]
    fn vectors_are_in_the_order_of_their_indexes_and_without_usable_ones_in_their_own() {
        let (east, north) = (vec![1.0, 0.0], vec![0.0, 1.0]);
        for (first, second, wanted) in [
            (json!(0), json!(1), [&east, &north]),
            (json!(1), json!(0), [&north, &east]),
            (json!(1.0), json!(0.0), [&north, &east]),
            (json!(null), json!(null), [&east, &north]),
            (json!(0), json!(0), [&east, &north]),
            (json!("a"), json!(-1), [&east, &north]),
            (json!(7), json!(3), [&east, &north]),
        ] {
            let data = json!([{ "index": first, "embedding": east }, { "index": second, "embedding": north }]);
            assert_eq!(vectors(&data).unwrap().iter().collect::<Vec<_>>(), wanted, "{data}");
        }
        let without = json!([{ "embedding": east }, { "embedding": north }]);
        assert_eq!(vectors(&without).unwrap(), [east, north]);
    }

    #[test]
    fn numbers_may_be_in_base64() {
        let bytes: Vec<u8> = [3.0_f32, 4.0].iter().flat_map(|number| number.to_le_bytes()).collect();
        let one = json!({ "embedding": BASE64_STANDARD.encode(bytes) });
        assert_eq!(vectors(&json!([one, one])).unwrap()[0], [0.6, 0.8]);
        for bad in ["", "AAA=", "no base64"] {
            assert!(vectors(&json!([{ "embedding": bad }, { "embedding": bad }])).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_vector_without_a_length_is_no_answer_and_a_long_one_is() {
        let bytes = |number: f32| BASE64_STANDARD.encode([number, 1.0].map(f32::to_le_bytes).concat());
        for bad in [json!([0, 0]), json!([1e39, 1]), json!(bytes(f32::NAN)), json!(bytes(f32::NEG_INFINITY))] {
            let why = vectors(&json!([{ "embedding": [1, 0] }, { "embedding": bad }])).unwrap_err();
            assert!(why.to_string().contains("no length"), "{bad}: {why}");
        }
        let long = vectors(&json!([{ "embedding": [3e38, 0] }, { "embedding": [1.5e38, 2e38] }])).unwrap();
        assert_eq!(long, [[1.0, 0.0], [0.6, 0.8]]);
    }

    #[test]
    fn tokens_are_counted_where_the_server_says_how_many() {
        for (usage, tokens) in [
            (json!({ "prompt_tokens": 5, "total_tokens": 9 }), 5),
            (json!({ "total_tokens": 9 }), 9),
            (json!({ "prompt_tokens": 5.0 }), 5),
            (json!({ "prompt_tokens": null }), 0),
            (json!({ "prompt_tokens": -1 }), 0),
            (json!({ "prompt_tokens": "5" }), 0),
            (json!(null), 0),
            (json!([]), 0),
        ] {
            let answer = json!({ "data": [], "usage": usage }).to_string();
            assert_eq!(Answer::read(answer.as_bytes()).unwrap().tokens(), tokens, "{usage}");
        }
        assert_eq!(Answer::read(b"{\"data\":[]}").unwrap().tokens(), 0);
    }

    #[test]
    fn what_does_not_fit_is_told_without_a_word_of_it() {
        for bad in ["s3cret words", "{\"data\":\"s3cret\"}", "{\"data\":[{\"embedding\":[\"s3cret\"]}]}"] {
            let why = Answer::read(bad.as_bytes()).err().unwrap().to_string();
            assert!(!why.contains("s3cret"), "{why}");
        }
        let longer = Answer::read(br#"{"data":[{"embedding":[1,0,0]}]}"#).unwrap().vectors(1, 2).unwrap_err();
        assert!(longer.to_string().contains("start it anew"), "{longer}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer_or_told(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(answer) = Answer::read(&bytes) {
                let _ = (answer.tokens(), answer.vectors(1, 1));
            }
        }
    }
}
