//! What a page says and what it does not, on pieces of real books.

use super::*;
use proptest::prelude::*;

const PAGE: &str = r##"<!DOCTYPE HTML><html lang="en"><head><title>Borrowing - The Book</title><style>p{}</style></head>
<body><nav><a href="x">Contents</a></nav><script>let theme = "<p>no</p>";</script><main>
<h2 id="b"><a class="header" href="#b">References and
Borrowing</a></h2>
<p>The issue is that
we <em>have</em> to return the <code>String</code>.</p>
<pre class="playground"><code class="language-rust edition2024"><span class="boring">fn main() {
</span>let s = &amp;t;
<span class="boring">}</span></code></pre>
<ul><li><p>One</p></li><li>Two</li></ul>
<h3>Mutable</h3><p>More.</p></main><footer>Bye</footer></body></html>"##;

#[test]
fn the_content_is_markdown_and_the_rest_is_left_out() {
    let wanted = "## References and Borrowing\n\nThe issue is that we have to return the `String`.\n\n\
                  ```rust\nlet s = &t;\n```\n\n- One\n\n- Two\n\n### Mutable\n\nMore.";
    assert_eq!(read(PAGE).text, wanted);
}

#[test]
fn headings_say_where_they_stand() {
    let reading = read(PAGE);
    let found: Vec<_> = reading.headings.iter().map(|it| (it.level, it.title.as_str())).collect();
    assert_eq!(found, [(2, "References and Borrowing"), (3, "Mutable")]);
    let last = &reading.headings[1];
    assert_eq!(&reading.text[last.start..last.end], "### Mutable\n\n");
}

#[test]
fn the_title_is_the_first_heading_and_else_what_the_page_calls_itself() {
    assert_eq!(read(PAGE).title.as_deref(), Some("References and Borrowing"));
    assert_eq!(read("<title>Only \n this</title><body><p>x</p></body>").title.as_deref(), Some("Only this"));
}

#[test]
fn print_pages_and_redirects_are_unlisted_and_languages_are_told() {
    assert!(read(r#"<meta name="robots" content="noindex,follow"><body>x</body>"#).is_unlisted);
    assert!(read(r#"<meta http-equiv="Refresh" content="0; URL=a.html">"#).is_unlisted);
    assert!(!read(PAGE).is_unlisted);
    assert_eq!(read(r#"<html lang="ja"><body>x</body>"#).language.as_deref(), Some("ja"));
}

#[test]
fn a_table_is_rows_and_a_page_without_main_is_its_body() {
    let reading = read("<body><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table></body>");
    assert_eq!(reading.text, "| a | b |\n| 1 | 2 |");
}

#[test]
fn elements_that_are_never_closed_do_not_swallow_the_page() {
    let reading = read("<body><p>one<p>two<b>three</p><ul><li>four<li>five</ul><p>six</body>");
    assert!(["one", "two", "three", "four", "five", "six"].iter().all(|it| reading.text.contains(it)), "{reading:?}");
}

#[test]
fn a_page_without_body_is_read_and_a_main_in_a_comment_is_none() {
    let reading = read("<title>T</title><h1>A</h1><p>words");
    assert_eq!((reading.text.as_str(), reading.title.as_deref()), ("# A\n\nwords", Some("A")));
    assert!(read("<!-- <main> --><body><p>words</p></body>").text.contains("words"));
}

proptest! {
    #[test]
    fn any_soup_of_tags_is_read_and_cut(
        soup in r#"(<(/?)(main|body|head|pre|code|h1|h2|li|p|svg|nav|html|title)( class="boring")?>|[a-z<>&;\n \u{3000}字]){0,60}"#
    ) {
        let reading = read(&soup);
        for piece in crate::passages::split(&reading) {
            prop_assert!(reading.text[piece.start..].starts_with(piece.text));
        }
        let mut last = 0;
        for heading in &reading.headings {
            prop_assert!(last <= heading.start && heading.start <= heading.end);
            prop_assert!(reading.text.get(heading.start..heading.end).is_some());
            last = heading.start;
        }
    }
}
