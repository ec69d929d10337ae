//! Packed tables: the plain part of tar (POSIX.1-1988 ustar) and of CSV (RFC 4180), as the corpora use them.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use super::CorpusError;
use super::source::{SourceFile, hex};
use crate::{ReadError, jsonl};

const BLOCK: usize = 512;

/// The files of a `.tar.gz` by their path inside.
#[derive(Debug)]
pub struct Archive {
    path: std::path::PathBuf,
    files: BTreeMap<String, Vec<u8>>,
    pub source: SourceFile,
}

impl Archive {
    pub fn open(path: &Path) -> Result<Self, CorpusError> {
        let io = |source| ReadError::Io { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        jsonl::open(path).map_err(io)?.read_to_end(&mut bytes).map_err(io)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let files = untar(&bytes)
            .ok_or_else(|| CorpusError::Archive { path: path.to_owned(), what: "readable tar archive" })?;
        let source = SourceFile { name, sha256: hex(&bytes), lines: files.len() };
        Ok(Self { path: path.to_owned(), files, source })
    }

    /// Text of the one file whose path ends in `end`; `what` names it in the error.
    pub fn text(&self, end: &str, what: &'static str) -> Result<&str, CorpusError> {
        let missing = || CorpusError::Archive { path: self.path.clone(), what };
        let (_, bytes) = self.files.iter().find(|(path, _)| path.ends_with(end)).ok_or_else(missing)?;
        std::str::from_utf8(bytes).map_err(|_| missing())
    }

    /// Texts of all files whose path ends in `end`, in order of path.
    pub fn texts(&self, end: &str) -> impl Iterator<Item = &str> {
        let found = self.files.iter().filter(move |(path, _)| path.ends_with(end));
        found.filter_map(|(_, bytes)| std::str::from_utf8(bytes).ok())
    }
}

/// Ordinary files; other entries are passed over.
fn untar(bytes: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut out = BTreeMap::new();
    let mut rest = bytes;
    while let Some((header, after)) = rest.split_at_checked(BLOCK) {
        if header.iter().all(|byte| *byte == 0) {
            return Some(out);
        }
        let field = |from: usize, len: usize| -> Option<&str> {
            let field = &header[from..from + len];
            let end = field.iter().position(|byte| *byte == 0).unwrap_or(len);
            std::str::from_utf8(&field[..end]).ok()
        };
        let size = usize::from_str_radix(field(124, 12)?.trim(), 8).ok()?;
        let padded = size.div_ceil(BLOCK) * BLOCK;
        let content = after.get(..size)?;
        if matches!(header[156], b'0' | 0) {
            let (prefix, name) =
                (if &header[257..262] == b"ustar" { field(345, 155)? } else { "" }, field(0, 100)?);
            let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
            out.insert(path, content.to_vec());
        }
        rest = after.get(padded..).unwrap_or_default();
    }
    // An archive cut off after a whole file still lacks its end mark.
    None
}

/// Rows of a table with a heading; cells by the heading's names.
pub(super) struct Table {
    pub rows: Vec<Vec<String>>,
    heading: Vec<String>,
}

impl Table {
    pub fn parse(text: &str) -> Self {
        let mut rows = rows(text);
        let heading = if rows.is_empty() { Vec::new() } else { rows.remove(0) };
        Self { rows, heading }
    }

    /// Place of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.heading.iter().position(|found| found == name)
    }
}

fn rows(text: &str) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    let (mut row, mut cell, mut inside) = (Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if inside && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => inside = !inside,
            ',' if !inside => row.push(std::mem::take(&mut cell)),
            '\r' if !inside => {}
            '\n' if !inside => {
                row.push(std::mem::take(&mut cell));
                out.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        out.push(row);
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A tar archive of these files.
    pub fn tar(files: &[(&str, &str)]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, text) in files {
            let mut header = [0u8; BLOCK];
            header[..name.len()].copy_from_slice(name.as_bytes());
            header[124..135].copy_from_slice(format!("{:011o}", text.len()).as_bytes());
            header[156] = b'0';
            out.extend(header);
            out.extend(text.as_bytes());
            out.resize(out.len().div_ceil(BLOCK) * BLOCK, 0);
        }
        out.resize(out.len() + 2 * BLOCK, 0);
        out
    }

    #[test]
    fn files_come_out_whole() {
        let long = "x".repeat(1500);
        let packed = tar(&[("a/one.csv", "1"), ("b/two.csv", &long)]);
        let files = untar(&packed).unwrap();
        assert_eq!(files["a/one.csv"], b"1");
        assert_eq!(files["b/two.csv"].len(), 1500);
        assert!(untar(&packed[..1700]).is_none(), "cut off");
        assert!(untar(&[7; 600]).is_none(), "no archive");
    }

    #[test]
    fn cells_may_hold_commas_quotes_and_lines() {
        let table = Table::parse("A,B\r\n1,\"x, \"\"y\"\"\nz\"\n,2");
        assert_eq!(table.rows, [["1", "x, \"y\"\nz"], ["", "2"]]);
        assert_eq!((table.column("B"), table.column("C")), (Some(1), None));
    }
}
