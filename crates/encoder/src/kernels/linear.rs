//! A linear layer in the precision that was asked for, and the choice of it.

use super::half::HalfIsa;
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
    /// bfloat16 with sums in f32; f32 where the CPU has no instruction for it.
    Bf16,
    /// 8-bit integers with a step for each output channel and each row.
    Int8,
}

/// Precision and instruction set together: a value can only come from detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    F32(Isa),
    Bf16(HalfIsa),
    /// Products in bytes; the rest as the [`Isa`] says.
    Int8(Int8Isa, Isa),
}

impl Kernel {
    /// What `precision` means on this CPU.
    pub fn choose(precision: Precision) -> Self {
        let bf16 = HalfIsa::best();
        match precision {
            Precision::Auto if bf16_pays() => Self::Bf16(bf16),
            Precision::Bf16 if bf16.is_native() => Self::Bf16(bf16),
            Precision::Auto | Precision::Bf16 | Precision::F32 => Self::F32(Isa::best()),
            Precision::Int8 => Self::Int8(Int8Isa::best(), Isa::best()),
        }
    }

    /// Never [`Precision::Auto`].
    pub fn precision(self) -> Precision {
        match self {
            Self::F32(_) => Precision::F32,
            Self::Bf16(_) => Precision::Bf16,
            Self::Int8(..) => Precision::Int8,
        }
    }

    /// All that this CPU has.
    pub fn available() -> Vec<Self> {
        let f32 = Isa::available().into_iter().map(Self::F32);
        let bf16 = HalfIsa::available().into_iter().map(Self::Bf16);
        let int8 = Int8Isa::available().into_iter().map(|isa| Self::Int8(isa, Isa::best()));
        f32.chain(bf16).chain(int8).collect()
    }
}

/// Whether bfloat16 is faster than f32 here: by far in tiles; without them Intel's instruction is no faster than two
/// of f32, and AMD's is (see `bench/README.md`).
#[cfg(target_arch = "x86_64")]
fn bf16_pays() -> bool {
    let vendor = std::arch::x86_64::__cpuid(0);
    let amd = [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes).as_flattened() == b"AuthenticAMD";
    HalfIsa::best().is_native() && (amd || super::amx::Amx::get().is_some())
}

#[cfg(not(target_arch = "x86_64"))]
fn bf16_pays() -> bool {
    false
}

/// Packed weights.
#[derive(Debug)]
pub(super) enum Linear {
    F32(gemm::Packed),
    Int8(int8::Packed),
}

impl Linear {
    /// Packs `weight` `[n, k]` and `bias` `[n]`.
    pub fn new(bytes: Option<Int8Isa>, isa: Isa, weight: &[f32], bias: &[f32], n: usize, k: usize) -> Self {
        match bytes {
            Some(bytes) => Self::Int8(int8::Packed::new(bytes, weight, bias, n, k)),
            None => Self::F32(gemm::Packed::new(isa, weight, bias, n, k)),
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
