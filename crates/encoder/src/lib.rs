//! The transformer on candle: tokenizer, forward pass, gradients, kernels.
//!
//! A [`Encoder`] is loaded from a Hugging Face folder of any BERT (`config.json`, `tokenizer.json`,
//! `model.safetensors`) and turns texts into vectors: one per text ([`Encode::embed`]) or one per word piece,
//! each with its place in the text ([`Encode::token_states`]). This crate knows nothing of medicine, and it is
//! the only one, beside what trains, that knows candle.

mod bert;
mod config;
mod encoder;
mod error;
mod folder;
mod kernels;
mod manifest;
pub mod ops;
mod tokenizer;
pub mod weights;
mod windows;
pub mod worker;

pub use bert::TrainableBert;
pub use config::{Activation, BertConfig};
pub use encoder::{Encode, Encoder, Options};
pub use error::{Error, Result};
pub use folder::{ModelFolder, seal, write_folder};
pub use kernels::{Engine, HalfIsa, Int8Isa, Isa, Kernel, Packed, Precision};
pub use manifest::{Manifest, ModelVersion, sha256_hex};
pub use ops::Dropout;
pub use tokenizer::{Tokenizer, Tokens};
pub use windows::{TokenStates, Window, plan as plan_windows};
pub use worker::Worker;

#[cfg(test)]
mod tests;
