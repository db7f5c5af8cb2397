//! What a file says: its title, its text, and where its headings stand. Opens no file, cuts no passage.

mod html;
mod markdown;

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

/// Reads by the name's ending; bytes that are not UTF-8 become replacement characters.
pub(crate) fn read(path: &Path, bytes: &[u8]) -> Reading {
    let text = String::from_utf8_lossy(bytes);
    match form(path) {
        Some(Form::Html) => html::read(&text),
        Some(Form::Markdown) => markdown::read(text.into_owned()),
        Some(Form::Text) | None => Reading { text: text.into_owned(), ..Reading::default() },
    }
}

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
        let says = |name: &str| read(Path::new(name), b"# A <b>c</b>").title;
        assert_eq!(says("a.md").as_deref(), Some("A c"));
        assert_eq!(says("a.TXT"), None);
        assert!(
            is_readable(Path::new("x/y.HTML")) && !is_readable(Path::new("x/y.png")) && !is_readable(Path::new("x"))
        );
    }

    #[test]
    fn bytes_that_are_no_text_do_not_stop_a_reading() {
        assert_eq!(read(Path::new("a.txt"), b"a\xffb").text, "a\u{fffd}b");
    }
}
