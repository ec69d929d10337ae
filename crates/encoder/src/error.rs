//! What can go wrong between a model folder and a vector.

use std::path::PathBuf;

/// Errors of the encoder. None of them ever holds text that was encoded, only names, shapes and positions.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder has no such file.
    #[error("model folder {folder} has no {file}", folder = folder.display())]
    MissingFile {
        /// The folder that was opened.
        folder: PathBuf,
        /// The file it lacks.
        file: String,
    },
    /// The operating system refused to read or write.
    #[error("cannot access {path}: {source}", path = path.display())]
    Io {
        /// The file in question.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// `config.json` is unreadable or asks for what this encoder is not.
    #[error("config.json: {reason}")]
    Config {
        /// What is wrong, naming the key.
        reason: String,
    },
    /// `manifest.json` is unreadable.
    #[error("manifest.json: {reason}")]
    Manifest {
        /// What is wrong.
        reason: String,
    },
    /// A file is not the one that the manifest names.
    #[error("{file} does not match manifest.json: sha256 is {found}, expected {expected}")]
    Checksum {
        /// The file.
        file: String,
        /// What its bytes hash to.
        found: String,
        /// What the manifest says.
        expected: String,
    },
    /// The weights file is cut short, padded or no safetensors file at all.
    #[error("{file} is not a whole safetensors file: {reason}")]
    Weights {
        /// The file.
        file: String,
        /// The parser's reason.
        reason: String,
    },
    /// A tensor that the configuration calls for is not in the file.
    #[error("tensor {name} is missing")]
    MissingTensor {
        /// Name without `bert.`.
        name: String,
    },
    /// A tensor has another shape than the configuration calls for.
    #[error("tensor {name} has shape {found:?}, the configuration needs {expected:?}")]
    Shape {
        /// Name without `bert.`.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape by `config.json`.
        expected: Vec<usize>,
    },
    /// A tensor has a number type that is not read.
    #[error("tensor {name} has type {dtype}, only F32, F16 and BF16 are read")]
    Dtype {
        /// Name without `bert.`.
        name: String,
        /// Type in the file.
        dtype: String,
    },
    /// A weight is NaN or infinite.
    #[error("tensor {name} holds a value that is not finite at position {at}")]
    NotFinite {
        /// Name without `bert.`.
        name: String,
        /// Index into the row-major values.
        at: usize,
    },
    /// The tokenizer cannot be read or does not frame text as BERT does.
    #[error("tokenizer: {reason}")]
    Tokenizer {
        /// What is wrong.
        reason: String,
    },
    /// The tokenizer can produce ids that the embedding table does not have.
    #[error("tokenizer has ids up to {max_id}, the model only {vocab_size} word pieces")]
    Vocabulary {
        /// Highest id of the tokenizer.
        max_id: u32,
        /// Rows of the embedding table.
        vocab_size: usize,
    },
    /// Token ids, windows or masks given by a caller do not fit.
    #[error("input does not fit the model: {reason}")]
    Input {
        /// What is wrong, in positions.
        reason: String,
    },
    /// A window is longer than the model has positions for.
    #[error("window {window} needs {pieces} positions, the limit is {limit}")]
    WindowTooLong {
        /// Index of the window.
        window: usize,
        /// Word pieces with `[CLS]` and `[SEP]`, without the prefix.
        pieces: usize,
        /// Positions of a window.
        limit: usize,
    },
    /// The given windows leave out a token.
    #[error("token {token} lies in no window")]
    Uncovered {
        /// Index of the first such token.
        token: usize,
    },
    /// The worker's queue is full.
    #[error("encoder queue is full ({capacity} requests wait)")]
    QueueFull {
        /// Bound of the queue.
        capacity: usize,
    },
    /// The worker has stopped.
    #[error("encoder worker has stopped")]
    Closed,
    /// candle refused an operation (trainable path only).
    #[error("tensor operation failed: {0}")]
    Candle(#[from] candle_core::Error),
    /// The thread pool could not be started.
    #[error("cannot start compute threads: {0}")]
    Threads(String),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
