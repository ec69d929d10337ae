//! What of `cargo metadata` the checks need.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;
use serde::Deserialize;
use xshell::{Shell, cmd};

#[derive(Debug, Deserialize)]
pub struct Graph {
    pub packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
pub struct Package {
    id: String,
    pub name: String,
    pub manifest_path: PathBuf,
    /// As declared, for every platform.
    pub dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
pub struct Dependency {
    pub name: String,
    /// Absent for normal ones.
    pub kind: Option<Kind>,
    pub rename: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Dev,
    Build,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
}

impl Graph {
    /// The packages that are compiled on Linux or for the browser, with all their features.
    pub fn load(sh: &Shell) -> Result<Self> {
        let json = cmd!(
            sh,
            "cargo metadata --format-version 1 --locked --all-features
                --filter-platform x86_64-unknown-linux-gnu --filter-platform wasm32-unknown-unknown"
        )
        .quiet()
        .read()?;
        let mut graph: Self = serde_json::from_str(&json)?;
        let reached: BTreeSet<&str> = graph.resolve.nodes.iter().map(|node| node.id.as_str()).collect();
        graph.packages.retain(|package| reached.contains(package.id.as_str()));
        Ok(graph)
    }

    pub fn is_ours(&self, package: &Package) -> bool {
        self.workspace_members.contains(&package.id)
    }

    pub fn ours(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.is_ours(package))
    }

    #[cfg(test)]
    pub fn of(packages: Vec<Package>, ours: &[&str]) -> Self {
        Self {
            packages,
            workspace_members: ours.iter().map(|&id| id.to_owned()).collect(),
            resolve: Resolve { nodes: Vec::new() },
        }
    }
}

#[cfg(test)]
impl Package {
    pub fn of(name: &str, dependencies: &[(&str, Option<Kind>)]) -> Self {
        Self {
            id: name.to_owned(),
            name: name.to_owned(),
            manifest_path: PathBuf::from(name).join("Cargo.toml"),
            dependencies: dependencies
                .iter()
                .map(|&(name, kind)| Dependency { name: name.to_owned(), kind, rename: None })
                .collect(),
        }
    }
}
