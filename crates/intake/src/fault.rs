//! What can be wrong with a batch, and where.

use std::fmt;

/// One thing that is wrong, with all that is known of its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub file: String,
    /// From 1.
    pub line: Option<usize>,
    /// From 0; within the line where there is one, else within the file.
    pub byte: Option<usize>,
    pub field: Option<&'static str>,
    pub kind: FaultKind,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultKind {
    #[error("not UTF-8")]
    NotUtf8,
    #[error("this is {0}, not UTF-8; convert it and send it again")]
    OtherEncoding(&'static str),
    #[error("the text holds a NUL character; is the file UTF-16?")]
    Nul,
    /// `character` counts code points of the decoded value, from 0.
    #[error("holds a control character at character {character}")]
    Control { character: usize },
    #[error("the note is empty or only white space")]
    Empty,
    #[error("the note has {bytes} bytes, more than the {limit} allowed")]
    TooLarge { bytes: usize, limit: usize },
    #[error("not JSON: {0}")]
    Json(String),
    #[error("not a JSON object")]
    NotAnObject,
    #[error("the key is missing")]
    Missing,
    #[error("the key stands twice")]
    KeyTwice,
    #[error("not a string")]
    NotAString,
    #[error("not an id: 1 to 200 characters, no control characters, no white space at its ends")]
    BadId,
    #[error("longer than {limit} characters")]
    TooLong { limit: usize },
    #[error("not a date like 2026-03-14")]
    BadDate,
    #[error("no known category of data; there are {}", categories())]
    UnknownSensitivity,
    /// The other place is that of the first note with this id.
    #[error("the id \"{id}\" stands in {file}{} with another text", line.map(|line| format!(", line {line}")).unwrap_or_default())]
    OtherTextUnderId { id: String, file: String, line: Option<usize> },
    #[error("the file holds no notes")]
    NoNotes,
}

fn categories() -> String {
    let words: Vec<&str> = overread_domain::Sensitivity::ALL.iter().map(|one| one.as_str()).collect();
    words.join(", ")
}

impl FaultKind {
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::TooLarge { .. })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(byte) = self.byte {
            write!(f, ", byte {byte}")?;
        }
        if let Some(field) = self.field {
            write!(f, ", \"{field}\"")?;
        }
        write!(f, ": {}", self.kind)
    }
}

/// Everything that is wrong with a batch, in the order of its files and lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    pub told: Vec<Fault>,
    /// Found beyond the limit, and not told.
    pub more: usize,
}

impl Faults {
    pub(crate) fn push(&mut self, fault: Fault, limit: usize) {
        if self.told.len() < limit {
            self.told.push(fault);
        } else {
            self.more += 1;
        }
    }

    pub fn len(&self) -> usize {
        self.told.len() + self.more
    }

    pub fn is_empty(&self) -> bool {
        self.told.is_empty() && self.more == 0
    }

    pub fn any_too_large(&self) -> bool {
        self.told.iter().any(|fault| fault.kind.is_too_large())
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.told.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        if self.more > 0 {
            write!(f, "\nand {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
