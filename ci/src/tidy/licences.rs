//! Rule: every package from elsewhere may be used under a licence of this list. Weak copyleft by file (MPL) is allowed,
//! CDDL and everything that is not listed is refused. Says nothing of the licences of our own packages.

use super::{Violation, graph::Graph, spdx};

/// Packages without a licence that is allowed.
pub(crate) fn violations(graph: &Graph) -> Vec<Violation> {
    graph
        .others
        .iter()
        .filter_map(|package| match &package.licence {
            Some(licence) if spdx::permits(licence, &|name| ALLOWED.contains(&name)) => None,
            Some(licence) => Some(format!("{}: `{licence}` is not allowed", package.name)),
            None => Some(format!("{}: names no licence", package.name)),
        })
        .collect()
}

/// SQLite itself, inside `libsqlite3-sys`, is in the public domain; the package around it is MIT.
const ALLOWED: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

#[cfg(test)]
mod tests {
    use super::{super::graph::Other, *};

    fn of(licence: Option<&str>) -> Vec<Violation> {
        let other = Other { name: "x 1.0.0".to_owned(), licence: licence.map(str::to_owned) };
        violations(&Graph { ours: Vec::new(), others: vec![other] })
    }

    #[test]
    fn allowed_licences_are_silent() {
        for licence in ["MIT", "Unlicense OR MIT", "MIT/Apache-2.0", "(MIT OR Apache-2.0) AND Unicode-3.0", "MPL-2.0"] {
            assert!(of(Some(licence)).is_empty(), "{licence}");
        }
    }

    #[test]
    fn others_and_none_are_found() {
        assert_eq!(of(Some("CDDL-1.0")), ["x 1.0.0: `CDDL-1.0` is not allowed"]);
        assert_eq!(of(Some("MIT AND GPL-3.0-only")).len(), 1);
        assert_eq!(of(None), ["x 1.0.0: names no licence"]);
    }
}
