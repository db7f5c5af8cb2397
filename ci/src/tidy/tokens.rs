//! Walks a Rust file's tokens, those inside macros too, and not its comments and strings. Knows no rule.

use proc_macro2::{Ident, TokenStream, TokenTree};
use std::str::FromStr;

/// Every identifier with the token that stands after it and the one after that.
pub(crate) fn each_ident(text: &str, mut see: impl FnMut(&Ident, Option<&TokenTree>, Option<&TokenTree>)) {
    // A file that is no Rust fails to compile, which says it better.
    if let Ok(stream) = TokenStream::from_str(text) {
        walk(stream, &mut see);
    }
}

fn walk(stream: TokenStream, see: &mut impl FnMut(&Ident, Option<&TokenTree>, Option<&TokenTree>)) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(ident) => see(ident, tokens.get(at + 1), tokens.get(at + 2)),
            TokenTree::Group(group) => walk(group.stream(), see),
            _ => {}
        }
    }
}

/// The line of a token, from 1.
pub(crate) fn line(ident: &Ident) -> usize {
    ident.span().start().line
}

/// Whether this is that punctuation mark.
pub(crate) fn is_mark(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_inside_macros_are_seen_and_comments_are_not() {
        let mut seen = Vec::new();
        each_ident("// gone\nfn f() { m! { inner \"text\" } }", |ident, next, _| {
            seen.push((ident.to_string(), line(ident), is_mark(next, '!')));
        });
        let names: Vec<&str> = seen.iter().map(|(name, _, _)| name.as_str()).collect();
        assert_eq!(names, ["fn", "f", "m", "inner"]);
        assert_eq!(seen[2], ("m".to_owned(), 2, true));
    }
}
