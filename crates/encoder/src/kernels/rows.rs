//! Element-wise work on rows: activation, layer normalisation, softmax.

use super::simd::{Isa, Job, Simd};
use crate::config::Activation;

/// `e^x`, relative error below 2e-7 between -87 and 88, flat outside. Cephes' `expf`.
#[inline(always)]
pub(super) unsafe fn exp<S: Simd>(x: S::V) -> S::V {
    let x = S::max(S::min(x, S::splat(88.0)), S::splat(-87.0));
    let n = S::round(S::mul(x, S::splat(std::f32::consts::LOG2_E)));
    let minus = S::sub(S::splat(0.0), n);
    // ln 2 in two parts, the first exact in few bits, keeps the remainder exact.
    let r = S::fma(minus, S::splat(0.693_359_4), x);
    let r = S::fma(minus, S::splat(-2.121_944_4e-4), r);
    let mut p = S::splat(1.987_569_1e-4);
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = S::fma(p, r, S::splat(c));
    }
    let y = S::add(S::fma(p, S::mul(r, r), r), S::splat(1.0));
    S::mul(y, S::pow2(n))
}

/// The error function as a quotient, the rational approximation of Eigen and XLA, error below 3e-7; flat beyond 4.
#[inline(always)]
pub(super) unsafe fn erf_parts<S: Simd>(x: S::V) -> (S::V, S::V) {
    let x = S::max(S::min(x, S::splat(4.0)), S::splat(-4.0));
    let z = S::mul(x, x);
    let mut p = S::splat(-2.726_142_3e-10);
    for c in [2.770_681_4e-8, -2.101_024e-6, -5.692_506_5e-5, -7.349_906_3e-4, -2.954_6e-3, -1.609_603_3e-2] {
        p = S::fma(p, z, S::splat(c));
    }
    let mut q = S::splat(-1.456_607_2e-5);
    for c in [-2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2] {
        q = S::fma(q, z, S::splat(c));
    }
    (S::mul(x, p), q)
}

#[inline(always)]
unsafe fn gelu<S: Simd>(x: S::V) -> S::V {
    let (p, q) = erf_parts::<S>(S::mul(x, S::splat(std::f32::consts::FRAC_1_SQRT_2)));
    let e = S::div(p, q);
    S::mul(S::mul(S::splat(0.5), x), S::add(e, S::splat(1.0)))
}

/// `0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`, by `(1 + tanh u) / 2 = 1 - 1 / (e^2u + 1)`.
#[inline(always)]
pub(super) unsafe fn gelu_new<S: Simd>(x: S::V) -> S::V {
    let cubed = S::mul(S::mul(x, x), x);
    let u2 = S::mul(S::fma(cubed, S::splat(0.044_715), x), S::splat(2.0 * 0.797_884_6));
    let one = S::splat(1.0);
    let gate = S::sub(one, S::div(one, S::add(exp::<S>(u2), one)));
    S::mul(x, gate)
}

#[inline(always)]
unsafe fn relu<S: Simd>(x: S::V) -> S::V {
    S::max(x, S::splat(0.0))
}

/// Applies the activation to every value.
pub(super) fn activate(isa: Isa, activation: Activation, values: &mut [f32]) {
    // SAFETY: the job keeps to its slice.
    unsafe { isa.dispatch(Activate { activation, values }) }
}

struct Activate<'a> {
    activation: Activation,
    values: &'a mut [f32],
}

/// `each!(S, values, f)`: every value through `f`. Not a function that takes a closure: closures cannot be
/// `inline(always)`, and one call that is not inlined turns every intrinsic in it into a call.
macro_rules! each {
    ($S:ident, $values:expr, $f:expr) => {{
        let p = $values.as_mut_ptr();
        let full = $values.len() / $S::LANES * $S::LANES;
        for i in (0..full).step_by($S::LANES) {
            $S::store(p.add(i), $f($S::load(p.add(i))));
        }
        let rest = $values.len() - full;
        if rest > 0 {
            let v = $f($S::load_part(p.add(full), rest, 0.0));
            $S::store_part(p.add(full), v, rest);
        }
    }};
}

impl Job for Activate<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        match self.activation {
            Activation::Gelu => each!(S, self.values, gelu::<S>),
            Activation::GeluNew => each!(S, self.values, gelu_new::<S>),
            Activation::Relu => each!(S, self.values, relu::<S>),
        }
    }
}

/// Scale and shift of a layer normalisation.
#[derive(Clone, Debug)]
pub struct Norm {
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
    pub(super) eps: f32,
}

impl Norm {
    /// # Panics
    /// If the two differ in length.
    pub fn new(scale: Vec<f32>, shift: Vec<f32>, eps: f32) -> Self {
        assert_eq!(scale.len(), shift.len(), "scale and shift are [hidden]");
        Self { scale, shift, eps }
    }

    /// `x = norm(x)` for each row of `x` `[m, hidden]`.
    ///
    /// # Panics
    /// If the lengths do not fit.
    pub fn apply(&self, isa: Isa, x: &mut [f32]) {
        let zeros = vec![0.0; self.scale.len()];
        for row in x.chunks_exact_mut(self.scale.len()) {
            self.add(isa, row, &zeros);
        }
    }

    /// `x = norm(x + y)` for each row of `x` and `y`, both `[m, hidden]`.
    ///
    /// # Panics
    /// If the lengths do not fit.
    pub fn add(&self, isa: Isa, x: &mut [f32], y: &[f32]) {
        assert_eq!(x.len(), y.len(), "x and y are [m, hidden]");
        assert!(x.len().is_multiple_of(self.scale.len()), "x is [m, hidden]");
        // SAFETY: the job takes rows of `scale.len()` floats, which divide both slices; `shift` is as long.
        unsafe { isa.dispatch(AddNorm { norm: self, x, y }) }
    }
}

struct AddNorm<'a> {
    norm: &'a Norm,
    x: &'a mut [f32],
    y: &'a [f32],
}

impl Job for AddNorm<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let n = self.norm.scale.len();
        let (scale, shift) = (self.norm.scale.as_ptr(), self.norm.shift.as_ptr());
        let full = n / S::LANES * S::LANES;
        let rest = n - full;
        for (x, y) in self.x.chunks_exact_mut(n).zip(self.y.chunks_exact(n)) {
            let (x, y) = (x.as_mut_ptr(), y.as_ptr());
            let mut sum = S::splat(0.0);
            for i in (0..full).step_by(S::LANES) {
                let v = S::add(S::load(x.add(i)), S::load(y.add(i)));
                S::store(x.add(i), v);
                sum = S::add(sum, v);
            }
            let mut total = S::sum(sum);
            for i in full..n {
                *x.add(i) += *y.add(i);
                total += *x.add(i);
            }
            // Two passes for the variance: the difference of mean squares would cancel.
            let mean = total / n as f32;
            let mean_v = S::splat(mean);
            let mut squares = S::splat(0.0);
            for i in (0..full).step_by(S::LANES) {
                let d = S::sub(S::load(x.add(i)), mean_v);
                squares = S::fma(d, d, squares);
            }
            let mut total = S::sum(squares);
            for i in full..n {
                let d = *x.add(i) - mean;
                total += d * d;
            }
            let inverse = S::splat(1.0 / (total / n as f32 + self.norm.eps).sqrt());
            for i in (0..full).step_by(S::LANES) {
                let d = S::mul(S::sub(S::load(x.add(i)), mean_v), inverse);
                let v = S::fma(d, S::load(scale.add(i)), S::load(shift.add(i)));
                S::store(x.add(i), v);
            }
            if rest > 0 {
                let v = S::load_part(x.add(full), rest, 0.0);
                let d = S::mul(S::sub(v, mean_v), inverse);
                let g = S::load_part(scale.add(full), rest, 0.0);
                let b = S::load_part(shift.add(full), rest, 0.0);
                S::store_part(x.add(full), S::fma(d, g, b), rest);
            }
        }
    }
}

/// Replaces the `n` scores at `p` by `e^(score - max)` and returns one over their sum: dividing the few values
/// of the weighted sum afterwards is cheaper than dividing every weight.
///
/// # Safety
/// `p` is valid for `n >= 1` floats, and the CPU has `S`.
#[inline(always)]
pub(super) unsafe fn exponentials<S: Simd>(p: *mut f32, n: usize) -> f32 {
    let full = n / S::LANES * S::LANES;
    let rest = n - full;
    let mut top = S::splat(f32::NEG_INFINITY);
    for i in (0..full).step_by(S::LANES) {
        top = S::max(top, S::load(p.add(i)));
    }
    if rest > 0 {
        top = S::max(top, S::load_part(p.add(full), rest, f32::NEG_INFINITY));
    }
    let max = S::splat(S::highest(top));
    let mut sum = S::splat(0.0);
    for i in (0..full).step_by(S::LANES) {
        let e = exp::<S>(S::sub(S::load(p.add(i)), max));
        S::store(p.add(i), e);
        sum = S::add(sum, e);
    }
    let mut total = S::sum(sum);
    if rest > 0 {
        let e = exp::<S>(S::sub(S::load_part(p.add(full), rest, 0.0), max));
        S::store_part(p.add(full), e, rest);
        for i in full..n {
            total += *p.add(i);
        }
    }
    1.0 / total
}
