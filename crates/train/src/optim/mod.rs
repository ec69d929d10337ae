//! Learning rate, weights, moments: what turns gradients into a better model, and what survives a stop.
//!
//! ```text
//! AdamW::new(vars, vec![Group::new("encoder.", 3e-5, 0.01), Group::new("", 1e-3, 0.01)], 1.0)
//! each step:  optimizer.step(&loss.backward()?, schedule.factor(step))
//! or some:    optimizer.accumulate(&(part / n)?.backward()?)?, then optimizer.apply(factor)
//! now and then:  optimizer.checkpoint(identity, step, tokens)?.write(folder)
//! ```

mod adamw;
mod checkpoint;
mod schedule;

use std::path::PathBuf;

pub use adamw::{AdamW, Group, Step, finite};
pub use checkpoint::{Checkpoint, FILE, Moments};
pub use schedule::Schedule;

/// Why a step or a checkpoint was refused. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting that cannot be.
    #[error("{name} is {value}, must be {must}")]
    Setting {
        /// Which.
        name: &'static str,
        /// What it is.
        value: f64,
        /// What it has to be.
        must: &'static str,
    },
    /// A variable that no group claims, or a name that comes twice.
    #[error("variable {name} {reason}")]
    Variable {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The loss is NaN or infinite.
    #[error("the loss is {value}")]
    Loss {
        /// Its value.
        value: f32,
    },
    /// A gradient is NaN or infinite.
    #[error("gradient of {name} is not finite at position {at}: the step was refused")]
    NotFinite {
        /// The variable.
        name: String,
        /// Index into its row-major values.
        at: usize,
    },
    /// All gradients are finite, their norm is not.
    #[error("the gradients are too large for a norm: the step was refused")]
    Norm,
    /// Micro-batches wait to be applied.
    #[error("{0} accumulated micro-batches are not yet applied")]
    Pending(usize),
    /// The file is cut short, altered or no checkpoint at all.
    #[error("checkpoint {path}: {reason}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The checkpoint has other tensors than this model.
    #[error("checkpoint does not fit the model: {reason}")]
    OtherModel {
        /// The first difference.
        reason: String,
    },
    /// The operating system refused to read or write.
    #[error("cannot access {path}: {source}", path = path.display())]
    Io {
        /// The file in question.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// candle refused an operation.
    #[error("tensor operation failed: {0}")]
    Candle(#[from] candle_core::Error),
}

#[cfg(test)]
mod tests;
