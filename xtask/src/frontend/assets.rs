//! File names that carry the hash of their content, so that a browser may keep them for ever, and the references to
//! them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use sha2::{Digest as _, Sha256};

pub const JS: &str = "overread.js";
pub const WASM: &str = "overread_bg.wasm";
const INDEX: &str = "index.html";
/// Asked for by their plain names.
const PLAIN: [&str; 3] = [INDEX, "favicon.ico", "robots.txt"];

pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Renames every file but the plain ones to `assets/stem-hash.ext` and rewrites the references in scripts, styles and
/// the page. A reference is a file's name in quotes or CSS brackets, with or without folders before it.
pub fn hashed(files: BTreeMap<String, Vec<u8>>) -> Result<BTreeMap<String, Vec<u8>>> {
    let names: Vec<String> = files.keys().cloned().collect();
    let mut waiting = files;
    let mut renamed: BTreeMap<String, String> = BTreeMap::new();
    let mut done = BTreeMap::new();
    while !waiting.is_empty() {
        let ready: Vec<String> = waiting
            .iter()
            .filter(|(name, content)| {
                references(name, content, &names).iter().all(|other| renamed.contains_key(other))
            })
            .map(|(name, _)| name.clone())
            .collect();
        if ready.is_empty() {
            bail!("files of the page refer to each other in a circle: {:?}", waiting.keys());
        }
        for name in ready {
            let mut content = waiting.remove(&name).expect("just listed");
            if is_text(&name) {
                let mut text = String::from_utf8(content)?;
                for other in references(&name, text.as_bytes(), &names) {
                    text = replace(&text, &other, &renamed[&other]);
                }
                content = text.into_bytes();
            }
            let new =
                if PLAIN.contains(&name.as_str()) { name.clone() } else { hashed_name(&name, &content) };
            done.insert(new.clone(), content);
            renamed.insert(name, new);
        }
    }
    if !done.contains_key(INDEX) {
        bail!("the page has no {INDEX}");
    }
    Ok(done)
}

fn hashed_name(name: &str, content: &[u8]) -> String {
    let hash = hex(&Sha256::digest(content)[..6]);
    let base = name.rsplit('/').next().unwrap_or(name);
    match base.rsplit_once('.') {
        Some((stem, kind)) => format!("assets/{stem}-{hash}.{kind}"),
        None => format!("assets/{base}-{hash}"),
    }
}

fn is_text(name: &str) -> bool {
    ["html", "js", "css", "json", "webmanifest", "svg"]
        .iter()
        .any(|kind| name.rsplit('.').next() == Some(*kind))
}

fn references(name: &str, content: &[u8], names: &[String]) -> BTreeSet<String> {
    if !is_text(name) {
        return BTreeSet::new();
    }
    let Ok(text) = std::str::from_utf8(content) else { return BTreeSet::new() };
    names
        .iter()
        .filter(|other| *other != name && !PLAIN.contains(&other.as_str()))
        .filter(|other| !places(text, other).is_empty())
        .cloned()
        .collect()
}

/// Byte ranges of whole references to a file: from the opening quote or bracket to the closing one.
fn places(text: &str, file: &str) -> Vec<(usize, usize)> {
    let open = |c: char| matches!(c, '"' | '\'' | '`' | '(' | '=');
    text.match_indices(file)
        .filter_map(|(at, _)| {
            let end = at + file.len();
            let closes = text[end..].starts_with(['"', '\'', '`', ')', '>', ' ']);
            // Whatever stands between the quote and the name must be a path.
            let start = text[..at].rfind(open)? + 1;
            let path = &text[start..at];
            let is_path = path.is_empty()
                || path.ends_with('/')
                    && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"./-_".contains(&b));
            (closes && is_path).then_some((start, end))
        })
        .collect()
}

fn replace(text: &str, file: &str, new: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (start, end) in places(text, file) {
        out.push_str(&text[from..start]);
        out.push('/');
        out.push_str(new);
        from = end;
    }
    out.push_str(&text[from..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(files: &[(&str, &str)]) -> Result<BTreeMap<String, Vec<u8>>> {
        hashed(files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect())
    }

    fn text(files: &BTreeMap<String, Vec<u8>>, start: &str) -> String {
        let (_, content) = files.iter().find(|(name, _)| name.starts_with(start)).expect(start);
        String::from_utf8(content.clone()).unwrap()
    }

    #[test]
    fn references_follow_their_files_through_script_and_page() {
        let files = page(&[
            ("index.html", r#"<link href="/style.css"><script type="module" src="./boot.js"></script>"#),
            ("boot.js", "import init from '/overread.js'; init({module_or_path: '/overread_bg.wasm'});"),
            ("style.css", "@font-face{src:url(fonts/a.woff2)}"),
            ("fonts/a.woff2", "font"),
            (JS, "export default 1"),
            (WASM, "module"),
        ])
        .unwrap();
        assert!(text(&files, "index.html").contains("src=\"/assets/boot-"));
        assert!(text(&files, "index.html").contains("href=\"/assets/style-"));
        let boot = text(&files, "assets/boot-");
        assert!(boot.contains("from '/assets/overread-") && boot.contains("'/assets/overread_bg-"), "{boot}");
        assert!(text(&files, "assets/style-").contains("url(/assets/a-"));
        assert_eq!(files.len(), 6);
    }

    #[test]
    fn a_changed_module_changes_every_name_up_to_the_page() {
        let names = |module: &str| -> Vec<String> {
            page(&[("index.html", "'/boot.js'"), ("boot.js", "'/overread_bg.wasm'"), (WASM, module)])
                .unwrap()
                .into_keys()
                .collect()
        };
        let (one, two) = (names("one"), names("two"));
        assert_ne!(one[0], two[0], "boot.js kept its name though its module changed");
        assert_eq!(one, names("one"));
    }

    #[test]
    fn words_that_only_look_like_files_stay() {
        let files = page(&[("index.html", "<p>see boot.js, \"reboot.js\"</p>"), ("boot.js", "")]).unwrap();
        assert_eq!(text(&files, "index.html"), "<p>see boot.js, \"reboot.js\"</p>");
    }

    #[test]
    fn refuses_circles_and_a_page_without_index() {
        assert!(page(&[("index.html", ""), ("a.js", "'/b.js'"), ("b.js", "'/a.js'")]).is_err());
        assert!(page(&[("a.js", "")]).is_err());
    }
}
