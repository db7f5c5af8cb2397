//! The packages and who depends on whom, as Cargo tells it. Judges nothing.

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::{collections::BTreeMap, path::Path};

/// Every package that the lock file names for this workspace.
#[derive(Default)]
pub(crate) struct Graph {
    /// The workspace's own.
    pub ours: Vec<Package>,
    /// All others.
    pub others: Vec<Other>,
}

/// A package of the workspace.
#[derive(Default)]
pub(crate) struct Package {
    /// Its name.
    pub name: String,
    /// What its manifest asks for.
    pub dependencies: Vec<Dependency>,
    /// Its features and what each brings.
    pub features: BTreeMap<String, Vec<String>>,
}

/// One line of a manifest.
pub(crate) struct Dependency {
    /// The package's name.
    pub name: String,
    /// Whether a feature must ask for it.
    pub optional: bool,
    /// Whether it is for the program, and not for tests or build scripts.
    pub normal: bool,
    /// The features that the line switches on.
    pub features: Vec<String>,
}

/// A package from elsewhere.
pub(crate) struct Other {
    /// Name and version.
    pub name: String,
    /// What its manifest says.
    pub licence: Option<String>,
}

impl Graph {
    /// Asks Cargo; a lock file that is not up to date is refused.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let metadata = MetadataCommand::new()
            .current_dir(root)
            .other_options(["--locked", "--all-features"].map(str::to_owned))
            .exec()
            .map_err(|error| error.to_string())?;
        let mut graph = Self::default();
        for package in &metadata.packages {
            if metadata.workspace_members.contains(&package.id) {
                graph.ours.push(Package::from(package));
            } else {
                let name = format!("{} {}", package.name, package.version);
                graph.others.push(Other { name, licence: package.license.clone() });
            }
        }
        Ok(graph)
    }
}

impl From<&cargo_metadata::Package> for Package {
    fn from(package: &cargo_metadata::Package) -> Self {
        let dependencies = package.dependencies.iter().map(Dependency::from).collect();
        Self { name: package.name.to_string(), dependencies, features: package.features.clone() }
    }
}

impl From<&cargo_metadata::Dependency> for Dependency {
    fn from(dependency: &cargo_metadata::Dependency) -> Self {
        Self {
            name: dependency.name.clone(),
            optional: dependency.optional,
            normal: dependency.kind == DependencyKind::Normal,
            features: dependency.features.clone(),
        }
    }
}

#[cfg(test)]
impl Package {
    /// A package with these plain dependencies, for the rules' own tests.
    pub(crate) fn of(name: &str, dependencies: &[&str]) -> Self {
        let plain =
            |name: &&str| Dependency { name: (*name).to_owned(), optional: false, normal: true, features: Vec::new() };
        Self { name: name.to_owned(), dependencies: dependencies.iter().map(plain).collect(), ..Self::default() }
    }
}
