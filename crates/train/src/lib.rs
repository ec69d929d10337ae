//! Corpora and evaluation of suggestions against reference entries.
//!
//! - [`gold`]: reference entries as evaluation reads them, one JSON object a line
//! - [`prediction`]: what `overread suggest` writes
//! - [`eval`]: how well the second fits the first
//! - [`optim`]: optimizer, schedule and checkpoints
//! - [`corpora`]: public corpora in one form; [`tasks`]: measuring on them
//! - [`samples`]: the invented notes of the product, from their source form to both collections

pub mod corpora;
pub mod eval;
pub mod gold;
mod jsonl;
pub mod optim;
pub mod prediction;
pub mod samples;
pub mod tasks;

pub use jsonl::ReadError;
