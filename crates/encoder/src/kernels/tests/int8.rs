//! Products in bytes against the same arithmetic written plainly, on every instruction set that the machine has.

use super::{cases, random};
use crate::kernels::int8::{Int8Isa, Packed, Rows};
use crate::tests::distance;
use proptest::prelude::*;

/// Quantised as documented: symmetric, 127 steps to the largest value.
fn quantised(row: &[f32]) -> (f32, Vec<i64>) {
    let largest = row.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let step = largest / 127.0;
    let inverse = if (1.0 / step).is_finite() { 1.0 / step } else { 0.0 };
    (step, row.iter().map(|v| (v * inverse).round_ties_even() as i64).collect())
}

fn plain(x: &[f32], w: &[f32], b: &[f32], k: usize) -> Vec<f32> {
    let weights: Vec<_> = w.chunks(k).map(quantised).collect();
    let mut out = Vec::new();
    for row in x.chunks(k) {
        let (step, row) = quantised(row);
        for ((weight_step, weight), bias) in weights.iter().zip(b) {
            let sum: i64 = row.iter().zip(weight).map(|(a, w)| a * w).sum();
            out.push((sum as f64 * f64::from(step * weight_step) + f64::from(*bias)) as f32);
        }
    }
    out
}

fn check(x: &[f32], w: &[f32], b: &[f32], k: usize, tolerance: f32) {
    let expected = plain(x, w, b, k);
    for isa in Int8Isa::available() {
        let mut out = vec![f32::NAN; expected.len() + 64];
        let mut rows = Rows::default();
        Packed::new(isa, w, b, b.len(), k).apply(x, &mut out[..expected.len()], &mut rows);
        let off = distance(&out[..expected.len()], &expected);
        assert!(off <= tolerance, "{isa:?} is off by {off}");
        // A guard behind the last row shows a store too far.
        assert!(out[expected.len()..].iter().all(|v| v.is_nan()), "{isa:?}");
    }
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn product_is_the_sum_of_quantised_products(m in 0usize..70, n in 1usize..80, k in 1usize..200, seed: u64) {
        let (x, w, b) = (random(m * k, seed), random(n * k, seed ^ 1), random(n, seed ^ 2));
        check(&x, &w, &b, k, 2e-5);
    }

    #[test]
    fn a_byte_each_is_close_to_floats(m in 1usize..20, n in 1usize..40, seed: u64) {
        let k = 384;
        let (x, w) = (random(m * k, seed), random(n * k, seed ^ 1));
        for isa in Int8Isa::available() {
            let mut out = vec![0.0; m * n];
            Packed::new(isa, &w, &vec![0.0; n], n, k).apply(&x, &mut out, &mut Rows::default());
            for (i, row) in out.chunks(n).enumerate() {
                for (j, value) in row.iter().enumerate() {
                    let dot: f32 = (0..k).map(|l| x[i * k + l] * w[j * k + l]).sum();
                    // 384 products of which each is off by half a step of 1/127 on either side: six deviations.
                    prop_assert!((value - dot).abs() < 6.0 * (384.0f32).sqrt() / 127.0 * 0.25, "{isa:?}");
                }
            }
        }
    }
}

#[test]
fn extreme_values_do_not_saturate() {
    // All at the largest step, in every combination of signs: the largest sums of pairs there can be.
    for k in [4, 64, 100, 1536] {
        for (a, w) in [(1.0f32, 1.0f32), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
            check(&vec![a; 3 * k], &vec![w; 40 * k], &[0.5; 40], k, 1e-3);
        }
        // Signs that alternate within groups of four, so that pairs add up while the whole does not.
        let x: Vec<f32> = (0..k).map(|i| if i % 4 < 2 { 3e4 } else { -3e4 }).collect();
        let w: Vec<f32> = (0..k * 33).map(|i| if i % 4 < 2 { -2e-4 } else { 2e-4 }).collect();
        check(&x, &w, &[0.0; 33], k, 6e-6 * 6.0 * k as f32);
    }
}

#[test]
fn rows_of_zeros_and_of_the_smallest_numbers_give_the_bias() {
    let k = 70;
    let mut x = vec![0.0f32; 2 * k];
    x[k + 3] = f32::from_bits(1);
    let b = random(9, 3);
    for isa in Int8Isa::available() {
        let mut out = vec![0.0; 18];
        Packed::new(isa, &random(9 * k, 4), &b, 9, k).apply(&x, &mut out, &mut Rows::default());
        assert!(distance(&out, &[b.clone(), b.clone()].concat()) < 1e-6, "{isa:?}");
    }
}

#[test]
fn what_is_not_finite_stays_in_its_row_or_column() {
    let (m, n, k) = (5, 37, 70);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for at in [0, 33, k - 1] {
            let mut x = random(m * k, 1);
            x[2 * k + at] = bad;
            let mut w = random(n * k, 2);
            w[11 * k + at] = bad;
            for isa in Int8Isa::available() {
                let mut out = vec![0.0; m * n];
                Packed::new(isa, &w, &random(n, 3), n, k).apply(&x, &mut out, &mut Rows::default());
                for (i, row) in out.chunks(n).enumerate() {
                    for (j, value) in row.iter().enumerate() {
                        assert_eq!(value.is_nan(), i == 2 || j == 11, "{isa:?} {bad} row {i} column {j}");
                    }
                }
            }
        }
    }
}

#[test]
fn rows_kept_from_a_longer_product_do_not_leak_into_a_shorter_one() {
    for isa in Int8Isa::available() {
        let mut rows = Rows::default();
        let long = Packed::new(isa, &random(8 * 200, 1), &[0.0; 8], 8, 200);
        long.apply(&random(50 * 200, 2), &mut vec![0.0; 50 * 8], &mut rows);
        let (x, w) = (random(3 * 70, 3), random(8 * 70, 4));
        let mut out = vec![0.0; 24];
        Packed::new(isa, &w, &[0.0; 8], 8, 70).apply(&x, &mut out, &mut rows);
        assert!(distance(&out, &plain(&x, &w, &[0.0; 8], 70)) < 2e-5, "{isa:?}");
    }
}
