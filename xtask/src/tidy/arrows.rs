//! Which crate may know which. ARCHITECTURE.md says why.

use super::metadata::{Graph, Kind, Package};

/// Our crates that a crate of ours may use in what ships. Tests may use what they like of ours but for the binary.
const OURS: [(&str, &[&str]); 14] = [
    ("overread-domain", &[]),
    ("overread-deid", &["overread-domain"]),
    ("overread-keys", &[]),
    ("overread-api", &["overread-domain"]),
    ("overread-codes", &["overread-domain"]),
    ("overread-edits", &["overread-codes", "overread-domain"]),
    ("overread-encoder", &[]),
    ("overread-suggest", &["overread-codes", "overread-domain", "overread-encoder"]),
    ("overread-train", &["overread-codes", "overread-domain", "overread-encoder", "overread-suggest"]),
    ("overread-intake", &["overread-api", "overread-domain"]),
    ("overread-store", &["overread-domain"]),
    (
        "overread-server",
        &[
            "overread-api",
            "overread-codes",
            "overread-deid",
            "overread-domain",
            "overread-edits",
            "overread-intake",
            "overread-keys",
            "overread-store",
            "overread-suggest",
        ],
    ),
    (
        "overread",
        &[
            "overread-api",
            "overread-codes",
            "overread-deid",
            "overread-domain",
            "overread-edits",
            "overread-encoder",
            "overread-intake",
            "overread-keys",
            "overread-server",
            "overread-store",
            "overread-suggest",
            "overread-train",
        ],
    ),
    ("overread-frontend", &["overread-api", "overread-domain"]),
];

/// Foreign crates (a `*` at the end stands for any ending) and the only crates of ours that may name them, tests too.
const THEIRS: [(&str, &[&str]); 12] = [
    ("candle*", &["overread-encoder", "overread-train"]),
    ("tokenizers", &["overread-encoder", "overread-train"]),
    ("sqlx*", &["overread-store"]),
    ("axum*", &["overread-server"]),
    ("tower-http", &["overread-server"]),
    ("leptos*", &["overread-frontend"]),
    ("web-sys", &["overread-frontend"]),
    ("clap", &["overread"]),
    // std has what these were for.
    ("once_cell", &[]),
    ("lazy_static", &[]),
    ("async-trait", &[]),
    ("anyhow", &["overread", "overread-e2e", "xtask"]),
];

/// Crates that the browser and the trainer share: no more than this may hang on them.
const LIGHT: [&str; 2] = ["overread-domain", "overread-api"];
const LIGHT_MAY_USE: [&str; 4] = ["overread-domain", "serde", "thiserror", "utoipa"];

/// Only for tests; nothing that ships may use them.
const TEST_ONLY: [&str; 2] = ["overread-test-support", "overread-e2e"];

pub fn check(graph: &Graph) -> Vec<String> {
    let mut findings = Vec::new();
    for package in graph.ours() {
        for dependency in &package.dependencies {
            let ours = graph.ours().any(|other| other.name == dependency.name);
            let wrong = if ours {
                wrong_way(package, &dependency.name, dependency.kind)
            } else {
                not_here(package, &dependency.name, dependency.kind)
            };
            if let Some(why) = wrong {
                findings.push(format!("{} -> {}: {why}", package.name, dependency.name));
            }
        }
    }
    findings
}

/// Tests and tools ship nothing and stand above everything.
fn is_tool(package: &Package) -> bool {
    !OURS.iter().any(|(name, _)| *name == package.name)
}

fn wrong_way(package: &Package, to: &str, kind: Option<Kind>) -> Option<String> {
    if kind == Some(Kind::Dev) || is_tool(package) {
        return None;
    }
    if TEST_ONLY.contains(&to) {
        return Some(format!("{to} is only for tests"));
    }
    let (_, may) = OURS.iter().find(|(name, _)| *name == package.name)?;
    (!may.contains(&to)).then(|| {
        if may.is_empty() {
            "it uses no crate of ours".to_owned()
        } else {
            format!("of ours it uses only {}", may.join(", "))
        }
    })
}

fn not_here(package: &Package, to: &str, kind: Option<Kind>) -> Option<String> {
    if kind.is_none() && LIGHT.contains(&package.name.as_str()) && !LIGHT_MAY_USE.contains(&to) {
        return Some(format!("it may hang on nothing but {}", LIGHT_MAY_USE.join(", ")));
    }
    let (_, may) = THEIRS.iter().find(|(pattern, _)| match pattern.strip_suffix('*') {
        Some(start) => to.starts_with(start),
        None => to == *pattern,
    })?;
    (!may.contains(&package.name.as_str())).then(|| {
        if may.is_empty() {
            format!("no crate of ours needs {to}")
        } else {
            format!("{to} only in {}", may.join(", "))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(package: Package) -> Vec<String> {
        let others = ["overread-store", "overread-domain", "overread-server", "overread-test-support"];
        let name = package.name.clone();
        let mut packages = vec![package];
        packages.extend(others.iter().filter(|&&other| other != name).map(|other| Package::of(other, &[])));
        let ours: Vec<String> = packages.iter().map(|package| package.name.clone()).collect();
        check(&Graph::of(packages, &ours.iter().map(String::as_str).collect::<Vec<_>>()))
    }

    #[test]
    fn names_the_arrow_that_points_the_wrong_way() {
        let up = Package::of("overread-store", &[("overread-server", None)]);
        assert_eq!(findings(up), ["overread-store -> overread-server: of ours it uses only overread-domain"]);
    }

    #[test]
    fn keeps_sql_axum_and_candle_at_home_in_tests_too() {
        for foreign in ["sqlx", "sqlx-core", "candle-core"] {
            let package = Package::of("overread-server", &[(foreign, Some(Kind::Dev)), ("axum", None)]);
            let found = findings(package);
            assert!(found.len() == 1 && found[0].contains(foreign), "{found:?}");
        }
    }

    #[test]
    fn keeps_what_the_browser_shares_light() {
        let heavy = Package::of("overread-domain", &[("rand", None), ("proptest", Some(Kind::Dev))]);
        let found = findings(heavy);
        assert!(found.len() == 1 && found[0].starts_with("overread-domain -> rand"), "{found:?}");
    }

    #[test]
    fn lets_tests_but_not_products_use_test_support() {
        let test = Package::of("overread-store", &[("overread-test-support", Some(Kind::Dev))]);
        assert!(findings(test).is_empty());
        let product = Package::of("overread-store", &[("overread-test-support", None)]);
        assert_eq!(findings(product).len(), 1);
    }
}
