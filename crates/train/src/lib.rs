//! Corpora and evaluation of suggestions against reference entries.
//!
//! - [`gold`]: reference entries as evaluation reads them, one JSON object a line
//! - [`prediction`]: what `overread suggest` writes
//! - [`eval`]: how well the second fits the first
//! - [`optim`]: optimizer, schedule and checkpoints
//! - [`corpora`]: public corpora in one form; [`tasks`]: measuring on them
//! - [`corrections`]: what people decided, as training data; [`gate`]: whether a new model may take the place of the old
//! - [`samples`]: the invented notes of the product, from their source form to both collections

pub mod codiesp;
pub mod corpora;
pub mod corrections;
pub mod eval;
pub mod gate;
pub mod gold;
pub mod jsonl;
pub mod model;
pub mod optim;
pub mod prediction;
pub mod samples;
pub mod tasks;

pub use jsonl::ReadError;
