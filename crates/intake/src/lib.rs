//! Bytes from outside to notes, with the place of every fault.
//!
//! Two forms are read: JSON Lines (`{"id", "text", "title"?, "document_type"?, "service_date"?, "encounter"?,
//! "patient"?, "site"?, "queue"?, "sensitivity"?}`, further keys are passed over) and plain text, one note a file. Both must be UTF-8.
//!
//! A note's text is never altered: line ends, white space and a byte order mark at the head of a plain text file stay
//! (the mark is one code point and counts in offsets). At the head of a JSON Lines file the mark belongs to the file and
//! to no note, and is skipped. What can't be decoded is refused with its place, never guessed.
//!
//! Several files are one batch: either all of it is good, or every fault is told (up to a limit) and nothing is taken.
//! No message repeats what a note says; ids and positions only.

mod batch;
mod encoding;
mod fault;
mod fields;
mod jsonl;

pub use batch::{Batch, File, Form, Note, read, sha256_hex};
pub use fault::{Fault, FaultKind, Faults};

/// How much is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one note's text.
    pub note_bytes: usize,
    /// Faults that are told; further ones are only counted.
    pub faults: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { note_bytes: 2_000_000, faults: 100 }
    }
}

#[cfg(test)]
mod tests;
