//! Rule, and step `house`: the picture in ARCHITECTURE.md is what the code says: the packages, and the rooms of those that have
//! rooms, each on the floor above everything that it names.

use super::{
    Violation,
    arrows::{self, Crate},
    tree::Tree,
};
use crate::house::House;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

/// Whom each names.
type Names = BTreeMap<String, BTreeSet<String>>;

/// A picture that is not there, or is of other code.
pub(crate) fn violations(tree: &Tree) -> Vec<Violation> {
    let page = tree.files.iter().find(|file| file.path == PAGE).map_or("", |file| &file.text);
    match redrawn(page, &picture(tree)) {
        Ok(new) if new == page => Vec::new(),
        Ok(_) => vec![format!("{PAGE}: the picture is of other code: cargo ci house")],
        Err(why) => vec![why],
    }
}

/// Draws it anew.
pub(crate) fn redraw(house: &House) -> Result<(), String> {
    let path = house.path(PAGE);
    let page = fs::read_to_string(&path).map_err(|error| format!("{PAGE}: {error}"))?;
    let page = redrawn(&page, &picture(&Tree::read(house.root())))?;
    fs::write(path, page).map_err(|error| format!("{PAGE}: {error}"))
}

const PAGE: &str = "ARCHITECTURE.md";
const BEGIN: &str = "<!-- drawn by `cargo ci house` -->\n```text\n";
const END: &str = "```\n<!-- end of the picture -->";

fn redrawn(page: &str, picture: &str) -> Result<String, String> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.ok_or_else(|| format!("{PAGE}: has no place for the picture, {BEGIN:?} to {END:?}"))?;
    Ok([before, BEGIN, picture, END, after].concat())
}

fn picture(tree: &Tree) -> String {
    let mut picture = String::new();
    draw(&mut picture, "packages", &packages(tree));
    for one in arrows::of_crates(tree).iter().filter(|one| one.rooms.len() >= ROOMS_LEAST) {
        draw(&mut picture, &one.folder, &siblings(one));
    }
    picture
}

/// A crate with fewer has files, and no plan.
const ROOMS_LEAST: usize = 3;

fn draw(picture: &mut String, title: &str, names: &Names) {
    let _ = writeln!(picture, "{}{title}", if picture.is_empty() { "" } else { "\n" });
    let mut floors: Vec<(usize, &String)> = names.keys().map(|name| (floor(names, name, names.len()), name)).collect();
    floors.sort_by_key(|(floor, name)| (std::cmp::Reverse(*floor), *name));
    let width = names.keys().map(String::len).max().unwrap_or_default();
    for (floor, name) in floors {
        let below: Vec<&str> = names[name].iter().map(String::as_str).collect();
        let arrow = if below.is_empty() { String::new() } else { format!(" -> {}", below.join(", ")) };
        let _ = writeln!(picture, "{}", format!("  {floor}  {name:width$}{arrow}").trim_end());
    }
}

/// One above the highest that it names. In a circle, which another rule finds, the way ends somewhere.
fn floor(names: &Names, name: &str, left: usize) -> usize {
    let below = names.get(name).into_iter().flatten().filter(|_| left > 0);
    below.map(|below| 1 + floor(names, below, left - 1)).max().unwrap_or_default()
}

fn siblings(one: &Crate) -> Names {
    let mut names = Names::new();
    for arrow in &one.arrows {
        let (from, to) = (arrow.from[0].clone(), arrow.to[0].clone());
        names.entry(to.clone()).or_default();
        if from != to {
            names.entry(from).or_default().insert(to);
        }
    }
    names
}

/// The packages of the program, from their manifests.
fn packages(tree: &Tree) -> Names {
    let manifests = tree.files.iter().filter(|file| {
        let folder = file.path.strip_suffix("/Cargo.toml");
        folder.is_some_and(|folder| folder == "admin" || folder.starts_with("crates/"))
    });
    let all: BTreeMap<&str, &str> =
        manifests.filter_map(|file| Some((name(&file.text)?, file.text.as_str()))).collect();
    let named = |text: &str| {
        let needed = text.split_once("\n[dependencies]\n").map_or("", |(_, rest)| rest);
        let lines = needed.lines().take_while(|line| !line.starts_with('['));
        let names = lines.filter_map(|line| line.split(['.', ' ', '=']).next());
        names.filter(|name| all.contains_key(name)).map(str::to_owned).collect()
    };
    all.iter().map(|(name, text)| ((*name).to_owned(), named(text))).collect()
}

fn name(manifest: &str) -> Option<&str> {
    manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [(&str, &str); 7] = [
        (
            "crates/a/Cargo.toml",
            "[package]\nname = \"a\"\n\n[dependencies]\nb = { workspace = true }\nserde.workspace = true\n",
        ),
        ("admin/Cargo.toml", "[package]\nname = \"b\"\n\n[dependencies]\n\n[dev-dependencies]\na.workspace = true\n"),
        ("crates/a/src/lib.rs", "mod x; mod y; mod z;"),
        ("crates/a/src/x/mod.rs", "use crate::{y::Y, z::Z};"),
        ("crates/a/src/y/mod.rs", ""),
        ("crates/a/src/y/inner.rs", "use crate::z::Z;"),
        ("crates/a/src/z/mod.rs", ""),
    ];

    #[test]
    fn packages_and_rooms_stand_above_what_they_name() {
        let expected = "packages\n  1  a -> b\n  0  b\n\ncrates/a/src\n  2  x -> y, z\n  1  y -> z\n  0  z\n";
        assert_eq!(picture(&Tree::of(&FILES)), expected);
    }

    #[test]
    fn a_picture_of_other_code_is_found() {
        let page = |picture: &str| format!("# House\n{BEGIN}{picture}{END}\nMore.\n");
        let of = |text: &str| violations(&Tree::of(&[&FILES[..], &[(PAGE, text)]].concat()));
        assert!(of(&page(&picture(&Tree::of(&FILES)))).is_empty());
        assert!(of(&page("old\n"))[0].contains("cargo ci house"));
        assert!(of("no picture")[0].contains("no place"));
    }
}
