//! bfloat16 against plain arithmetic on rounded numbers, on every instruction set that the machine has.

use super::attention::{Head, Scratch};
use super::linear::Packed;
use super::rows::{Gelu, GeluNew, Nothing, Relu, add_norm};
use super::{Half, HalfIsa, HalfJob, TILE};
use crate::kernels::buffer::Buffer;
use crate::kernels::rows::Norm;
use crate::kernels::tests::{cases, gelu, random};
use ::half::bf16;
use proptest::prelude::*;

fn bits(values: &[f32]) -> Vec<u16> {
    values.iter().map(|v| bf16::from_f32(*v).to_bits()).collect()
}

fn wide(bits: u16) -> f32 {
    bf16::from_bits(bits).to_f32()
}

fn rounded(values: &[f32]) -> Vec<f32> {
    bits(values).into_iter().map(wide).collect()
}

/// Rows of `width` values in rows of `to`, zeros beyond, and rows up to whole tiles.
fn padded(values: &[u16], width: usize, to: usize) -> Buffer<u16> {
    let rows = values.len() / width.max(1);
    let mut out: Buffer<u16> = Buffer::zeros((rows.next_multiple_of(TILE) + TILE) * to);
    for (i, row) in values.chunks(width).enumerate() {
        out[i * to..][..width].copy_from_slice(row);
    }
    out
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Sums,
    Nothing,
    Gelu,
    GeluNew,
    Relu,
}

struct Product<'a> {
    packed: &'a Packed,
    a: &'a [u16],
    m: usize,
    way: Way,
    /// `[m, np]`.
    out: &'a mut Vec<f32>,
}

impl HalfJob for Product<'_> {
    #[inline(always)]
    unsafe fn run<H: Half>(self) {
        let Self { packed, a, m, way, out } = self;
        let rows = m.next_multiple_of(TILE);
        let _guard = H::begin();
        let mut sums = Buffer::<f32>::zeros(rows * packed.np);
        let mut values = Buffer::<u16>::zeros(rows * packed.np);
        let (a, to) = (a.as_ptr(), values.as_mut_ptr());
        match way {
            Way::Sums => packed.sums::<H>(a, m, sums.as_mut_ptr()),
            Way::Nothing => packed.rounded::<H, Nothing>(a, m, to),
            Way::Gelu => packed.rounded::<H, Gelu>(a, m, to),
            Way::GeluNew => packed.rounded::<H, GeluNew>(a, m, to),
            Way::Relu => packed.rounded::<H, Relu>(a, m, to),
        }
        assert!(values[m * packed.np..].iter().all(|v| *v == 0), "a store beyond the last row");
        out.extend(match way {
            Way::Sums => sums[..m * packed.np].to_vec(),
            _ => values[..m * packed.np].iter().map(|v| wide(*v)).collect(),
        });
    }
}

fn close(a: f64, b: f64, relative: f64, absolute: f64) -> bool {
    (a - b).abs() <= absolute + relative * b.abs()
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn product_is_the_sum_of_rounded_products(
        m in 0usize..70,
        n in 1usize..80,
        k in 1usize..80,
        deep: bool,
        seed: u64,
    ) {
        let k = if deep { k + 500 } else { k };
        let (x, w, b) = (random(m * k, seed), random(n * k, seed ^ 1), random(n, seed ^ 2));
        let (xr, wr) = (rounded(&x), rounded(&w));
        let packed = Packed::new(&w, &b, n, k);
        let a = padded(&bits(&x), k, packed.kp);
        for isa in HalfIsa::available() {
            for way in [Way::Sums, Way::Nothing, Way::Gelu, Way::GeluNew, Way::Relu] {
                let mut out = Vec::new();
                // SAFETY: `a` has whole tiles of rows of `kp`.
                unsafe { isa.dispatch(Product { packed: &packed, a: &a, m, way, out: &mut out }) }
                prop_assert_eq!(out.len(), m * packed.np);
                for (i, row) in out.chunks(packed.np).enumerate() {
                    for (j, value) in row.iter().enumerate() {
                        if j >= n {
                            prop_assert!(value.to_bits() == 0, "{:?} {:?} writes padding", isa, way);
                            continue;
                        }
                        let dot: f64 =
                            (0..k).map(|l| f64::from(xr[i * k + l]) * f64::from(wr[j * k + l])).sum();
                        let sum = dot + f64::from(b[j]);
                        let (expected, relative) = match way {
                            Way::Sums => (dot, 0.0),
                            Way::Nothing => (sum, 0.004),
                            Way::Gelu => (gelu(sum), 0.004),
                            Way::GeluNew => {
                                let u = (2.0 / std::f64::consts::PI).sqrt() * (sum + 0.044_715 * sum.powi(3));
                                (0.5 * sum * (1.0 + u.tanh()), 0.004)
                            }
                            Way::Relu => (sum.max(0.0), 0.004),
                        };
                        prop_assert!(
                            close(f64::from(*value), expected, relative, 2e-4),
                            "{:?} {:?}: {} is not {}", isa, way, value, expected
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn attention_is_the_weighted_mean(
        len in 1usize..100,
        size in 1usize..70,
        heads in 1usize..4,
        start in 0usize..5,
        seed: u64,
    ) {
        let hidden = heads * size;
        let stride = (3 * hidden).next_multiple_of(TILE);
        let rows: Vec<f32> = random((start + len) * 3 * hidden, seed).iter().map(|v| v * 2.0).collect();
        let joint = padded(&bits(&rows), 3 * hidden, stride);
        let at = |token: usize, part: usize, head: usize, d: usize| {
            f64::from(wide(joint[(start + token) * stride + part * hidden + head * size + d]))
        };
        for isa in HalfIsa::available() {
            let mut out = vec![0x7fff_u16; len * hidden];
            let to = out.as_mut_ptr();
            let tasks = (0..heads).map(|head| Head {
                query: joint[start * stride + head * size..].as_ptr(),
                stride,
                hidden,
                out: to.wrapping_add(head * size),
                out_stride: hidden,
                len,
                size,
            });
            // SAFETY: `joint` has whole tiles of rows and one more, `out` is [len, heads * size].
            unsafe { isa.dispatch(Attend(tasks.collect(), &mut Scratch::default())) }
            for head in 0..heads {
                for i in 0..len {
                    let scores: Vec<f64> = (0..len)
                        .map(|j| (0..size).map(|d| at(i, 0, head, d) * at(j, 1, head, d)).sum::<f64>().exp2())
                        .collect();
                    let total: f64 = scores.iter().sum();
                    for d in 0..size {
                        let expected = (0..len).map(|j| scores[j] * at(j, 2, head, d)).sum::<f64>() / total;
                        let value = f64::from(wide(out[i * hidden + head * size + d]));
                        prop_assert!(close(value, expected, 0.01, 0.01), "{:?}: {} is not {}", isa, value, expected);
                    }
                }
            }
        }
    }

    #[test]
    fn norm_has_mean_shift_and_deviation_scale(n in 1usize..80, seed: u64) {
        let (x, y, bias) = (random(n, seed), random(n, seed ^ 1), random(n, seed ^ 4));
        let norm = Norm::new(random(n, seed ^ 2), random(n, seed ^ 3), 1e-3);
        let sum: Vec<f64> =
            (0..n).map(|i| f64::from(x[i]) + f64::from(y[i]) + f64::from(bias[i])).collect();
        let mean = sum.iter().sum::<f64>() / n as f64;
        let variance = sum.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
        for isa in HalfIsa::available() {
            let mut states = x.clone();
            let mut half = vec![7u16; n.next_multiple_of(TILE) + 1];
            // SAFETY: rows are of n floats, `half` holds n and padding.
            unsafe { isa.dispatch(AddNorm { norm: &norm, x: &mut states, y: &y, bias: &bias, half: &mut half }) }
            for i in 0..n {
                let expected = (sum[i] - mean) / (variance + 1e-3).sqrt() * f64::from(norm.scale[i])
                    + f64::from(norm.shift[i]);
                prop_assert!(close(f64::from(states[i]), expected, 0.0, 1e-5), "{:?}", isa);
                prop_assert_eq!(half[i], bf16::from_f32(states[i]).to_bits());
            }
            prop_assert!(half[n..half.len() - 1].iter().all(|v| *v == 0), "padding is zero");
            prop_assert_eq!(half[half.len() - 1], 7);
        }
    }

    #[test]
    fn transposing_and_interleaving_move_every_value(seed: u64) {
        let from: Vec<u32> = random(16 * 20, seed).iter().map(|v| v.to_bits()).collect();
        let halves: Vec<u16> = from.iter().map(|v| *v as u16).collect();
        for isa in HalfIsa::available() {
            let (mut to, mut pairs) = (vec![0u32; 16 * 32], vec![0u16; 64]);
            // SAFETY: 16 rows of 16 lie in both.
            unsafe { isa.dispatch(Move { from: &from, to: &mut to, halves: &halves, pairs: &mut pairs }) }
            for r in 0..16 {
                for p in 0..16 {
                    prop_assert_eq!(to[p * 32 + r], from[r * 20 + p], "{:?}", isa);
                }
            }
            for i in 0..32 {
                prop_assert_eq!((pairs[2 * i], pairs[2 * i + 1]), (halves[i], halves[32 + i]), "{:?}", isa);
            }
        }
    }
}

struct Attend<'a>(Vec<Head>, &'a mut Scratch);

impl HalfJob for Attend<'_> {
    #[inline(always)]
    unsafe fn run<H: Half>(self) {
        let _guard = H::begin();
        for head in self.0 {
            head.attend::<H>(self.1);
        }
    }
}

struct AddNorm<'a> {
    norm: &'a Norm,
    x: &'a mut [f32],
    y: &'a [f32],
    bias: &'a [f32],
    half: &'a mut [u16],
}

impl HalfJob for AddNorm<'_> {
    #[inline(always)]
    unsafe fn run<H: Half>(self) {
        let width = self.half.len() - 1;
        let (x, y, bias) = (self.x.as_mut_ptr(), self.y.as_ptr(), self.bias.as_ptr());
        add_norm::<H>(self.norm, x, y, bias, self.half.as_mut_ptr(), width);
    }
}

struct Move<'a> {
    from: &'a [u32],
    to: &'a mut [u32],
    halves: &'a [u16],
    pairs: &'a mut [u16],
}

impl HalfJob for Move<'_> {
    #[inline(always)]
    unsafe fn run<H: Half>(self) {
        H::transpose(self.from.as_ptr(), 20, self.to.as_mut_ptr(), 32);
        let halves = self.halves.as_ptr();
        H::interleave(halves, halves.add(32), self.pairs.as_mut_ptr());
    }
}

#[test]
fn extreme_scores_give_one_token_all_the_weight_and_no_nan() {
    // Scores of plus and minus a hundred thousand.
    let (len, size) = (40, 32);
    let mut rows = vec![0.0f32; len * 96];
    for (token, row) in rows.chunks_exact_mut(96).enumerate() {
        row[0] = 316.0;
        row[32] = if token == 17 { 316.0 } else { -316.0 };
        row[64] = token as f32;
    }
    let joint = padded(&bits(&rows), 96, 96);
    for isa in HalfIsa::available() {
        let mut out = vec![0u16; len * size];
        let head = Head {
            query: joint.as_ptr(),
            stride: 96,
            hidden: size,
            out: out.as_mut_ptr(),
            out_stride: size,
            len,
            size,
        };
        // SAFETY: as in `attention_is_the_weighted_mean`.
        unsafe { isa.dispatch(Attend(vec![head], &mut Scratch::default())) }
        for row in out.chunks(size) {
            assert_eq!(row[0], bf16::from_f32(17.0).to_bits(), "{isa:?}");
            assert!(row[1..].iter().all(|v| wide(*v) == 0.0), "{isa:?}");
        }
    }
}

#[test]
fn far_from_zero_gelu_is_the_input_or_nothing() {
    let packed = Packed::new(&[1.0], &[0.0], 1, 1);
    let x = [-1e30, -1e4, -100.0, -10.0, 10.0, 100.0, 1e4, 1e30];
    let a = padded(&bits(&x), 1, 32);
    for isa in HalfIsa::available() {
        for way in [Way::Gelu, Way::GeluNew, Way::Relu] {
            let mut out = Vec::new();
            // SAFETY: `a` has whole tiles of rows of 32.
            unsafe { isa.dispatch(Product { packed: &packed, a: &a, m: x.len(), way, out: &mut out }) }
            for (x, row) in x.iter().zip(out.chunks(32)) {
                let expected = f64::from(wide(bf16::from_f32(*x).to_bits()).max(0.0));
                let (value, absolute) = (f64::from(row[0]), f64::from(x.abs()) * 1e-6);
                assert!(close(value, expected, 0.004, absolute), "{isa:?} {way:?}({x}) = {value}");
            }
        }
    }
}
