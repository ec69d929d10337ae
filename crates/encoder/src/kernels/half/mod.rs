//! The forward pass in bfloat16: products of bfloat16 with sums in f32, everything between products fused to them.
//!
//! Where the CPU multiplies bfloat16, the element-wise work is what costs. So a product's sums go from the tile
//! through bias, activation and rounding while they are in the first-level cache; rows between products exist in
//! bfloat16 only, but for the residual stream and norms, which stay f32; and softmax is two passes with a short
//! polynomial that is far closer than bfloat16 can tell.
//!
//! Every dimension is padded to whole tiles of 32, so that no shape needs a path of its own: padded weights are
//! zero, and so are the padded columns of every row.

mod attention;
mod layers;
mod linear;
pub mod operand;
mod portable;
mod rows;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::simd::{Portable, Simd};
pub(super) use layers::{Layers, Rows, Sizes, Tensors};
use std::fmt;

/// Columns of a panel and of a block of sums, rows of a block of sums, and what dimensions are padded to.
const TILE: usize = 32;

/// Values that are fetched ahead with each step of a product: with blocks of 256 rows, a panel while the one before it
/// is used.
const AHEAD: usize = 4 * 32;

/// Products of bfloat16, and what goes with them.
///
/// # Safety
/// As for [`Simd`]; [`HalfIsa::dispatch`] sees to the instruction set.
pub(super) trait Half: Copy {
    /// The floats beside them.
    type F: Simd;
    /// Has to live while [`Half::multiply`] is used.
    type Guard;

    unsafe fn begin() -> Self::Guard;

    /// `c = a * panel`, or `c += a * panel` if `more`, for `rows` of the 1 to 32 rows and 32 columns of `c`.
    ///
    /// `panel` is `[steps * 16][32][2]`: two neighbours in k lie together. Whatever `rows` is, `a` is valid for
    /// reading rows of `steps * 32`, `lda` apart, and `c` for reading and writing rows of 32, `ldc` apart, up to
    /// the next multiple of 16 rows, and those of `c` are clobbered. `steps` is not 0. `next` is what will be
    /// wanted soon, [`AHEAD`] values for each step; it need not be valid.
    #[expect(clippy::too_many_arguments, reason = "a product has as many")]
    unsafe fn multiply(
        a: *const u16,
        lda: usize,
        panel: *const u16,
        steps: usize,
        rows: usize,
        c: *mut f32,
        ldc: usize,
        more: bool,
        next: *const u16,
    );
    /// Stores `LANES` values, each rounded to the nearest.
    unsafe fn store(p: *mut u16, v: <Self::F as Simd>::V);
    /// About `1 / v`, relative error below 1e-6, for v far from the ends of the range.
    unsafe fn reciprocal(v: <Self::F as Simd>::V) -> <Self::F as Simd>::V;
    /// `v * 2^n` for integers n, or 0 below -126.
    unsafe fn scale(v: <Self::F as Simd>::V, n: <Self::F as Simd>::V) -> <Self::F as Simd>::V;
    /// 32 pairs out of two rows of 32: `out[2 i] = a[i]`, `out[2 i + 1] = b[i]`.
    unsafe fn interleave(a: *const u16, b: *const u16, out: *mut u16);
    /// 16 rows of 16 pairs, `from_stride` pairs apart, to columns: `to[p * to_stride + r] = from[r * from_stride + p]`.
    unsafe fn transpose(from: *const u32, from_stride: usize, to: *mut u32, to_stride: usize);
}

/// Work that is compiled for each instruction set.
trait HalfJob {
    /// # Safety
    /// As for [`super::simd::Job::run`].
    unsafe fn run<H: Half>(self);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Amx,
}

/// A way to multiply bfloat16 that this CPU has: a value can only come from detection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HalfIsa(Kind);

impl HalfIsa {
    /// The fastest that this CPU has.
    pub fn best() -> Self {
        *Self::available().last().expect("portable is always there")
    }

    /// All that this CPU has, the fastest last.
    pub fn available() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut))]
        let mut found = vec![Self(Kind::Portable)];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bf16")
        {
            found.push(Self(Kind::Avx512));
            if super::amx::Amx::get().is_some() {
                found.push(Self(Kind::Amx));
            }
        }
        found
    }

    /// Whether there is an instruction for it: without one, floats are faster.
    pub fn is_native(self) -> bool {
        self.0 != Kind::Portable
    }

    /// # Safety
    /// What the job itself asks of its pointers; the instruction set is there, or the kind would not be.
    unsafe fn dispatch<J: HalfJob>(self, job: J) {
        match self.0 {
            Kind::Portable => job.run::<Portable>(),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => x86::run_avx512(job),
            #[cfg(target_arch = "x86_64")]
            Kind::Amx => x86::run_amx(job),
        }
    }
}

impl fmt::Debug for HalfIsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
