//! Which file of a crate names which other: from `use` and from paths, through what a module hands on by `use` itself. What only
//! tests name is left out. Judges nothing.

use super::tree::{File, Tree};
use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use syn::{
    Attribute, Item, UseTree,
    spanned::Spanned as _,
    visit::{self, Visit},
};

/// A module's way from its crate's root: `["request", "arena"]`.
pub(crate) type Module = Vec<String>;

/// The modules of a crate and the arrows between them.
pub(crate) struct Crate {
    /// Where its sources are: `crates/documents/src`.
    pub folder: String,
    /// Its top folders.
    pub rooms: BTreeSet<String>,
    /// Who names whom, each pair once.
    pub arrows: Vec<Arrow>,
}

/// One module names another.
pub(crate) struct Arrow {
    pub from: Module,
    pub to: Module,
    /// File and line.
    pub place: String,
}

/// Every crate of the tree.
pub(crate) fn of_crates(tree: &Tree) -> Vec<Crate> {
    let roots = tree.files.iter().filter_map(|file| {
        let folder = file.path.strip_suffix("/lib.rs").or_else(|| file.path.strip_suffix("/main.rs"))?;
        folder.ends_with("src").then(|| folder.to_owned())
    });
    roots.collect::<BTreeSet<_>>().into_iter().map(|folder| of_crate(tree, folder)).collect()
}

fn of_crate(tree: &Tree, folder: String) -> Crate {
    let inside = format!("{folder}/");
    let sources = tree.ending(&[".rs"]).filter_map(|file| Some((file, file.path.strip_prefix(&inside)?)));
    let mut sources: Vec<Source> = sources.filter_map(|(file, path)| Source::read(file, path)).collect();
    sources.sort_by(|one, other| one.module.cmp(&other.module));
    let known = Known::of(&sources);
    let mut arrows: BTreeMap<(Module, Module), String> = BTreeMap::new();
    for source in &sources {
        for (line, path) in &source.named {
            let to = known.home_of(&source.module, path, MOST_HANDS);
            if let Some(to) = to.filter(|to| !to.starts_with(&source.module) && !source.module.starts_with(to)) {
                let place = format!("{}:{line}", source.path);
                arrows.entry((source.module.clone(), to)).or_insert(place);
            }
        }
    }
    let rooms = sources.iter().filter(|source| source.path.ends_with("/mod.rs") && source.module.len() == 1);
    let rooms = rooms.map(|source| source.module[0].clone()).collect();
    let arrows = arrows.into_iter().map(|((from, to), place)| Arrow { from, to, place }).collect();
    Crate { folder, rooms, arrows }
}

/// What one file says.
struct Source {
    path: String,
    module: Module,
    /// Lines, and the paths on them.
    named: Vec<(usize, Vec<String>)>,
    /// Names that a `use` brings into the module, and what they stand for.
    brought: BTreeMap<String, Vec<String>>,
}

impl Source {
    fn read(file: &File, path: &str) -> Option<Self> {
        let stem = path.strip_suffix(".rs")?;
        if stem.ends_with("_test") || stem.starts_with("bin/") {
            return None;
        }
        let mut module: Module = stem.split('/').map(str::to_owned).collect();
        let is_face = matches!(module.last().map(String::as_str), Some("mod")) || ["lib", "main"].contains(&stem);
        if is_face {
            module.pop();
        }
        let parsed = syn::parse_file(&file.text).ok()?;
        let mut source = Self { path: file.path.clone(), module, named: Vec::new(), brought: BTreeMap::new() };
        source.visit_file(&parsed);
        Some(source)
    }

    fn bring(&mut self, line: usize, before: &[String], tree: &UseTree) {
        let and = |name: &dyn ToString| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.bring(line, &and(&path.ident), &path.tree),
            UseTree::Name(name) if name.ident == "self" => self.brings(line, before.to_vec(), before.last().cloned()),
            UseTree::Name(name) => self.brings(line, and(&name.ident), Some(name.ident.to_string())),
            UseTree::Rename(rename) => self.brings(line, and(&rename.ident), Some(rename.rename.to_string())),
            UseTree::Glob(_) => self.brings(line, before.to_vec(), None),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.bring(line, before, tree)),
        }
    }

    fn brings(&mut self, line: usize, path: Vec<String>, name: Option<String>) {
        self.named.push((line, path.clone()));
        if let Some(name) = name {
            self.brought.insert(name, path);
        }
    }

    /// Macros are not parsed: names that colons join are a path.
    fn scan(&mut self, tokens: TokenStream) {
        let (mut line, mut path, mut colons) = (0, Vec::new(), 0);
        for token in tokens {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(ident) if colons == 2 => path.push(ident.to_string()),
                TokenTree::Ident(ident) => {
                    self.names(line, std::mem::take(&mut path));
                    line = ident.span().start().line;
                    path.push(ident.to_string());
                }
                TokenTree::Group(group) => self.scan(group.stream()),
                _ => self.names(line, std::mem::take(&mut path)),
            }
            colons = 0;
        }
        self.names(line, path);
    }

    fn names(&mut self, line: usize, path: Vec<String>) {
        if path.len() > 1 {
            self.named.push((line, path));
        }
    }
}

impl<'ast> Visit<'ast> for Source {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.bring(item.span().start().line, &[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.names(path.span().start().line, names);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.visit_path(&called.path);
        self.scan(called.tokens.clone());
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    let condition = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    condition.filter_map(|attribute| attribute.parse_args::<syn::Path>().ok()).any(|path| path.is_ident("test"))
}

/// All modules of a crate, and what each brings in by `use`.
struct Known<'a> {
    brought: BTreeMap<&'a [String], &'a BTreeMap<String, Vec<String>>>,
}

impl<'a> Known<'a> {
    fn of(sources: &'a [Source]) -> Self {
        Self { brought: sources.iter().map(|source| (source.module.as_slice(), &source.brought)).collect() }
    }

    /// The module in which the thing at this path stands; `None` for what is not of this crate.
    fn home_of(&self, module: &[String], path: &[String], hands: usize) -> Option<Module> {
        let hands = hands.checked_sub(1)?;
        let (mut home, rest) = self.begin(module, path, hands)?;
        for name in rest {
            home.push(name.clone());
            if self.brought.contains_key(home.as_slice()) {
                continue;
            }
            home.pop();
            let handed = self.brought.get(home.as_slice()).and_then(|brought| brought.get(name));
            return Some(handed.and_then(|path| self.home_of(&home, path, hands)).unwrap_or(home));
        }
        Some(home)
    }

    /// Where a path begins, and what is left of it.
    fn begin<'p>(&self, module: &[String], path: &'p [String], hands: usize) -> Option<(Module, &'p [String])> {
        let (first, mut rest) = path.split_first()?;
        let mut home = module.to_vec();
        match first.as_str() {
            "crate" => home.clear(),
            "self" => {}
            "super" => {
                home.pop();
                while let Some((_, above)) = rest.split_first().filter(|(name, _)| *name == "super") {
                    (_, rest) = (home.pop(), above);
                }
            }
            name => {
                home.push(name.to_owned());
                if !self.brought.contains_key(home.as_slice()) {
                    let brought = self.brought.get(module)?.get(name).filter(|path| path.as_slice() != [name])?;
                    home = self.home_of(module, brought, hands)?;
                }
            }
        }
        Some((home, rest))
    }
}

/// A thing that is handed on more often is not followed: a `use` can name itself.
const MOST_HANDS: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows(files: &[(&str, &str)]) -> Vec<String> {
        let crates = of_crates(&Tree::of(files));
        let shown = |arrow: &Arrow| format!("{} -> {} at {}", arrow.from.join("."), arrow.to.join("."), arrow.place);
        crates.iter().flat_map(|one| one.arrows.iter().map(shown)).collect()
    }

    #[test]
    fn a_use_a_path_and_a_macro_are_arrows() {
        let files = [
            ("a/src/lib.rs", "mod b; mod c; mod d; mod e;"),
            ("a/src/b.rs", "use crate::{c::C, d};\nfn f() { d::g(); super::e::h() }"),
            ("a/src/c.rs", "struct C;\nfn f() { println!(\"{}\", crate::d::g()) }"),
            ("a/src/d.rs", "fn g() {}"),
            ("a/src/e.rs", ""),
        ];
        let expected =
            ["b -> c at a/src/b.rs:1", "b -> d at a/src/b.rs:1", "b -> e at a/src/b.rs:2", "c -> d at a/src/c.rs:2"];
        assert_eq!(arrows(&files), expected);
    }

    #[test]
    fn a_name_that_the_root_hands_on_leads_to_where_it_stands() {
        let files = [
            ("a/src/lib.rs", "mod b; mod c;\npub use c::{self as see, C as Sea};"),
            ("a/src/b.rs", "use crate::Sea;\nfn f(_: Sea) { Sea::new() }"),
            ("a/src/c/mod.rs", "pub struct C;\nmod inner;"),
            ("a/src/c/inner.rs", "use super::C;"),
        ];
        assert_eq!(arrows(&files), ["b -> c at a/src/b.rs:1"]);
    }

    #[test]
    fn what_only_tests_name_is_no_arrow() {
        let files = [
            ("a/src/lib.rs", "mod b; mod c;"),
            ("a/src/b.rs", "#[cfg(test)]\nmod tests { use crate::c::C; }\n#[cfg(test)] fn f() { crate::c::g() }"),
            ("a/src/c.rs", ""),
            ("a/src/b_test.rs", "use crate::c::C;"),
        ];
        assert!(arrows(&files).is_empty());
    }
}
