//! Rule: among the files and rooms that stand side by side, the arrows lead one way: there is no circle. What a file and the
//! room that holds it have of each other is not this rule's business.

use super::{
    Violation,
    arrows::{self, Crate, Module},
    tree::Tree,
};
use std::collections::{BTreeMap, VecDeque};

/// The arrows between the siblings of one room, with the place of the first: `from -> to`.
type Siblings<'a> = BTreeMap<&'a str, BTreeMap<&'a str, &'a str>>;

/// Each circle, by its shortest way round, with the line that closes it.
pub(crate) fn violations(tree: &Tree) -> Vec<Violation> {
    arrows::of_crates(tree).iter().flat_map(of_crate).collect()
}

fn of_crate(one: &Crate) -> Vec<Violation> {
    let mut found = Vec::new();
    for (room, siblings) in &rooms(one) {
        let mut told: Vec<&str> = Vec::new();
        for start in siblings.keys() {
            if let Some(circle) = shortest(siblings, start).filter(|circle| !circle.iter().any(|it| told.contains(it)))
            {
                let (last, place) = (circle[circle.len() - 1], siblings[circle[circle.len() - 1]][start]);
                let folder = [&[one.folder.as_str()][..], room].concat().join("/");
                found.push(format!("{folder}: {} -> {start}, closed by `{last}` at {place}", circle.join(" -> ")));
                told.extend(circle);
            }
        }
    }
    found
}

/// An arrow between two modules is one between the two siblings that hold them.
fn rooms(one: &Crate) -> BTreeMap<Vec<&str>, Siblings<'_>> {
    let mut rooms: BTreeMap<Vec<&str>, Siblings> = BTreeMap::new();
    for arrow in &one.arrows {
        let shared = shared(&arrow.from, &arrow.to);
        let room = arrow.from[..shared].iter().map(String::as_str).collect();
        let (from, to) = (arrow.from[shared].as_str(), arrow.to[shared].as_str());
        rooms.entry(room).or_default().entry(from).or_default().entry(to).or_insert(arrow.place.as_str());
    }
    rooms
}

/// How much of the way both have in common.
fn shared(one: &Module, other: &Module) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

/// The shortest way from a sibling back to itself, without that last step.
fn shortest<'a>(siblings: &Siblings<'a>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut ways = VecDeque::from([vec![start]]);
    let mut seen = vec![start];
    while let Some(way) = ways.pop_front() {
        for next in siblings.get(way[way.len() - 1]).into_iter().flat_map(BTreeMap::keys) {
            if *next == start {
                return Some(way);
            }
            if !seen.contains(next) {
                seen.push(next);
                ways.push_back([way.as_slice(), &[*next]].concat());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<Violation> {
        violations(&Tree::of(files))
    }

    #[test]
    fn arrows_that_lead_one_way_are_silent() {
        let files = [
            ("a/src/lib.rs", "mod b; mod c; mod d;"),
            ("a/src/b.rs", "use crate::{c, d};"),
            ("a/src/c.rs", "use crate::d;"),
            ("a/src/d.rs", ""),
        ];
        assert!(found(&files).is_empty());
    }

    #[test]
    fn a_circle_is_told_once_by_its_way_and_the_line_that_closes_it() {
        let files = [
            ("a/src/lib.rs", "mod b; mod c; mod d;"),
            ("a/src/b.rs", "use crate::c;"),
            ("a/src/c.rs", "use crate::d;"),
            ("a/src/d.rs", "\nuse crate::b;"),
        ];
        assert_eq!(found(&files), ["a/src: b -> c -> d -> b, closed by `d` at a/src/d.rs:2"]);
    }

    #[test]
    fn rooms_are_siblings_whatever_file_in_them_names_the_other() {
        let files = [
            ("a/src/lib.rs", "mod b; mod c;"),
            ("a/src/b/mod.rs", "mod x; mod y;"),
            ("a/src/b/x.rs", "use crate::c::C;"),
            ("a/src/b/y.rs", "use super::x;"),
            ("a/src/c.rs", "use crate::b::y::Y;"),
        ];
        assert_eq!(found(&files), ["a/src: b -> c -> b, closed by `c` at a/src/c.rs:1"]);
    }
}
