//! The model that is trained: one encoder, several heads, one course of steps.
//!
//! - [`recipe`]: what a run does
//! - [`prepare`]: documents to windows with targets
//! - [`batches`]: the order in which they are read
//! - [`heads`], [`loss`], [`objective`]: what is learned
//! - [`run`]: the run itself, with checkpoints
//! - [`known`]: what it learned of labels that no template has

pub mod batches;
pub mod example;
pub mod heads;
pub mod known;
pub mod loss;
pub mod material;
pub mod objective;
pub mod prepare;
pub mod recipe;
pub mod run;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use recipe::Recipe;

/// Why a run cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error(transparent)]
    Encoder(#[from] overread_encoder::Error),
    #[error("the tensors: {0}")]
    Candle(#[from] candle_core::Error),
    #[error(transparent)]
    Corpus(#[from] crate::corpora::CorpusError),
    #[error(transparent)]
    Optimizer(#[from] crate::optim::Error),
    #[error("the recipe: {reason}")]
    Recipe { reason: String },
    #[error("heads.safetensors: {reason}")]
    Heads { reason: String },
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("the corpora: {reason}")]
    Data { reason: String },
}
