//! What may be linked: licences, banned crates, two versions of one crate. The rules stand in `deny.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::metadata::Graph;
use super::spdx;
use crate::shell::read;

#[derive(Debug, Deserialize)]
pub struct Rules {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    #[serde(default)]
    deny: Vec<Ban>,
    /// Crates that may be there in two versions.
    #[serde(default)]
    skip: Vec<Skip>,
}

#[derive(Debug, Deserialize)]
struct Ban {
    name: String,
    #[serde(default)]
    reason: String,
    /// Crates that bring it along and are worth it.
    #[serde(default)]
    wrappers: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Skip {
    name: String,
}

impl Rules {
    pub fn load(path: &Path) -> Result<Self> {
        toml::from_str(&read(path)?).with_context(|| path.display().to_string())
    }
}

pub fn check(graph: &Graph, rules: &Rules) -> Vec<String> {
    let mut findings = licences(graph, rules);
    for ban in &rules.bans.deny {
        for package in graph.packages.iter().filter(|package| package.name == ban.name) {
            let parents: Vec<String> = graph
                .parents(package)
                .into_iter()
                .filter(|parent| !ban.wrappers.iter().any(|name| parent.split(' ').next() == Some(name)))
                .collect();
            if !parents.is_empty() || ban.wrappers.is_empty() {
                findings.push(format!(
                    "{} is banned ({}); asked for by {}",
                    package.name,
                    ban.reason,
                    parents.join(", ")
                ));
            }
        }
    }
    findings.extend(duplicates(graph, rules));
    findings
}

fn licences(graph: &Graph, rules: &Rules) -> Vec<String> {
    let allow = |name: &str| rules.licenses.allow.contains(name);
    graph
        .theirs()
        .filter_map(|package| {
            let name = format!("{} {}", package.name, package.version);
            match (&package.license, &package.license_file) {
                (Some(expression), _) => match spdx::allowed(expression, &allow) {
                    Some(true) => None,
                    Some(false) => Some(format!("{name}: licence {expression} is not allowed by deny.toml")),
                    None => Some(format!("{name}: licence \"{expression}\" can't be read")),
                },
                (None, Some(file)) => Some(format!("{name}: states only a licence file, {file}")),
                (None, None) => Some(format!("{name}: states no licence")),
            }
        })
        .collect()
}

fn duplicates(graph: &Graph, rules: &Rules) -> Vec<String> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in graph.theirs() {
        versions.entry(&package.name).or_default().insert(&package.version);
    }
    let skipped = |name: &str| rules.bans.skip.iter().any(|skip| skip.name == name);
    let mut findings: Vec<String> = versions
        .iter()
        .filter(|(name, versions)| versions.len() > 1 && !skipped(name))
        .map(|(name, versions)| {
            let versions: Vec<&str> = versions.iter().copied().collect();
            format!("{name} is there in {} versions ({})", versions.len(), versions.join(", "))
        })
        .collect();
    for skip in &rules.bans.skip {
        if versions.get(skip.name.as_str()).is_none_or(|versions| versions.len() < 2) {
            findings.push(format!("deny.toml lets {} be there twice, but it is not", skip.name));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::metadata::Package;
    use super::*;

    fn rules(skip: &str) -> Rules {
        let text = format!(
            "[licenses]\nallow = [\"MIT\"]\n[bans]\ndeny = [{{ name = \"openssl\", reason = \"rustls\" }}]\nskip = [{skip}]"
        );
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn finds_licences_that_are_not_allowed_and_banned_crates() {
        let graph = Graph::of(
            vec![
                Package::of("fine", "MIT OR GPL-3.0", &[]),
                Package::of("viral", "AGPL-3.0", &[]),
                Package::of("openssl", "MIT", &[]),
                Package::of("own", "AGPL-3.0", &[]),
            ],
            &["own"],
        );
        let found = check(&graph, &rules(""));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("viral 1.0.0: licence AGPL-3.0"));
        assert!(found[1].starts_with("openssl is banned (rustls)"));
    }

    #[test]
    fn finds_two_versions_and_exceptions_without_need() {
        let mut second = Package::of("rand", "MIT", &[]);
        second.version = "2.0.0".into();
        let graph = Graph::of(vec![Package::of("rand", "MIT", &[]), second], &[]);
        assert_eq!(check(&graph, &rules("")), ["rand is there in 2 versions (1.0.0, 2.0.0)"]);
        assert!(check(&graph, &rules("{ name = \"rand\" }")).is_empty());
        let found = check(&graph, &rules("{ name = \"rand\" }, { name = \"syn\" }"));
        assert_eq!(found, ["deny.toml lets syn be there twice, but it is not"]);
    }
}
