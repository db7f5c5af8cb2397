//! The encoding of protobuf, as far as it is needed, and labels in it: they are made ready once, when a series enters.

use super::name::unescaped;

/// Labels, made ready once; their values were escaped for the text forms.
pub(crate) fn labels(labels: &[(String, String)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in labels {
        pair(&mut out, name, &unescaped(value));
    }
    out
}

/// A pair of words in field 1.
pub(crate) fn pair(out: &mut Vec<u8>, name: &str, value: &str) {
    within(out, 1, |pair| {
        bytes(pair, 1, name.as_bytes());
        bytes(pair, 2, value.as_bytes());
    });
}

/// A message in a field: written behind a byte for its length, which is moved where it needs more of them.
pub(crate) fn within(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    varint(out, u64::from(field << 3 | LENGTH));
    let start = out.len();
    out.push(0);
    write(out);
    let length = out.len() - start - 1;
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out[start] = short,
        _ => {
            let mut prefix = Vec::with_capacity(10);
            varint(&mut prefix, length as u64);
            out.splice(start..=start, prefix);
        }
    }
}

/// A word in a field.
pub(crate) fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    varint(out, u64::from(field << 3 | LENGTH));
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// A whole number in a field.
pub(crate) fn whole(out: &mut Vec<u8>, field: u32, value: u64) {
    varint(out, u64::from(field << 3));
    varint(out, value);
}

/// A real number in a field.
pub(crate) fn double(out: &mut Vec<u8>, field: u32, value: f64) {
    varint(out, u64::from(field << 3 | EIGHT_BYTES));
    out.extend_from_slice(&value.to_le_bytes());
}

/// A number in as many bytes as it needs.
pub(crate) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Wire types.
const EIGHT_BYTES: u32 = 1;
const LENGTH: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_protobuf_s_own_documentation_has_them() {
        let mut out = Vec::new();
        whole(&mut out, 1, 150);
        assert_eq!(out, [0x08, 0x96, 0x01]);
    }

    #[test]
    fn a_message_of_any_length_has_its_length_before_it() {
        for length in [0usize, 1, 127, 128, 20_000] {
            let (mut out, mut wanted) = (Vec::new(), vec![0x0a]);
            within(&mut out, 1, |inner| inner.extend(vec![7; length]));
            varint(&mut wanted, length as u64);
            wanted.resize(wanted.len() + length, 7);
            assert_eq!(out, wanted);
        }
    }
}
