//! Evaluates a licence expression (SPDX, and the old spelling `MIT/Apache-2.0`). Does not know which licences are allowed:
//! the caller says so for each name.

/// Whether the expression can be met with licences that `allowed` says yes to; an expression that is none is refused.
pub(crate) fn permits(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let words = words(expression);
    let mut words = words.iter().map(String::as_str).peekable();
    let permitted = either(&mut words, allowed, DEPTH_MAX);
    permitted == Some(true) && words.next().is_none()
}

type Words<'a, I> = std::iter::Peekable<I>;

/// `both OR both`; none if it is no expression.
fn either<'a, I: Iterator<Item = &'a str>>(
    words: &mut Words<'a, I>,
    allowed: &dyn Fn(&str) -> bool,
    depth: u8,
) -> Option<bool> {
    let mut permitted = both(words, allowed, depth)?;
    while words.next_if(|word| *word == "OR" || *word == "/").is_some() {
        permitted |= both(words, allowed, depth)?;
    }
    Some(permitted)
}

/// `one AND one`: binds closer than `OR`.
fn both<'a, I: Iterator<Item = &'a str>>(
    words: &mut Words<'a, I>,
    allowed: &dyn Fn(&str) -> bool,
    depth: u8,
) -> Option<bool> {
    let mut permitted = one(words, allowed, depth)?;
    while words.next_if_eq(&"AND").is_some() {
        permitted &= one(words, allowed, depth)?;
    }
    Some(permitted)
}

/// A name, a name with an exception (which only permits more), or an expression in brackets.
fn one<'a, I: Iterator<Item = &'a str>>(
    words: &mut Words<'a, I>,
    allowed: &dyn Fn(&str) -> bool,
    depth: u8,
) -> Option<bool> {
    match words.next()? {
        "(" => {
            let permitted = either(words, allowed, depth.checked_sub(1)?)?;
            words.next_if_eq(&")").map(|_| permitted)
        }
        ")" | "OR" | "AND" | "WITH" | "/" => None,
        name => {
            if words.next_if_eq(&"WITH").is_some() {
                words.next()?;
            }
            Some(allowed(name.trim_end_matches('+')))
        }
    }
}

fn words(expression: &str) -> Vec<String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " / ");
    spaced.split_whitespace().map(str::to_owned).collect()
}

/// Brackets within brackets; no real expression has more than two.
const DEPTH_MAX: u8 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(expression: &str) -> bool {
        permits(expression, &|name| ["MIT", "Apache-2.0", "Unicode-3.0"].contains(&name))
    }

    #[test]
    fn or_needs_one_and_and_needs_both() {
        assert!(ok("MIT") && ok("GPL-3.0 OR MIT") && ok("MIT/GPL-3.0") && ok("MIT AND Apache-2.0"));
        assert!(!ok("GPL-3.0") && !ok("MIT AND GPL-3.0"));
    }

    #[test]
    fn and_binds_closer_and_brackets_closest() {
        assert!(ok("MIT OR GPL-3.0 AND CDDL-1.0"));
        assert!(!ok("(MIT OR GPL-3.0) AND CDDL-1.0"));
        assert!(ok("(MIT OR Apache-2.0) AND Unicode-3.0"));
    }

    #[test]
    fn an_exception_permits_more_and_never_less() {
        assert!(ok("Apache-2.0 WITH LLVM-exception"));
        assert!(ok("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT"));
        assert!(!ok("GPL-2.0 WITH Classpath-exception-2.0"));
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in ["", "MIT OR", "AND MIT", "(MIT", "MIT)", "MIT MIT", "MIT WITH", &"(".repeat(99)] {
            assert!(!ok(text), "{text}");
        }
    }
}
