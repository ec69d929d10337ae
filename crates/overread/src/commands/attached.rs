//! Imported code systems at the end of a copy: after the database's last line, each file as its head, its bytes in parts of
//! base64, and one line in the end that says how many there were. A copy that ends with the database has none.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, Read as _, Write};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Exit;

/// The SHA-256 of each file, by its name.
pub type Attached = BTreeMap<String, String>;

const ENDING: &str = ".ovr";
/// Bytes of a file on one line.
const PART: usize = 3 << 18;
const LINE: u64 = 2 << 20;
/// A release with its index has some tens of megabytes.
const MOST: usize = 512 << 20;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    File {
        name: String,
        bytes: usize,
        sha256: String,
    },
    Part(String),
    /// How many files there were.
    Files(usize),
}

/// As the shelf names its files, so that none of them lands elsewhere.
fn is_plain(name: &str) -> bool {
    let id = name.strip_suffix(ENDING).unwrap_or_default();
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn hash(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// The names of the files that are there.
fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    if folder.is_dir() {
        for file in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let file = file?;
            if let Some(name) = file.file_name().to_str().filter(|name| is_plain(name))
                && file.metadata()?.is_file()
            {
                names.push(name.to_owned());
            }
        }
    }
    names.sort();
    Ok(names)
}

pub fn write(folder: &Path, out: &mut impl Write) -> Result<Attached> {
    let mut all = Attached::new();
    let mut line = |line: &Line| -> Result<()> {
        serde_json::to_writer(&mut *out, line)?;
        Ok(out.write_all(b"\n")?)
    };
    for name in names(folder)? {
        let path = folder.join(&name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            // Put away since.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let sha256 = hash(&bytes);
        line(&Line::File { name: name.clone(), bytes: bytes.len(), sha256: sha256.clone() })?;
        for part in bytes.chunks(PART) {
            line(&Line::Part(STANDARD.encode(part)))?;
        }
        all.insert(name, sha256);
    }
    line(&Line::Files(all.len()))?;
    Ok(all)
}

/// What is left of a copy after the database's lines; `to` is where the files go, if they go anywhere. A file of the same name
/// with other bytes is not overwritten.
pub fn read(copy: &mut (impl BufRead + ?Sized), to: Option<&Path>) -> Result<Attached> {
    let mut all = Attached::new();
    loop {
        let Some(line) = next(copy)? else {
            ensure!(all.is_empty(), refused("the copy is cut short among its code systems"));
            return Ok(all);
        };
        match line {
            Line::File { name, bytes, sha256 } => {
                ensure!(is_plain(&name), refused("a code system in the copy has a name that is none"));
                let content = content(copy, bytes)?;
                ensure!(
                    content.len() == bytes && hash(&content) == sha256,
                    refused(format!("{name} in the copy is not as it was written"))
                );
                if let Some(folder) = to {
                    put(folder, &name, &content)?;
                }
                all.insert(name, sha256);
            }
            Line::Files(count) => {
                ensure!(count == all.len(), refused("the copy holds other code systems than it says"));
                return Ok(all);
            }
            Line::Part(_) => bail!(refused("the copy's code systems are out of order")),
        }
    }
}

fn content(copy: &mut (impl BufRead + ?Sized), bytes: usize) -> Result<Vec<u8>> {
    ensure!(bytes <= MOST, refused("a code system in the copy is larger than any is"));
    let mut content = Vec::new();
    while content.len() < bytes {
        let Some(Line::Part(part)) = next(copy)? else {
            bail!(refused("the copy is cut short among its code systems"))
        };
        let part = STANDARD.decode(part).map_err(|_| refused("a code system in the copy can't be read"))?;
        ensure!(!part.is_empty(), refused("the copy's code systems are out of order"));
        content.extend(part);
    }
    Ok(content)
}

fn next(copy: &mut (impl BufRead + ?Sized)) -> Result<Option<Line>> {
    let mut text = String::new();
    let read = (&mut *copy)
        .take(LINE)
        .read_line(&mut text)
        .map_err(|_| refused("the copy can't be read to its end"))?;
    if read == 0 {
        return Ok(None);
    }
    Ok(Some(
        serde_json::from_str(&text)
            .map_err(|_| refused("the copy has a line that is none after its last row"))?,
    ))
}

fn refused(why: impl Into<String>) -> Exit {
    Exit::BadInput(why.into())
}

fn put(folder: &Path, name: &str, content: &[u8]) -> Result<()> {
    let path = folder.join(name);
    match fs::read(&path) {
        Ok(there) if there == content => return Ok(()),
        Ok(_) => bail!(refused(format!("{}: another file stands there already", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    }
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(|| folder.display().to_string())?;
    file.write_all(content).with_context(|| path.display().to_string())?;
    file.as_file().sync_all()?;
    file.persist(&path).with_context(|| path.display().to_string())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }

    fn copied(files: &[(&str, Vec<u8>)]) -> (Attached, Vec<u8>) {
        let mut out = Vec::new();
        let written = write(folder(files).path(), &mut out).unwrap();
        (written, out)
    }

    #[test]
    fn files_come_back_to_the_byte_and_what_is_there_stays() {
        let large: Vec<u8> = (0..2 * PART + 5).map(|n| (n % 251) as u8).collect();
        let files = [
            ("a-1.ovr", large.clone()),
            ("empty.ovr", Vec::new()),
            ("b.removed", vec![1]),
            (".x.ovr", vec![2]),
        ];
        let (written, out) = copied(&files);
        assert_eq!(written.keys().collect::<Vec<_>>(), ["a-1.ovr", "empty.ovr"]);
        let to = tempfile::tempdir().unwrap();
        let codes = to.path().join("codes");
        assert_eq!(read(&mut out.as_slice(), Some(&codes)).unwrap(), written);
        assert_eq!(fs::read(codes.join("a-1.ovr")).unwrap(), large);
        assert_eq!(read(&mut out.as_slice(), Some(&codes)).unwrap(), written, "the same once more");
        fs::write(codes.join("a-1.ovr"), "other").unwrap();
        assert!(read(&mut out.as_slice(), Some(&codes)).unwrap_err().to_string().contains("another file"));
        assert_eq!(fs::read(codes.join("a-1.ovr")).unwrap(), b"other");
        assert!(read(&mut b"".as_slice(), None).unwrap().is_empty(), "a copy from before had none");
        let (none, out) = copied(&[]);
        assert!(none.is_empty() && read(&mut out.as_slice(), None).unwrap().is_empty());
    }

    #[test]
    fn what_was_cut_changed_or_would_land_elsewhere_is_refused() {
        let (_, out) = copied(&[("a.ovr", vec![7; 100]), ("b.ovr", vec![8; 50])]);
        let text = String::from_utf8(out).unwrap();
        let whole: Vec<&str> = text.split_inclusive('\n').collect();
        for cut in 1..whole.len() {
            let part = whole[..cut].concat();
            assert!(read(&mut part.as_bytes(), None).is_err(), "{cut}");
        }
        let mut swapped = whole.clone();
        swapped.swap(1, 3);
        for wrong in [
            swapped.concat(),
            text.replace("a.ovr", "../a.ovr"),
            text.replace("a.ovr", "a.sh"),
            text.replacen("Bw", "CA", 1),
            text.replace("\"files\":2", "\"files\":1"),
            text.replacen("\"bytes\":100", "\"bytes\":99999999999", 1),
            "{\"part\":\"\"}\n".to_owned(),
            "nonsense\n".to_owned(),
        ] {
            assert!(read(&mut wrong.as_bytes(), None).is_err(), "{wrong}");
        }
    }
}
