//! Our own files: length, leftovers, paths of one machine.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::shell::root;

/// Files stay small enough to be read whole.
const LONGEST: usize = 600;
/// In halves, so that this file does not find itself.
const LEFTOVERS: [(&str, &str); 5] =
    [("todo", "!("), ("unimplemented", "!("), ("FIX", "ME"), ("XX", "X:"), ("dbg", "!(")];
const MACHINE_PATHS: [(&str, &str); 4] = [("/ho", "me/"), ("/ro", "ot/"), ("/Us", "ers/"), ("/wo", "rk/")];
const TEXT: [&str; 12] = ["rs", "toml", "md", "sh", "css", "html", "js", "json", "sql", "py", "yml", "run"];

pub fn check(sh: &Shell) -> Result<Vec<String>> {
    // Tracked files and new ones that are not ignored: what a commit could hold.
    let list = cmd!(sh, "git ls-files --cached --others --exclude-standard").quiet().read()?;
    let mut findings = Vec::new();
    for name in list.lines() {
        let kind = name.rsplit(['.', '/']).next().unwrap_or_default();
        if !TEXT.contains(&kind) {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(root().join(name)) else { continue };
        findings.extend(check_file(name, &text));
    }
    Ok(findings)
}

fn check_file(name: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let code = name.rsplit('.').next() == Some("rs");
    let lines = text.lines().count();
    if code && lines > LONGEST {
        findings.push(format!("{name}: {lines} lines, more than {LONGEST}"));
    }
    for (number, line) in text.lines().enumerate() {
        let place = || format!("{name}:{}", number + 1);
        for (head, tail) in LEFTOVERS {
            if code && line.contains(&format!("{head}{tail}")) {
                findings.push(format!("{}: {head}{tail} is left behind", place()));
            }
        }
        for (head, tail) in MACHINE_PATHS {
            let path = format!("{head}{tail}");
            let absolute = line.match_indices(&path).any(|(at, _)| {
                // Behind a variable or a tilde it is a folder of whoever runs it, not of this machine.
                !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-~/}*>)".contains(c))
            });
            if absolute {
                findings.push(format!("{}: {path} is a path of one machine", place()));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_long_files_leftovers_and_machine_paths() {
        let long = "\n".repeat(LONGEST + 1);
        assert_eq!(check_file("a.rs", &long).len(), 1);
        assert!(check_file("a.sql", &long).is_empty());
        let left = format!("fn f() {{ to{}() }}\n// FI{} later", "do!", "XME");
        assert_eq!(check_file("a.rs", &left).len(), 2);
        let path = format!("let a = \"/ho{}\";", "me/me/x");
        assert!(check_file("a.rs", &path)[0].starts_with("a.rs:1: "));
        assert!(check_file("a.md", "see `crates/home/x` and $HOME/home/x").is_empty());
    }
}
