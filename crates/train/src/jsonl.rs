//! JSON Lines from a file, packed with gzip where the name ends in `.gz`.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::de::DeserializeOwned;

/// Why a collection could not be read. Says the place and never the content, which may be clinical text.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read {}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{} line {line} column {column} is not as expected: {what}", path.display())]
    Line { path: PathBuf, line: usize, column: usize, what: &'static str },
    #[error("{} line {line} repeats an id of an earlier line", path.display())]
    RepeatedId { path: PathBuf, line: usize },
}

/// Every line that is not blank, with its number from 1.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<(usize, T)>, ReadError> {
    let io = |source| ReadError::Io { path: path.to_owned(), source };
    parse(path, BufReader::new(open(path).map_err(io)?))
}

/// The file's bytes, unpacked where its name ends in `.gz`.
pub(crate) fn open(path: &Path) -> std::io::Result<Box<dyn Read>> {
    let file = File::open(path)?;
    let packed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    Ok(if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// [`read`] of what is already open; `path` is for messages.
pub(crate) fn parse<T: DeserializeOwned>(
    path: &Path,
    reader: impl BufRead,
) -> Result<Vec<(usize, T)>, ReadError> {
    let io = |source| ReadError::Io { path: path.to_owned(), source };
    let mut out = Vec::new();
    for (index, line) in reader.lines().enumerate() {
        let line = line.map_err(io)?;
        if line.trim().is_empty() {
            continue;
        }
        let value = serde_json::from_str(&line).map_err(|error| ReadError::Line {
            path: path.to_owned(),
            line: index + 1,
            column: error.column(),
            what: what(&error),
        })?;
        out.push((index + 1, value));
    }
    Ok(out)
}

/// The parser's own message may quote the value, so only its class is told.
fn what(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Data => "a key is missing or has the wrong type",
        serde_json::error::Category::Eof => "the line ends too early",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "not JSON",
    }
}

#[cfg(test)]
mod tests;
