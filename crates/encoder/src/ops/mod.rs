//! Operations for training, each with its backward pass written out.
//!
//! Every one is a function of plain slices (forward and backward, in `rows`, `attention`, `product`), wrapped as
//! a candle operation here for heads and put together without candle between them in `stack` for the encoder.
//! Vector code is safe Rust compiled for each instruction set by `pulp`.

#![expect(clippy::inline_always, reason = "vector code is inlined as a whole or its intrinsics become calls")]

mod attention;
mod custom;
mod embed;
mod memory;
mod numbers;
mod product;
mod rows;
mod stack;

pub use custom::{attention_packed, dropout, gather_rows, gelu, layer_norm, linear, segment_mean};
pub use stack::Dropout;

pub(crate) use embed::{Embed, scatter_rows};
pub(crate) use memory::Memory;
pub(crate) use stack::{Stack, layer_tensors};

#[cfg(test)]
mod tests;
