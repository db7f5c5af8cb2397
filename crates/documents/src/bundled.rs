//! The project's own documents, which every store holds. They are compiled in, so there is always something to find.

/// The name of their source.
pub(crate) const SOURCE: &str = "sidelight";

/// Path and text of each.
pub(crate) const FILES: [(&str, &str); 4] = [
    ("README.md", include_str!("../../../README.md")),
    ("ARCHITECTURE.md", include_str!("../../../ARCHITECTURE.md")),
    ("CONTRIBUTING.md", include_str!("../../../CONTRIBUTING.md")),
    ("features.md", include_str!("../../../features.md")),
];
