//! The fast forward pass, and the only place with `unsafe`.
//!
//! Sequences of any lengths lie end to end: nothing is padded, so nothing needs a mask or sorting by length.
//! Weights are packed once for the widest vectors that the CPU has; bias, activation, residual and layer norm
//! run on a block of rows while it is in the cache; attention reads queries, keys and values where the joint
//! projection left them.
#![expect(
    unsafe_code,
    unsafe_op_in_unsafe_fn,
    reason = "vector intrinsics and tiles by pointer; every entry point checks lengths before it goes in"
)]
#![expect(
    clippy::inline_always,
    reason = "intrinsics are inlined only when the whole kernel is, see simd.rs"
)]

#[cfg(target_arch = "x86_64")]
mod amx;
mod attention;
mod buffer;
mod engine;
mod gemm;
mod half;
mod int8;
mod layers;
mod linear;
mod rows;
mod simd;
#[cfg(target_arch = "x86_64")]
mod x86;
#[cfg(target_arch = "x86_64")]
mod x86_int8;

pub use engine::Engine;
pub use gemm::Packed;
pub use half::HalfIsa;
pub(crate) use half::operand;
pub use int8::Int8Isa;
pub use linear::{Kernel, Precision};
pub use simd::Isa;

#[cfg(test)]
mod tests;
