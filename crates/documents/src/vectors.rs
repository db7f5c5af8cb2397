//! Nearest neighbours: all vectors of one model in memory, compared one by one, in fixed-point numbers of 16 bits: exact to
//! four digits, and quick enough for some hundred thousand passages. 768 bytes a passage for 384 dimensions.

use std::collections::HashMap;

/// The vectors, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Vectors {
    dimensions: usize,
    passages: Vec<i64>,
    sources: Vec<u16>,
    /// Each number times [`ONE`].
    numbers: Vec<i16>,
    source_places: HashMap<String, u16>,
    /// Where each passage stands.
    rows: HashMap<i64, usize>,
}

impl Vectors {
    pub(crate) fn new(dimensions: usize) -> Self {
        Self { dimensions, ..Self::default() }
    }

    /// Adds a passage; a vector of another length is left out, because it cannot be compared.
    pub(crate) fn push(&mut self, passage: i64, source: &str, vector: &[f32]) {
        if vector.len() != self.dimensions {
            return;
        }
        let next = u16::try_from(self.source_places.len()).unwrap_or(u16::MAX);
        let place = match self.source_places.get(source) {
            Some(place) => *place,
            None => *self.source_places.entry(source.to_owned()).or_insert(next),
        };
        self.rows.insert(passage, self.passages.len());
        self.passages.push(passage);
        self.sources.push(place);
        self.numbers.extend(fixed(vector));
    }

    /// Forgets passages: the last row takes the place of each.
    pub(crate) fn remove(&mut self, passages: &[i64]) {
        for passage in passages {
            let Some(row) = self.rows.remove(passage) else { continue };
            self.passages.swap_remove(row);
            self.sources.swap_remove(row);
            let last = self.passages.len() * self.dimensions;
            self.numbers.copy_within(last..last + self.dimensions, row * self.dimensions);
            self.numbers.truncate(last);
            if let Some(moved) = self.passages.get(row) {
                self.rows.insert(*moved, row);
            }
        }
    }

    /// The passages whose vectors are nearest by cosine, the nearest first; those that share nothing are not among them.
    pub(crate) fn nearest(&self, vector: &[f32], source: Option<&str>, limit: usize) -> Vec<i64> {
        let only = source.map(|source| self.source_places.get(source).copied());
        if vector.len() != self.dimensions || only == Some(None) {
            return Vec::new();
        }
        let only = only.flatten();
        let vector: Vec<i16> = fixed(vector).collect();
        let rows = self.numbers.chunks_exact(self.dimensions.max(1)).zip(&self.passages).zip(&self.sources);
        let wanted = rows.filter(|(_, source)| only.is_none_or(|only| only == **source));
        let mut near: Vec<(i32, i64)> = wanted.map(|((row, passage), _)| (dot(row, &vector), *passage)).collect();
        near.retain(|(likeness, _)| *likeness > 0);
        let better = |a: &(i32, i64), b: &(i32, i64)| b.0.cmp(&a.0).then(a.1.cmp(&b.1));
        if near.len() > limit && limit > 0 {
            near.select_nth_unstable_by(limit - 1, better);
        }
        near.truncate(limit);
        near.sort_unstable_by(better);
        near.into_iter().map(|(_, passage)| passage).collect()
    }
}

/// Little-endian 32-bit floats, as the store keeps them.
pub(crate) fn encode(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// The same back again.
pub(crate) fn decode(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number)).collect()
}

/// The number 1 in fixed point. Vectors have length 1, so a dot product stays below `ONE` squared: far from overflow, even
/// for one that is a little longer.
const ONE: f32 = 16_384.0;

#[allow(clippy::cast_possible_truncation)] // saturates, as it should
fn fixed(vector: &[f32]) -> impl Iterator<Item = i16> {
    vector.iter().map(|number| (number * ONE).round() as i16)
}

/// In the form that compilers know as one instruction: products of 16 bits, summed in 32.
fn dot(one: &[i16], other: &[i16]) -> i32 {
    one.iter().zip(other).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn vectors() -> Vectors {
        let mut vectors = Vectors::new(2);
        for (passage, source, vector) in [(1, "a", [1.0, 0.0]), (2, "b", [0.8, 0.6]), (3, "a", [0.0, 1.0])] {
            vectors.push(passage, source, &vector);
        }
        vectors
    }

    #[test]
    fn the_nearest_come_first_and_strangers_not_at_all() {
        assert_eq!(vectors().nearest(&[1.0, 0.0], None, 9), [1, 2]);
        assert_eq!(vectors().nearest(&[0.0, 1.0], None, 1), [3]);
    }

    #[test]
    fn a_source_limits_the_search_and_an_unknown_one_has_nothing() {
        assert_eq!(vectors().nearest(&[1.0, 1.0], Some("a"), 9), [1, 3]);
        assert_eq!(vectors().nearest(&[1.0, 1.0], Some("c"), 9), [] as [i64; 0]);
    }

    #[test]
    fn a_vector_of_another_model_s_length_is_not_compared() {
        let mut vectors = vectors();
        vectors.push(4, "a", &[1.0, 0.0, 0.0]);
        assert_eq!(vectors.nearest(&[1.0, 0.0], None, 9), [1, 2]);
        assert_eq!(vectors.nearest(&[1.0], None, 9), [] as [i64; 0]);
    }

    #[test]
    fn what_is_removed_is_not_found_and_the_rest_still_is() {
        let mut vectors = vectors();
        vectors.remove(&[1, 99]);
        assert_eq!(vectors.nearest(&[1.0, 1.0], None, 9), [2, 3]);
        vectors.remove(&[3, 2]);
        assert_eq!(vectors.nearest(&[1.0, 1.0], None, 9), [] as [i64; 0]);
        vectors.push(5, "a", &[1.0, 0.0]);
        assert_eq!(vectors.nearest(&[1.0, 1.0], None, 9), [5]);
    }

    proptest! {
        #[test]
        fn fixed_point_keeps_four_digits(pairs in prop::collection::vec((-1.0f32..1.0, -1.0f32..1.0), 1..40)) {
            let length = |it: &[f32]| it.iter().map(|number| number * number).sum::<f32>().sqrt().max(1e-3);
            let (one, other): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let unit = |it: &[f32]| it.iter().map(|number| number / length(it)).collect::<Vec<f32>>();
            let (one, other) = (unit(&one), unit(&other));
            let exact: f32 = one.iter().zip(&other).map(|(a, b)| a * b).sum();
            let (one, other): (Vec<i16>, Vec<i16>) = (fixed(&one).collect(), fixed(&other).collect());
            prop_assert!((f64::from(dot(&one, &other)) / f64::from(ONE * ONE) - f64::from(exact)).abs() < 1e-3);
        }

        #[test]
        fn what_is_stored_is_what_is_read(vector in prop::collection::vec(-1.0f32..1.0, 0..20)) {
            prop_assert_eq!(decode(&encode(&vector)), vector);
        }
    }
}
