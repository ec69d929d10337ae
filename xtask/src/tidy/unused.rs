//! Declared dependencies that no file names: ours to take out. Names are looked for as words in the crate's Rust
//! files, which finds what cargo-machete finds and costs no compiling.

use std::path::Path;

use anyhow::Result;

use super::metadata::Graph;
use crate::shell::{files_below, read};

/// Crates that work without being named, with the reason.
const SILENT: [(&str, &str); 0] = [];

pub fn check(graph: &Graph, root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for package in graph.ours() {
        let folder = package.manifest_path.parent().unwrap_or(root);
        let mut sources = String::new();
        for part in ["src", "tests", "benches", "examples"] {
            for file in files_below(&folder.join(part))? {
                if file.extension().is_some_and(|kind| kind == "rs") {
                    sources.push_str(&read(&file)?);
                }
            }
        }
        if folder.join("build.rs").is_file() {
            sources.push_str(&read(&folder.join("build.rs"))?);
        }
        for dependency in &package.dependencies {
            let name = dependency.rename.as_ref().unwrap_or(&dependency.name);
            if !names(&sources, name) && !SILENT.iter().any(|(silent, _)| silent == name) {
                findings.push(format!("{} declares {name} and never names it", package.name));
            }
        }
    }
    findings.extend(unused_table(graph, &read(&root.join("Cargo.toml"))?)?);
    Ok(findings)
}

/// Lines of `[workspace.dependencies]` that no crate takes.
fn unused_table(graph: &Graph, manifest: &str) -> Result<Vec<String>> {
    let manifest: toml::Table = toml::from_str(manifest)?;
    let table =
        manifest.get("workspace").and_then(|part| part.get("dependencies")).and_then(toml::Value::as_table);
    let taken = |name: &String| {
        graph
            .ours()
            .flat_map(|package| &package.dependencies)
            .any(|dependency| dependency.rename.as_ref().unwrap_or(&dependency.name) == name)
    };
    Ok(table
        .into_iter()
        .flat_map(|table| table.keys())
        .filter(|name| !taken(name))
        .map(|name| format!("Cargo.toml offers {name} to the workspace and no crate takes it"))
        .collect())
}

/// Whether the crate's name stands in the text as a word.
fn names(text: &str, name: &str) -> bool {
    let word = name.replace('-', "_");
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(&word)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::super::metadata::Package;
    use super::*;

    #[test]
    fn finds_names_as_words_only() {
        assert!(names("use serde_json::Value;", "serde-json"));
        assert!(!names("use serde_json::Value;", "serde"));
        assert!(names("#[serde(default)]", "serde"));
    }

    #[test]
    fn finds_dependencies_that_no_file_names() {
        let folder = tempfile::tempdir().unwrap();
        let member = folder.path().join("one");
        std::fs::create_dir_all(member.join("src")).unwrap();
        std::fs::write(member.join("src/lib.rs"), "use anyhow::Result;").unwrap();
        std::fs::write(
            folder.path().join("Cargo.toml"),
            "[workspace.dependencies]\nanyhow = \"1\"\nrand = \"1\"\nsyn = \"2\"",
        )
        .unwrap();
        let mut package = Package::of("one", &[("anyhow", None), ("rand", None)]);
        package.manifest_path = member.join("Cargo.toml");
        let found = check(&Graph::of(vec![package], &["one"]), folder.path()).unwrap();
        assert_eq!(
            found,
            [
                "one declares rand and never names it",
                "Cargo.toml offers syn to the workspace and no crate takes it"
            ]
        );
    }
}
