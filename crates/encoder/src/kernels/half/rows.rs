//! Element-wise work between products: as exact as rounding to bfloat16 leaves room for.

use super::Half;
use crate::kernels::rows::{self, Norm};
use crate::kernels::simd::Simd;

/// What a value goes through after its bias.
pub(super) trait Finish {
    unsafe fn apply<H: Half>(v: <H::F as Simd>::V) -> <H::F as Simd>::V;
}

pub(super) struct Nothing;

impl Finish for Nothing {
    #[inline(always)]
    unsafe fn apply<H: Half>(v: <H::F as Simd>::V) -> <H::F as Simd>::V {
        v
    }
}

pub(super) struct Gelu;

impl Finish for Gelu {
    /// `x / 2 + |x|/2 * erf(|x| / sqrt 2)` by the quotient of [`rows::erf_parts`] with a quick reciprocal.
    #[inline(always)]
    unsafe fn apply<H: Half>(v: <H::F as Simd>::V) -> <H::F as Simd>::V {
        let (p, q) = rows::erf_parts::<H::F>(H::F::mul(v, H::F::splat(std::f32::consts::FRAC_1_SQRT_2)));
        let e = H::F::mul(p, H::reciprocal(q));
        let half = H::F::mul(v, H::F::splat(0.5));
        H::F::fma(half, e, half)
    }
}

pub(super) struct GeluNew;

impl Finish for GeluNew {
    #[inline(always)]
    unsafe fn apply<H: Half>(v: <H::F as Simd>::V) -> <H::F as Simd>::V {
        rows::gelu_new::<H::F>(v)
    }
}

pub(super) struct Relu;

impl Finish for Relu {
    #[inline(always)]
    unsafe fn apply<H: Half>(v: <H::F as Simd>::V) -> <H::F as Simd>::V {
        H::F::max(v, H::F::splat(0.0))
    }
}

/// `2^x` for x up to 0, relative error 3e-6; what lies below -126 is as good as 0.
#[inline(always)]
unsafe fn exp2<H: Half>(x: <H::F as Simd>::V) -> <H::F as Simd>::V {
    let n = H::F::round(x);
    let r = H::F::sub(x, n);
    // Minimax on [-1/2, 1/2].
    let mut p = H::F::splat(0.009_570_102);
    for c in [0.055_917_86, 0.240_247_45, 0.693_121_8, 0.999_999_3] {
        p = H::F::fma(p, r, H::F::splat(c));
    }
    H::scale(p, n)
}

/// Lowest score there is, in powers of two: far below any that counts, and still finite after a difference.
const LOWEST: f32 = -1e30;

/// `2^(score - max)` of the `n >= 1` scores, rounded, to `out`; zeros up to `padded`. Returns one over their sum.
///
/// # Safety
/// `scores` is valid for `n` floats, `out` for `padded` values, a multiple of 32 that is not below `n`.
#[inline(always)]
pub(super) unsafe fn weights<H: Half>(scores: *const f32, n: usize, out: *mut u16, padded: usize) -> f32 {
    let lanes = H::F::LANES;
    let full = n / lanes * lanes;
    let rest = n - full;
    let mut top = H::F::splat(LOWEST);
    for i in (0..full).step_by(lanes) {
        top = H::F::max(top, H::F::load(scores.add(i)));
    }
    if rest > 0 {
        top = H::F::max(top, H::F::load_part(scores.add(full), rest, LOWEST));
    }
    let max = H::F::splat(H::F::highest(top));
    let mut sum = H::F::splat(0.0);
    for i in (0..full).step_by(lanes) {
        let e = exp2::<H>(H::F::sub(H::F::load(scores.add(i)), max));
        H::store(out.add(i), e);
        sum = H::F::add(sum, e);
    }
    let mut i = full;
    if rest > 0 {
        let e = exp2::<H>(H::F::sub(H::F::load_part(scores.add(full), rest, LOWEST), max));
        H::store(out.add(i), e);
        sum = H::F::add(sum, e);
        i += lanes;
    }
    while i < padded {
        H::store(out.add(i), H::F::splat(0.0));
        i += lanes;
    }
    1.0 / H::F::sum(sum)
}

/// `x = norm(x + y + bias)` for one row, and the same rounded to `out`, zeros up to `padded` there.
///
/// # Safety
/// `x`, `y` and `bias` are valid for as many floats as the norm has, `out` for `padded` values, a multiple of 32 that
/// is not below it.
#[inline(always)]
pub(super) unsafe fn add_norm<H: Half>(
    norm: &Norm,
    x: *mut f32,
    y: *const f32,
    bias: *const f32,
    out: *mut u16,
    padded: usize,
) {
    let (n, lanes) = (norm.scale.len(), H::F::LANES);
    let (scale, shift) = (norm.scale.as_ptr(), norm.shift.as_ptr());
    let full = n / lanes * lanes;
    let rest = n - full;
    let mut sum = H::F::splat(0.0);
    for i in (0..full).step_by(lanes) {
        let v = H::F::add(H::F::load(x.add(i)), H::F::add(H::F::load(y.add(i)), H::F::load(bias.add(i))));
        H::F::store(x.add(i), v);
        sum = H::F::add(sum, v);
    }
    let mut total = H::F::sum(sum);
    for i in full..n {
        *x.add(i) += *y.add(i) + *bias.add(i);
        total += *x.add(i);
    }
    // Two passes for the variance: the difference of mean squares would cancel.
    let mean = total / n as f32;
    let mean_v = H::F::splat(mean);
    let mut squares = H::F::splat(0.0);
    for i in (0..full).step_by(lanes) {
        let d = H::F::sub(H::F::load(x.add(i)), mean_v);
        squares = H::F::fma(d, d, squares);
    }
    let mut total = H::F::sum(squares);
    for i in full..n {
        let d = *x.add(i) - mean;
        total += d * d;
    }
    let inverse = H::F::splat(1.0 / (total / n as f32 + norm.eps).sqrt());
    for i in (0..full).step_by(lanes) {
        let d = H::F::mul(H::F::sub(H::F::load(x.add(i)), mean_v), inverse);
        let v = H::F::fma(d, H::F::load(scale.add(i)), H::F::load(shift.add(i)));
        H::F::store(x.add(i), v);
        H::store(out.add(i), v);
    }
    let mut i = full;
    if rest > 0 {
        let v = H::F::load_part(x.add(full), rest, 0.0);
        let d = H::F::mul(H::F::sub(v, mean_v), inverse);
        let g = H::F::load_part(scale.add(full), rest, 0.0);
        let b = H::F::load_part(shift.add(full), rest, 0.0);
        let v = H::F::fma(d, g, b);
        H::F::store_part(x.add(full), v, rest);
        H::store(out.add(full), v);
        i += lanes;
    }
    while i < padded {
        H::store(out.add(i), H::F::splat(0.0));
        i += lanes;
    }
}
