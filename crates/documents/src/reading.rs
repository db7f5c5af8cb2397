//! What a file says: its title, its text, and where its headings stand. Opens no file, cuts no passage.

mod html;
mod markdown;

use encoding_rs::{Encoding, UTF_8};
use std::path::Path;

/// A file, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The first heading, or what the page calls itself.
    pub(crate) title: Option<String>,
    /// Markdown, or plain text.
    pub(crate) text: String,
    /// In the order of the text.
    pub(crate) headings: Vec<Heading>,
    /// The page's own word for its language, such as `en-GB`.
    pub(crate) language: Option<String>,
    /// It asks search engines to leave it alone (a print page, an old link), or leads elsewhere.
    pub(crate) is_unlisted: bool,
}

impl Reading {
    /// Unless it says otherwise.
    pub(crate) fn is_in_english(&self) -> bool {
        let language = self.language.as_deref().unwrap_or("en");
        language.get(..2).is_none_or(|it| it.eq_ignore_ascii_case("en"))
    }
}

/// A heading: where its line starts, where what it heads starts, both in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heading {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// 1 to 6.
    pub(crate) level: u8,
    pub(crate) title: String,
}

/// Whether this is a file that can be read at all, by its name.
pub(crate) fn is_readable(path: &Path) -> bool {
    form(path).is_some()
}

/// Reads by the name's ending; `None` for bytes that are no text.
pub(crate) fn read(path: &Path, bytes: &[u8]) -> Option<Reading> {
    let form = form(path).unwrap_or(Form::Text);
    let text = decode(bytes, matches!(form, Form::Html))?;
    Some(match form {
        Form::Html => html::read(&text),
        Form::Markdown => markdown::read(text),
        Form::Text => Reading { text, ..Reading::default() },
    })
}

/// By its byte order mark, else by what an HTML page says of itself, else UTF-8; what is wrong in it becomes a replacement
/// character.
fn decode(bytes: &[u8], is_html: bool) -> Option<String> {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let declared = || Encoding::for_label(label(head)?);
    let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let encoding = marked.or_else(|| is_html.then(declared).flatten()).unwrap_or(UTF_8);
    let (text, _, _) = encoding.decode(bytes);
    let is_binary = marked.is_none() && head.contains(&0);
    (!is_binary).then(|| text.into_owned())
}

/// What stands behind `charset=` in the beginning of a page.
fn label(head: &[u8]) -> Option<&[u8]> {
    let at = head.windows(8).position(|window| window.eq_ignore_ascii_case(b"charset="))? + 8;
    let rest = head[at..].trim_ascii_start();
    let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
    let end =
        rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && !b"-_:".contains(byte)).unwrap_or(rest.len());
    Some(&rest[..end])
}

/// Where a page must say its encoding, by the standard: its first 1024 bytes.
const HEAD_BYTES: usize = 1024;

#[derive(Clone, Copy)]
enum Form {
    Html,
    Markdown,
    Text,
}

fn form(path: &Path) -> Option<Form> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    match ending.as_str() {
        "html" | "htm" => Some(Form::Html),
        "md" | "markdown" => Some(Form::Markdown),
        "txt" => Some(Form::Text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_by_the_ending_of_its_name() {
        let says = |name: &str| read(Path::new(name), b"# A <b>c</b>").unwrap().title;
        assert_eq!(says("a.md").as_deref(), Some("A c"));
        assert_eq!(says("a.TXT"), None);
        assert!(
            is_readable(Path::new("x/y.HTML")) && !is_readable(Path::new("x/y.png")) && !is_readable(Path::new("x"))
        );
    }

    #[test]
    fn bytes_that_are_no_text_do_not_stop_a_reading() {
        assert_eq!(read(Path::new("a.txt"), b"a\xffb").unwrap().text, "a\u{fffd}b");
        assert_eq!(read(Path::new("a.md"), b"\x7fELF\0\0"), None);
    }

    #[test]
    fn encodings_are_marked_or_declared() {
        let text = |name: &str, bytes: &[u8]| read(Path::new(name), bytes).unwrap().text;
        assert_eq!(text("a.md", b"\xef\xbb\xbf# A"), "# A");
        assert_eq!(text("a.txt", b"\xff\xfea\0b\0"), "ab");
        assert_eq!(text("a.html", b"<meta charset=\"iso-8859-1\"><body>caf\xe9</body>"), "caf\u{e9}");
    }
}
