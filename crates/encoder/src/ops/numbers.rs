//! Functions of one number, free of branches and calls, so that loops over them become vector code.

use crate::config::Activation;
use std::f32::consts::{FRAC_1_SQRT_2, LOG2_E};

/// Compiles a function for every instruction set of the CPU family and calls the best one at hand.
///
/// References in its arguments carry the lifetime `'a`.
macro_rules! vectorized {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments, clippy::extra_unused_lifetimes)]
        $vis fn $name<'a>($($arg: $ty),*) $(-> $ret)? {
            struct Job<T>(T);
            impl<'a> pulp::NullaryFnOnce for Job<($($ty,)*)> {
                type Output = vectorized!(@output $($ret)?);
                #[inline(always)]
                #[allow(unused_mut)]
                fn call(self) -> Self::Output {
                    let ($($arg,)*) = self.0;
                    $body
                }
            }
            pulp::Arch::new().dispatch(Job(($($arg,)*)))
        }
    };
    (@output) => { () };
    (@output $ret:ty) => { $ret };
}
pub(super) use vectorized;

/// `e^x`, relative error below 3e-7 between -87 and 88, flat outside. Cephes' `expf`.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // Adding and taking away 1.5 * 2^23 rounds to an integer, which then stands in the low bits.
    const MAGIC: f32 = 12_582_912.0;
    let x = if x > 88.0 { 88.0 } else { x };
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * LOG2_E + MAGIC;
    let n = shifted - MAGIC;
    // ln 2 in two parts, the first exact in few bits, keeps the remainder exact.
    let r = x - n * 0.693_359_4;
    let r = r + n * 2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = p * r + c;
    }
    let y = p * (r * r) + r + 1.0;
    let power = shifted.to_bits().wrapping_sub(MAGIC.to_bits()).wrapping_add(127) << 23;
    y * f32::from_bits(power)
}

/// The error function by the rational approximation of Eigen and XLA, error below 3e-7; flat beyond 4.
#[inline(always)]
pub(super) fn erf(x: f32) -> f32 {
    let x = if x > 4.0 { 4.0 } else { x };
    let x = if x < -4.0 { -4.0 } else { x };
    let z = x * x;
    let mut p = -2.726_142_3e-10;
    for c in [2.770_681_4e-8, -2.101_024e-6, -5.692_506_5e-5, -7.349_906_3e-4, -2.954_6e-3, -1.609_603_3e-2] {
        p = p * z + c;
    }
    let mut q = -1.456_607_2e-5;
    for c in [-2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2] {
        q = q * z + c;
    }
    x * p / q
}

/// An activation's value and slope at `x`.
#[inline(always)]
pub(super) fn activation(kind: Activation, x: f32) -> (f32, f32) {
    match kind {
        Activation::Gelu => {
            let cdf = 0.5 + 0.5 * erf(x * FRAC_1_SQRT_2);
            let density = 0.398_942_3 * exp(-0.5 * x * x);
            (x * cdf, cdf + x * density)
        }
        Activation::GeluNew => {
            // (1 + tanh u) / 2 is the logistic function of 2u.
            let twice = 2.0 * 0.797_884_6 * (x + 0.044_715 * x * x * x);
            let gate = 1.0 / (1.0 + exp(-twice));
            let slope = 2.0 * 0.797_884_6 * (1.0 + 3.0 * 0.044_715 * x * x);
            (x * gate, gate + x * gate * (1.0 - gate) * slope)
        }
        Activation::Relu => {
            if x > 0.0 {
                (x, 1.0)
            } else {
                (0.0, 0.0)
            }
        }
    }
}

/// Sum in sixteen running sums, which vector code needs and which rounds less than one.
#[inline(always)]
pub(super) fn sum(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += term(value);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane += term(value);
    }
    fold(lanes)
}

/// Sums of two terms at once over two slices of one length.
#[inline(always)]
pub(super) fn sums2(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> (f32, f32)) -> (f32, f32) {
    let (mut first, mut second) = ([0.0f32; 16], [0.0f32; 16]);
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..16 {
            let (x, y) = term(a[i], b[i]);
            first[i] += x;
            second[i] += y;
        }
    }
    for (i, (&a, &b)) in a_rest.iter().zip(b_rest).enumerate() {
        let (x, y) = term(a, b);
        first[i] += x;
        second[i] += y;
    }
    (fold(first), fold(second))
}

#[inline(always)]
fn fold(lanes: [f32; 16]) -> f32 {
    let eight: [f32; 8] = std::array::from_fn(|i| lanes[i] + lanes[i + 8]);
    let four: [f32; 4] = std::array::from_fn(|i| eight[i] + eight[i + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

#[inline(always)]
pub(super) fn highest(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; 16];
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = if value > *lane { value } else { *lane };
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane = if value > *lane { value } else { *lane };
    }
    lanes.into_iter().fold(f32::NEG_INFINITY, f32::max)
}

/// Uniform 32 bits for element `index` of the stream `key`, the same in whatever order they are asked for.
/// The mixer is Wellons' "lowbias32", applied to both words.
#[inline(always)]
pub(super) fn random_bits(key: u64, index: u64) -> u32 {
    let mut x = (index as u32) ^ (key as u32);
    x = mix(x).wrapping_add((key >> 32) as u32 ^ (index >> 32) as u32);
    mix(x)
}

#[inline(always)]
fn mix(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// A key for one use of a seed: places with different numbers draw independently.
pub(super) fn stream(seed: u64, place: u64) -> u64 {
    // SplitMix64's finaliser over both.
    let mut z = seed.wrapping_add(place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
