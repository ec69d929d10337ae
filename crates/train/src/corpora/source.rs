//! Files of corpora: where they are, their hash, and faults with their line.

use std::collections::HashSet;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use overread_domain::span::CodePoints;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::{ReadError, jsonl};

/// Why a corpus could not be read. Names places, never the text.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    #[error("neither {stem}.jsonl.gz nor {stem}.jsonl is in {}", folder.display())]
    Missing { folder: PathBuf, stem: &'static str },
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{} line {line}, annotation {index}: {what}", path.display())]
    Annotation { path: PathBuf, line: usize, index: usize, what: &'static str },
    #[error("{} line {line}: {what}", path.display())]
    Line { path: PathBuf, line: usize, what: &'static str },
    #[error("{} holds no {what}", path.display())]
    Archive { path: PathBuf, what: &'static str },
}

/// A file as a training record names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceFile {
    /// Without its folder.
    pub name: String,
    /// SHA-256 of the unpacked bytes, hexadecimal: packing the same lines again changes nothing.
    pub sha256: String,
    /// Lines that are not blank.
    pub lines: usize,
}

/// `STEM.jsonl.gz` or `STEM.jsonl` in `folder`.
pub(super) fn find(folder: &Path, stem: &'static str) -> Result<PathBuf, CorpusError> {
    let packed = folder.join(format!("{stem}.jsonl.gz"));
    let plain = folder.join(format!("{stem}.jsonl"));
    [packed, plain]
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| CorpusError::Missing { folder: folder.to_owned(), stem })
}

/// All lines of a file with their numbers, and its hash.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<(Vec<(usize, T)>, SourceFile), CorpusError> {
    let io = |source| ReadError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    jsonl::open(path).map_err(io)?.read_to_end(&mut bytes).map_err(io)?;
    let lines = jsonl::parse::<T>(path, bytes.as_slice())?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let source = SourceFile { name, sha256: hex(&bytes), lines: lines.len() };
    Ok((lines, source))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut out, byte| {
        out.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        out.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        out
    })
}

/// Ids of one file, each allowed once.
pub(super) struct Ids<'a> {
    path: &'a Path,
    seen: HashSet<String>,
}

impl<'a> Ids<'a> {
    pub fn new(path: &'a Path) -> Self {
        Self { path, seen: HashSet::new() }
    }

    pub fn add(&mut self, line: usize, id: &str) -> Result<(), CorpusError> {
        if self.seen.insert(id.to_owned()) {
            return Ok(());
        }
        Err(ReadError::RepeatedId { path: self.path.to_owned(), line }.into())
    }
}

/// One line's text with code point offsets turned into bytes.
pub(super) struct Places<'t> {
    path: &'t Path,
    line: usize,
    text: &'t str,
    points: CodePoints<'t>,
}

impl<'t> Places<'t> {
    pub fn new(path: &'t Path, line: usize, text: &'t str) -> Self {
        Self { path, line, text, points: CodePoints::new(text) }
    }

    /// Bytes of `start..end` in code points, without blanks at its ends. The quote, where given, must be what stands
    /// there, but for blanks: one corpus quotes more of them than its text has.
    pub fn range(
        &self,
        index: usize,
        start: usize,
        end: usize,
        quote: Option<&str>,
    ) -> Result<Range<usize>, CorpusError> {
        let fault =
            |what| CorpusError::Annotation { path: self.path.to_owned(), line: self.line, index, what };
        let bytes = match (self.points.to_byte(start), self.points.to_byte(end)) {
            (Some(from), Some(to)) if from < to => from..to,
            (Some(_), Some(_)) => return Err(fault("the place is empty or reversed")),
            _ => return Err(fault("the place reaches beyond the text")),
        };
        let range = trimmed(self.text, bytes);
        if range.is_empty() {
            return Err(fault("the place holds only blanks"));
        }
        let there = &self.text[range.clone()];
        if quote.is_some_and(|quote| !there.split_whitespace().eq(quote.split_whitespace())) {
            return Err(fault("the quote is not what the text holds there"));
        }
        Ok(range)
    }
}

/// `range` without blanks at its ends.
pub(super) fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let words = &text[range.clone()];
    let start = range.start + words.len() - words.trim_start().len();
    start..start + words.trim().len()
}
