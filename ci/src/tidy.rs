//! Step `tidy`: the house rules as code, one rule a file. Reads the tree and the package graph; builds and changes nothing.

mod arrows;
mod cfg_sites;
mod circles;
mod edges;
mod features_on;
mod file_length;
mod graph;
mod headers;
mod licences;
mod links;
mod markers;
mod only_in;
mod private_words;
mod reasons;
mod rooms;
mod slugs;
mod spdx;
mod tokens;
mod tree;
mod unsafe_code;

use crate::{house::House, score::Score};
use graph::Graph;
use tree::Tree;

/// A place and what is wrong there, as one line.
type Violation = String;

/// One rule about files: its name, its sentence, and what finds the places that break it.
type FileRule = (&'static str, &'static str, fn(&Tree) -> Vec<Violation>);

/// One rule about packages.
type GraphRule = (&'static str, &'static str, fn(&Graph) -> Vec<Violation>);

const FILE_RULES: [FileRule; 10] = [
    ("cfg sites", "a feature is asked for in the faces only, ten lines in all", cfg_sites::violations),
    ("circles", "files and rooms side by side name each other one way", circles::violations),
    ("file length", "a file has at most 400 lines", file_length::violations),
    ("headers", "a file opens with `//!`", headers::violations),
    ("markers", "nothing is left for later", markers::violations),
    ("rooms", "the picture in ARCHITECTURE.md is what the code says", rooms::violations),
    ("unsafe code", "`unsafe` stands in the listed files only", unsafe_code::violations),
    ("reasons", "each dependency says why it is there", reasons::violations),
    ("private words", "nothing tells of the machine it was written on", private_words::violations),
    ("links", "links between files lead somewhere", links::violations),
];

const GRAPH_RULES: [GraphRule; 4] = [
    ("edges", "who may know whom", edges::violations),
    ("features on", "only `mcp` switches a feature of the facade on", features_on::violations),
    ("only in", "a library is used in its own crate only", only_in::violations),
    ("licences", "every package's licence is allowed", licences::violations),
];

pub(crate) use rooms::redraw;

/// Runs the step.
pub(crate) fn run(house: &House, score: &mut Score) {
    let tree = Tree::read(house.root());
    for (name, sentence, rule) in FILE_RULES {
        report(score, name, sentence, &rule(&tree));
    }
    match Graph::read(house.root()) {
        Ok(graph) => {
            for (name, sentence, rule) in GRAPH_RULES {
                report(score, name, sentence, &rule(&graph));
            }
        }
        Err(why) => score.fail("the package graph", &why),
    }
}

fn report(score: &mut Score, name: &str, sentence: &str, violations: &[Violation]) {
    let name = format!("{name} ({sentence})");
    if violations.is_empty() {
        return score.pass(&name);
    }
    for violation in violations {
        println!("  {violation}");
    }
    score.fail(&name, &format!("{} found, the first: {}", violations.len(), violations[0]));
}
