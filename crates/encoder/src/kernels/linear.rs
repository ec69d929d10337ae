//! A linear layer in the precision that was asked for, and the choice of it.

use super::int8::Int8Isa;
use super::simd::Isa;
use super::{gemm, int8};

/// What matrix products are computed in. Whatever it is, rows in between, norms and softmax are f32, and so are
/// results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// The fastest on this CPU of those that are close enough to f32 for every use.
    #[default]
    Auto,
    /// 32-bit floats.
    F32,
    /// 8-bit integers with a step for each output channel and each row.
    Int8,
}

/// Precision and instruction set together: a value can only come from detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    F32(Isa),
    /// Products in bytes; the rest as the [`Isa`] says.
    Int8(Int8Isa, Isa),
}

impl Kernel {
    /// What `precision` means on this CPU.
    pub fn choose(precision: Precision) -> Self {
        match precision {
            Precision::F32 | Precision::Auto => Self::F32(Isa::best()),
            Precision::Int8 => Self::Int8(Int8Isa::best(), Isa::best()),
        }
    }

    /// Never [`Precision::Auto`].
    pub fn precision(self) -> Precision {
        match self {
            Self::F32(_) => Precision::F32,
            Self::Int8(..) => Precision::Int8,
        }
    }

    /// For element-wise work.
    pub(super) fn isa(self) -> Isa {
        match self {
            Self::F32(isa) | Self::Int8(_, isa) => isa,
        }
    }
}

/// Packed weights.
#[derive(Debug)]
pub(super) enum Linear {
    F32(gemm::Packed),
    Int8(int8::Packed),
}

impl Linear {
    /// Packs `weight` `[n, k]` and `bias` `[n]`.
    pub fn new(kernel: Kernel, weight: &[f32], bias: &[f32], n: usize, k: usize) -> Self {
        match kernel {
            Kernel::F32(isa) => Self::F32(gemm::Packed::new(isa, weight, bias, n, k)),
            Kernel::Int8(isa, _) => Self::Int8(int8::Packed::new(isa, weight, bias, n, k)),
        }
    }

    /// `out[m, n] = x[m, k] * weight^T + bias`.
    pub fn apply(&self, x: &[f32], out: &mut [f32], rows: &mut int8::Rows) {
        match self {
            Self::F32(packed) => packed.apply(x, out),
            Self::Int8(packed) => packed.apply(x, out, rows),
        }
    }
}
