//! HTML: its content as Markdown, without what surrounds it. What counts as content: all of `<main>` where a page has
//! one, else all that is not `<head>`; never scripts, styles, navigation, controls, or lines that a book hides. Builds no
//! tree: a list of open elements is enough.

use super::{Heading, Reading};
use html5gum::{HtmlString, StartTag, Token, Tokenizer};
use std::collections::BTreeMap;

pub(super) fn read(html: &str) -> Reading {
    if html.contains("<main") {
        let reading = read_where(html, true);
        if !reading.text.is_empty() {
            return reading;
        }
    }
    read_where(html, false)
}

fn read_where(html: &str, only_main: bool) -> Reading {
    let mut page = Page { only_main, ..Page::default() };
    for token in Tokenizer::new(html) {
        match token {
            Ok(Token::StartTag(tag)) => page.open(&tag),
            Ok(Token::EndTag(tag)) => page.close(&text(&tag.name)),
            Ok(Token::String(words)) => page.words(&text(&words)),
            Ok(_) => {}
            Err(never) => match never {},
        }
    }
    page.finish()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A page in the making.
#[derive(Default)]
struct Page {
    reading: Reading,
    only_main: bool,
    open: Vec<String>,
    /// How many elements were open when one began whose content is left out.
    left_out_from: Option<usize>,
    /// What the `<title>` says.
    title: String,
    /// Start and title of the heading that is open.
    heading: Option<(usize, String)>,
}

/// Elements without content.
const VOID: [&str; 14] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];
/// Elements whose content is not what a page says.
const LEFT_OUT: [&str; 13] = [
    "aside", "button", "canvas", "dialog", "footer", "form", "iframe", "nav", "noscript", "script", "style", "svg",
    "title",
];
/// Elements that stand in a paragraph of their own.
const BLOCKS: [&str; 17] = [
    "article",
    "blockquote",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figure",
    "li",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "ul",
    "main",
];

impl Page {
    fn open(&mut self, tag: &StartTag<()>) {
        let name = text(&tag.name);
        match name.as_str() {
            "html" => self.reading.language = attribute(&tag.attributes, "lang"),
            "meta" => self.reading.is_unlisted |= is_unlisted(&tag.attributes),
            "br" | "tr" => self.line(),
            "li" => {
                self.paragraph();
                self.put("- ");
            }
            "td" | "th" => self.cell(),
            "pre" => self.fence(None),
            "code" if self.is_in("pre") => self.language_of_fence(&tag.attributes),
            "code" => self.put("`"),
            _ => self.open_block(&name),
        }
        if VOID.contains(&name.as_str()) || self.open.len() >= DEPTH_MAX {
            return;
        }
        if self.left_out_from.is_none() && (LEFT_OUT.contains(&name.as_str()) || is_hidden(&tag.attributes)) {
            self.left_out_from = Some(self.open.len());
        }
        self.open.push(name);
    }

    fn open_block(&mut self, name: &str) {
        if let Some(level) = level(name) {
            self.paragraph();
            self.heading = self.is_content().then(|| (self.reading.text.len(), String::new()));
            self.put(&"#".repeat(usize::from(level)));
            self.put(" ");
        } else if BLOCKS.contains(&name) && !self.is_in("li") {
            self.paragraph();
        }
    }

    fn close(&mut self, name: &str) {
        let Some(at) = self.open.iter().rposition(|open| open == name) else { return };
        match name {
            "pre" => self.fence_ends(),
            "code" if !self.is_in("pre") => self.put("`"),
            "tr" => self.put(" |"),
            _ => self.close_block(name),
        }
        self.open.truncate(at);
        if self.left_out_from.is_some_and(|from| from >= at) {
            self.left_out_from = None;
        }
    }

    fn close_block(&mut self, name: &str) {
        if let Some(level) = level(name)
            && let Some((start, title)) = self.heading.take()
        {
            self.paragraph();
            let end = self.reading.text.len();
            self.reading.headings.push(Heading { start, end, level, title: squeezed(&title) });
        } else if BLOCKS.contains(&name) && !self.is_in("li") {
            self.paragraph();
        }
    }

    fn words(&mut self, words: &str) {
        if self.open.last().is_some_and(|open| open == "title") && !self.is_in("svg") {
            self.title.push_str(words);
        }
        if let Some((_, title)) = self.heading.as_mut() {
            title.push_str(words);
        }
        if self.is_in("pre") {
            self.put(words);
        } else {
            self.flow(words);
        }
    }

    /// Words outside code: any white space is one space, and none at the start of a line.
    fn flow(&mut self, words: &str) {
        let starts_line = self.reading.text.is_empty() || self.reading.text.ends_with(['\n', ' ']);
        if words.starts_with(char::is_whitespace) && !starts_line {
            self.put(" ");
        }
        self.put(&squeezed(words));
        if words.ends_with(char::is_whitespace) && !words.trim().is_empty() {
            self.put(" ");
        }
    }

    fn fence(&mut self, language: Option<&str>) {
        self.paragraph();
        self.put("```");
        self.put(language.unwrap_or(""));
        self.put("\n");
    }

    /// `<pre><code class="language-rust">`: the language stands behind the fence.
    fn language_of_fence(&mut self, attributes: &Attributes) {
        let classes = attribute(attributes, "class").unwrap_or_default();
        let language = classes.split_whitespace().find_map(|class| class.strip_prefix("language-"));
        if let Some(language) = language
            && self.is_content()
            && self.reading.text.ends_with("```\n")
        {
            self.reading.text.pop();
            self.put(language);
            self.put("\n");
        }
    }

    fn fence_ends(&mut self) {
        self.line();
        self.put("```");
        self.paragraph();
    }

    fn cell(&mut self) {
        let is_first = self.reading.text.is_empty() || self.reading.text.ends_with('\n');
        self.put(if is_first { "| " } else { " | " });
    }

    fn line(&mut self) {
        if !self.reading.text.is_empty() && !self.reading.text.ends_with('\n') {
            self.put("\n");
        }
    }

    fn paragraph(&mut self) {
        if !self.is_content() || self.reading.text.is_empty() {
            return;
        }
        // never back into a heading, whose place is known already
        let floor = self.reading.headings.last().map_or(0, |heading| heading.end);
        let end = self.reading.text.trim_end().len().max(floor);
        self.reading.text.truncate(end);
        if end > floor || floor == 0 {
            self.put("\n\n");
        }
    }

    fn put(&mut self, words: &str) {
        if self.is_content() {
            self.reading.text.push_str(words);
        }
    }

    fn is_content(&self) -> bool {
        self.left_out_from.is_none() && (if self.only_main { self.is_in("main") } else { !self.is_in("head") })
    }

    fn is_in(&self, name: &str) -> bool {
        self.open.iter().any(|open| open == name)
    }

    fn finish(mut self) -> Reading {
        let end = self.reading.text.trim_end().len();
        self.reading.text.truncate(end);
        self.reading.headings.retain(|heading| !heading.title.is_empty() && heading.start < end);
        self.reading.headings.iter_mut().for_each(|heading| heading.end = heading.end.min(end));
        let own = squeezed(&self.title);
        let first = self.reading.headings.first().map(|heading| heading.title.clone());
        self.reading.title = first.or_else(|| (!own.is_empty()).then_some(own));
        self.reading
    }
}

type Attributes = BTreeMap<HtmlString, html5gum::Spanned<HtmlString, ()>>;

fn attribute(attributes: &Attributes, name: &str) -> Option<String> {
    let found = attributes.iter().find(|(key, _)| key.as_slice() == name.as_bytes());
    found.map(|(_, value)| text(value))
}

/// A print page or an old link asks not to be indexed; a redirect says where to go.
fn is_unlisted(attributes: &Attributes) -> bool {
    let is = |name, wanted: &str| attribute(attributes, name).is_some_and(|it| it.eq_ignore_ascii_case(wanted));
    let robots = is("name", "robots") && attribute(attributes, "content").is_some_and(|it| it.contains("noindex"));
    robots || is("http-equiv", "refresh")
}

/// Lines that mdBook hides from its reader, and whatever hides itself.
fn is_hidden(attributes: &Attributes) -> bool {
    let classes = attribute(attributes, "class").unwrap_or_default();
    classes.split_whitespace().any(|class| class == "boring") || attribute(attributes, "hidden").is_some()
}

fn level(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', digit @ b'1'..=b'6'] => Some(digit - b'0'),
        _ => None,
    }
}

fn squeezed(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Elements nested deeper than this are read as if they stood here.
const DEPTH_MAX: usize = 256;

#[cfg(test)]
#[path = "html_test.rs"]
mod tests;
