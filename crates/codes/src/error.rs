//! One error type per kind of input: official source files, release files, vector files.

/// Why the official files of a code system could not be turned into a release. Lines and columns count from 1.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceError {
    /// The file is not UTF-8.
    #[error("{file} is not utf-8 at byte {byte}")]
    NotUtf8 { file: &'static str, byte: usize },
    /// The XML is not well formed, or holds a document type or an entity of its own.
    #[error("tabular line {line} column {column}: {what}")]
    Xml { line: u32, column: u32, what: String },
    /// The XML is well formed but not what the tabular list looks like.
    #[error("tabular line {line}: {what}")]
    Tabular { line: u32, what: String },
    /// A line of the code list is not a code, a block or a chapter.
    #[error("code list line {line}: {what}")]
    List { line: u32, what: String },
    /// The code list names codes that the tabular list neither holds nor yields by its 7th-character rules.
    #[error("{} codes of the list are not in the tabular, the first is {first} on line {line}", .count)]
    NotInTabular { count: usize, first: String, line: u32 },
    /// The tabular holds codes, not made by a 7th-character rule, that the code list lacks.
    #[error("{} codes of the tabular are not in the list, the first is {first}", .count)]
    NotInList { count: usize, first: String },
    /// A release holds more than its format can count.
    #[error("{what} exceeds what a release file can hold")]
    TooLarge { what: &'static str },
}

/// Why bytes are not a release that this program can read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReleaseError {
    /// The first bytes are not those of a release file.
    #[error("not a code release: wrong first bytes")]
    Foreign,
    /// The file is of a format that this program does not know.
    #[error("code release of format {found}, this program reads {known}")]
    Version { found: u16, known: u16 },
    /// The file ends early.
    #[error("code release cut off at byte {at}")]
    Truncated { at: usize },
    /// The packed part does not unpack.
    #[error("code release does not unpack: {what}")]
    Unpack { what: String },
    /// The content is not what the header's checksum says.
    #[error("code release is damaged: checksum differs")]
    Checksum,
    /// The content contradicts itself.
    #[error("code release is malformed at byte {at} of its content: {what}")]
    Malformed { at: usize, what: &'static str },
}

/// Why bytes or vectors are not a usable vector index.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum VectorError {
    /// The first bytes are not those of a vector file.
    #[error("not a vector index: wrong first bytes")]
    Foreign,
    /// The file is of a format that this program does not know.
    #[error("vector index of format {found}, this program reads {known}")]
    Version { found: u16, known: u16 },
    /// The file ends early or goes on too long.
    #[error("vector index holds {found} bytes, its header asks for {expected}")]
    Length { found: usize, expected: usize },
    /// The content is not what the header's checksum says.
    #[error("vector index is damaged: checksum differs")]
    Checksum,
    /// A header field cannot be.
    #[error("vector index header: {what}")]
    Header { what: &'static str },
    /// A vector has the wrong number of dimensions.
    #[error("vector {index} has {found} dimensions, expected {expected}")]
    Dimensions { index: usize, found: usize, expected: usize },
    /// A vector holds an infinite or undefined number.
    #[error("vector {index} holds a number that is not finite")]
    NotFinite { index: usize },
    /// The index was made for another list of terms or by another encoder.
    #[error("vector index belongs to another {what}")]
    Mismatch { what: &'static str },
}
