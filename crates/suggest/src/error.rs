//! What can go wrong between a note and its suggestions. No message ever holds words of a note.

/// Why a model folder could not be turned into a [`crate::Suggester`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    #[error("encoder: {0}")]
    Encoder(#[from] overread_encoder::Error),
    /// `heads.json` of the model folder is unreadable or made for another shape.
    #[error("heads.json: {reason}")]
    Heads { reason: String },
    /// `memory.json` of the model folder is unreadable.
    #[error("memory.json: {reason}")]
    Memory { reason: String },
    /// `reports.json` of the model folder is unreadable or made for another shape.
    #[error("reports.json: {reason}")]
    Reports { reason: String },
    /// `labels.json` of the model folder is unreadable or not sound.
    #[error("labels.json: {reason}")]
    Labels { reason: String },
    /// `heads.safetensors` of the model folder is unreadable, or of another encoder or shape.
    #[error("heads.safetensors: {reason}")]
    Neural { reason: String },
}

/// Why a note got no suggestions.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuggestError {
    #[error("encoder: {0}")]
    Encoder(#[from] overread_encoder::Error),
    #[error("template: {0}")]
    Template(#[from] overread_domain::template::TemplateError),
    #[error("bytes {start}..{end} are no words of the text")]
    Span { start: usize, end: usize },
}

/// Why the vectors of a code release could not be made, kept or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    #[error("encoder: {0}")]
    Encoder(#[from] overread_encoder::Error),
    #[error("vectors: {0}")]
    Vectors(#[from] overread_codes::VectorError),
    #[error("building the vectors was cancelled after {done} of {total} terms")]
    Cancelled { done: usize, total: usize },
    #[error("cannot access {path}: {source}", path = path.display())]
    Io { path: std::path::PathBuf, source: std::io::Error },
}
