//! Where the repository and its build output are. Reads no file.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The repository.
pub(crate) struct House {
    root: PathBuf,
}

impl House {
    /// The repository that this program was built from.
    pub(crate) fn here() -> Self {
        let ci = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = ci.parent().expect("the crate `ci` lies in the repository's root").to_owned();
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Where Cargo builds to.
    pub(crate) fn target(&self) -> PathBuf {
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.path("target"), PathBuf::from)
    }

    /// Where the steps keep what they install or copy; never checked in.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.target().join("ci")
    }
}
