//! Rule: a function has at most 70 lines, from its `fn` to its last brace; attributes and documentation are not counted.
//! Bodies that only a macro's tokens hold are not seen.

use super::{Violation, tree::Tree};
use proc_macro2::Span;
use syn::{
    Block, ImplItemFn, ItemFn, Signature, TraitItemFn,
    visit::{self, Visit},
};

/// Functions that are longer, and files that cannot be parsed.
pub(crate) fn violations(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.ending(&[".rs"]) {
        match syn::parse_file(&file.text) {
            Ok(parsed) => {
                let mut long = Long::default();
                long.visit_file(&parsed);
                found.extend(long.functions.iter().map(|what| format!("{}:{what}", file.path)));
            }
            Err(error) => found.push(format!("{}: cannot be parsed: {error}", file.path)),
        }
    }
    found
}

#[derive(Default)]
struct Long {
    functions: Vec<String>,
}

impl Long {
    fn measure(&mut self, signature: &Signature, block: &Block) {
        let first = line(signature.fn_token.span, Span::start);
        let lines = line(block.brace_token.span.close(), Span::end) + 1 - first;
        if lines > LINES_MAX {
            self.functions.push(format!("{first}: `{}` has {lines} lines, at most {LINES_MAX}", signature.ident));
        }
    }
}

fn line(span: Span, end: fn(&Span) -> proc_macro2::LineColumn) -> usize {
    end(&span).line
}

impl<'ast> Visit<'ast> for Long {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

const LINES_MAX: usize = 70;

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> String {
        format!("/// Said.\nfn long() {{\n{}}}\n", "    f();\n".repeat(lines - 2))
    }

    #[test]
    fn a_function_of_71_lines_is_found_and_one_of_70_is_not() {
        let (fits, long) = (function(LINES_MAX), function(LINES_MAX + 1));
        let tree = Tree::of(&[("a.rs", &fits), ("b.rs", &long)]);
        assert_eq!(violations(&tree), ["b.rs:2: `long` has 71 lines, at most 70"]);
    }

    #[test]
    fn methods_and_functions_inside_functions_are_seen() {
        let long = function(80);
        let text = format!("impl T {{ {long} }}\ntrait U {{ {long} }}\nfn outer() {{ {long} }}");
        assert_eq!(violations(&Tree::of(&[("a.rs", &text)])).len(), 4);
    }

    #[test]
    fn what_is_no_rust_is_said_to_be_none() {
        assert!(violations(&Tree::of(&[("a.rs", "fn (")]))[0].contains("cannot be parsed"));
    }
}
