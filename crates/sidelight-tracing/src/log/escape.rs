//! Writes foreign words so that they stay where they are put: nothing in them can end a line, close a quote, or turn the
//! direction of what is read. The same in both forms of a line.

use std::{
    fmt::{self, Write},
    io::Write as _,
};

/// A longer value is cut.
pub(crate) const VALUE_BYTES_MAX: usize = 2 * 1024;

/// Escapes what is written to it.
pub(crate) struct Escape<'a> {
    to: &'a mut Vec<u8>,
    left: usize,
    is_cut: bool,
}

impl<'a> Escape<'a> {
    pub(crate) fn new(to: &'a mut Vec<u8>) -> Self {
        Self { to, left: VALUE_BYTES_MAX, is_cut: false }
    }

    /// Writes a word, or as much of it as there is room for once it is written.
    pub(crate) fn word(&mut self, word: &str) {
        if word.len() <= self.left && is_plain(word.as_bytes()) {
            self.left -= word.len();
            return self.to.extend_from_slice(word.as_bytes()); // nearly always
        }
        for character in word.chars() {
            let before = self.to.len();
            character_to(self.to, character);
            match self.left.checked_sub(self.to.len() - before) {
                Some(left) => self.left = left,
                None => return self.cut(before),
            }
        }
    }

    fn cut(&mut self, at: usize) {
        self.to.truncate(at);
        self.left = 0;
        if !std::mem::replace(&mut self.is_cut, true) {
            self.to.extend_from_slice("…".as_bytes());
        }
    }
}

impl Write for Escape<'_> {
    fn write_str(&mut self, word: &str) -> fmt::Result {
        self.word(word);
        Ok(())
    }
}

/// Looks at whole chunks, whatever their first bytes are: that goes many at a time.
#[allow(clippy::needless_bitwise_bool)] // as it says
fn is_plain(bytes: &[u8]) -> bool {
    let is_not = |byte: &u8| !(0x20..=0x7e).contains(byte) | (*byte == b'"') | (*byte == b'\\');
    let (chunks, rest) = bytes.as_chunks::<8>();
    let any = |chunk: &[u8; 8]| chunk.iter().fold(0, |any, byte| any | u8::from(is_not(byte))) > 0;
    !chunks.iter().any(any) && !rest.iter().any(is_not)
}

fn character_to(to: &mut Vec<u8>, character: char) {
    match character {
        '"' => to.extend_from_slice(b"\\\""),
        '\\' => to.extend_from_slice(b"\\\\"),
        '\n' => to.extend_from_slice(b"\\n"),
        '\r' => to.extend_from_slice(b"\\r"),
        '\t' => to.extend_from_slice(b"\\t"),
        '\u{0}'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => {
            let _ = write!(to, "\\u{:04x}", u32::from(character)); // a vector takes everything
        }
        other => to.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(word: &str) -> String {
        let mut to = Vec::new();
        Escape::new(&mut to).word(word);
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn whatever_could_forge_a_line_is_escaped() {
        assert_eq!(
            escaped("a\n\"b\"\\\u{2028}\u{202e}\u{7f}\u{85}é"),
            "a\\n\\\"b\\\"\\\\\\u2028\\u202e\\u007f\\u0085é"
        );
    }

    #[test]
    fn a_long_value_is_cut_once_however_it_is_written() {
        let mut to = Vec::new();
        let mut escape = Escape::new(&mut to);
        for _ in 0..VALUE_BYTES_MAX {
            escape.write_str("é!").unwrap();
        }
        let to = String::from_utf8(to).unwrap();
        assert!(to.len() <= VALUE_BYTES_MAX + '…'.len_utf8() && to.ends_with('…'), "{}", to.len());
        assert_eq!(to.matches('…').count(), 1);
    }
}
