//! Which keys say that their values are nobody's business, and what stands in place of such a value. Lines, spans of ours and
//! spans of others ask here.

/// Whether a key says that its value is nobody's business. Looks at whole words: `input_tokens` is a number.
pub(crate) fn is_secret(key: &str) -> bool {
    let words = key.split(|character: char| !character.is_ascii_alphanumeric());
    let is = |word: &str, secret: &&str| word.eq_ignore_ascii_case(secret);
    let mut before = "";
    words.into_iter().any(|word| {
        let is_key = word.eq_ignore_ascii_case("key") && KEY_OF.iter().any(|of| is(before, of));
        before = word;
        is_key || SECRETS.iter().any(|secret| is(word, secret))
    })
}

const SECRETS: [&str; 16] = [
    "apikey",
    "authorization",
    "bearer",
    "cookie",
    "credential",
    "credentials",
    "jwt",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "secret",
    "secrets",
    "setcookie",
    "token",
];
/// Words before `key` that make it a secret one.
const KEY_OF: [&str; 6] = ["access", "api", "encryption", "private", "secret", "signing"];
/// What stands in place of a secret.
pub(crate) const MASK: &str = "***";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_whole_words_of_their_keys() {
        for key in ["password", "db.password", "Authorization", "api_key", "x-api-key", "session_token", "set-cookie"] {
            assert!(is_secret(key), "{key}");
        }
        for key in ["input_tokens", "key", "cache_key", "tokenizer", "passwords_checked", "secretary", "author"] {
            assert!(!is_secret(key), "{key}");
        }
    }
}
