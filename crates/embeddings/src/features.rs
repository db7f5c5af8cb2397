//! The features of a text, as hashes with weights: its words, pairs of neighbouring words, and character n-grams of each
//! word. Decides nothing about vectors.

/// Calls `with` for each feature, as often as it occurs.
pub(crate) fn each(text: &str, mut with: impl FnMut(u64, f32)) {
    let mut before: Option<u64> = None;
    for word in text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let word: String = word.chars().take(WORD_CHARS_MAX).flat_map(char::to_lowercase).collect();
        if is_common(&word) {
            continue; // `before` stays: "value of a type" pairs value with type
        }
        let own = hash(WORD, word.as_bytes());
        with(own, WORD_WEIGHT);
        if let Some(before) = before.replace(own) {
            with(hash(before, word.as_bytes()), PAIR_WEIGHT);
        }
        each_gram(&word, &mut with);
    }
}

/// Whether a word, in lower case, says nothing of what an English text is about.
#[must_use]
pub fn is_common(word: &str) -> bool {
    COMMON.contains(&word)
}

/// Character n-grams of a word with its borders, so that `<bor` differs from `bor` in the middle of a word.
fn each_gram(word: &str, with: &mut impl FnMut(u64, f32)) {
    let bordered: Vec<char> = ['<'].into_iter().chain(word.chars()).chain(['>']).collect();
    let mut bytes = [0; 4 * GRAM_CHARS_MAX];
    for length in GRAM_CHARS_MIN..=GRAM_CHARS_MAX {
        for gram in bordered.windows(length) {
            let mut end = 0;
            for character in gram {
                end += character.encode_utf8(&mut bytes[end..]).len();
            }
            with(hash(GRAM, &bytes[..end]), GRAM_WEIGHT);
        }
    }
}

/// FNV-1a (<http://www.isthe.com/chongo/tech/comp/fnv/>) with a last mix (that of `MurmurHash3`), because FNV's high bits
/// change too little for short words. The standard library's hashers are not promised to stay the same, and vectors are
/// kept in stores.
fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let mixed = bytes.iter().fold(FNV_BASIS ^ seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME));
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ (mixed >> 33)
}

const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;
/// Seeds, so that the word `the` and the n-gram `the` are two features.
const WORD: u64 = 1;
const GRAM: u64 = 2;
/// A word has about ten n-grams: together they weigh as much as the word itself.
const WORD_WEIGHT: f32 = 1.0;
const PAIR_WEIGHT: f32 = 0.5;
const GRAM_WEIGHT: f32 = 0.1;
const GRAM_CHARS_MIN: usize = 3;
const GRAM_CHARS_MAX: usize = 5;
/// A longer word is data, not language.
const WORD_CHARS_MAX: usize = 40;
/// Words that say nothing of what an English text is about.
const COMMON: [&str; 42] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "can", "do", "does", "for", "from", "has", "have", "how",
    "i", "if", "in", "is", "it", "its", "my", "not", "of", "on", "or", "so", "that", "the", "then", "there", "this",
    "to", "was", "we", "what", "when", "which", "with", "you",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn features(text: &str) -> Vec<u64> {
        let mut found = Vec::new();
        each(text, |feature, _| found.push(feature));
        found.sort_unstable();
        found
    }

    #[test]
    fn case_and_marks_make_no_difference() {
        assert_eq!(features("Borrow, checker!"), features("borrow CHECKER"));
    }

    #[test]
    fn common_words_are_no_features() {
        assert_eq!(features("what is the lifetime of a value"), features("lifetime value"));
        assert!(features("how do I").is_empty());
    }

    #[test]
    fn the_order_of_words_is_seen() {
        assert_ne!(features("trait object"), features("object trait"));
    }

    #[test]
    fn words_of_other_scripts_and_very_long_ones_are_taken() {
        assert!(!features("所有权").is_empty());
        assert_eq!(features(&"x".repeat(10_000)), features(&"x".repeat(WORD_CHARS_MAX)));
    }
}
