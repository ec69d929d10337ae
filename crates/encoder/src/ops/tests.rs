//! Each operation alone: values by a plain loop in f64, gradients by finite differences.

use super::product::{Matrix, Packed, Target, multiply, multiply_small};
use super::{attention_packed, dropout, gather_rows, gelu, layer_norm, linear, segment_mean};
use crate::HalfIsa;
use candle_core::{Device, Tensor, Var};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::ops::Range;

fn random(n: usize, seed: u64) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..n).map(|_| rng.random_range(-1.0f32..1.0)).collect()
}

fn var(shape: &[usize], seed: u64) -> Var {
    let values = random(shape.iter().product(), seed);
    Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Gradients of a random projection of `op` with respect to each of `vars`, against central differences.
fn check(vars: &[&Var], op: impl Fn() -> Tensor) -> Result<(), TestCaseError> {
    let out = op();
    let weights = random(out.elem_count(), 99);
    let constants = Tensor::from_slice(&weights, out.dims(), &Device::Cpu).unwrap();
    let gradients = (out * constants).unwrap().sum_all().unwrap().backward().unwrap();
    let loss =
        || -> f64 { values(&op()).iter().zip(&weights).map(|(o, w)| f64::from(*o) * f64::from(*w)).sum() };
    for (which, var) in vars.iter().enumerate() {
        let gradient = gradients.get(var);
        prop_assert!(gradient.is_some(), "argument {which} has no gradient");
        let original = values(var);
        let set = |values: Vec<f32>| {
            var.set(&Tensor::from_vec(values, var.dims(), &Device::Cpu).unwrap()).unwrap();
        };
        let at = |index: usize, step: f32| {
            let mut moved = original.clone();
            moved[index] += step;
            set(moved);
            loss()
        };
        for (index, found) in values(gradient.unwrap()).into_iter().enumerate() {
            let slope = |h: f32| (at(index, h) - at(index, -h)) / (2.0 * f64::from(h));
            let expected = (4.0 * slope(0.01) - slope(0.02)) / 3.0;
            let off = (f64::from(found) - expected).abs();
            prop_assert!(
                off < 2e-3 + 1e-2 * expected.abs(),
                "argument {which} at {index}: backward gives {found}, differences give {expected}"
            );
        }
        set(original);
    }
    Ok(())
}

/// Some rows out of a few, as ranges or as single ones.
fn picks(rows: usize) -> impl Strategy<Value = Vec<Range<usize>>> {
    prop::collection::vec((0..=rows, 0..=rows).prop_map(|(a, b)| a.min(b)..a.max(b)), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn linear_is_right_there_and_back(m in 1usize..4, n in 1usize..40, k in 1usize..6, seed: u64) {
        let (x, w, b) = (var(&[m, k], seed), var(&[n, k], seed ^ 1), var(&[n], seed ^ 2));
        let op = || linear(&x, &w, &b).unwrap();
        let plain = x.matmul(&w.t().unwrap()).unwrap().broadcast_add(&b).unwrap();
        for (a, b) in values(&op()).iter().zip(values(&plain)) {
            prop_assert!((a - b).abs() < 1e-5);
        }
        check(&[&x, &w, &b], op)?;
    }

    #[test]
    fn layer_norm_is_right_there_and_back(rows in 1usize..4, n in 2usize..20, seed: u64) {
        let (x, scale, shift) = (var(&[rows, n], seed), var(&[n], seed ^ 1), var(&[n], seed ^ 2));
        // A large epsilon keeps rows of two near values smooth enough for differences.
        let op = || layer_norm(&x, &scale, &shift, 0.3).unwrap();
        for (row, out) in values(&x).chunks(n).zip(values(&op()).chunks(n)) {
            let mean = row.iter().map(|&v| f64::from(v)).sum::<f64>() / n as f64;
            let variance = row.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n as f64;
            for (i, (&v, &out)) in row.iter().zip(out).enumerate() {
                let (g, b) = (f64::from(values(&scale)[i]), f64::from(values(&shift)[i]));
                let expected = (f64::from(v) - mean) / (variance + f64::from(0.3f32)).sqrt() * g + b;
                prop_assert!((expected - f64::from(out)).abs() < 1e-5);
            }
        }
        check(&[&x, &scale, &shift], op)?;
    }

    #[test]
    fn gelu_is_right_there_and_back(n in 1usize..50, seed: u64) {
        let x = var(&[n], seed);
        x.set(&(x.as_tensor() * 5.0).unwrap()).unwrap();
        let op = || gelu(&x).unwrap();
        for (a, b) in values(&op()).iter().zip(values(&x.gelu_erf().unwrap())) {
            prop_assert!((a - b).abs() < 2e-6, "{a} {b}");
        }
        check(&[&x], op)?;
    }

    #[test]
    fn attention_is_right_there_and_back(
        lengths in prop::collection::vec(1usize..6, 1..4), heads in 1usize..4, size in 1usize..5, seed: u64
    ) {
        let (tokens, hidden) = (lengths.iter().sum::<usize>(), heads * size);
        let joint = var(&[tokens, 3 * hidden], seed);
        let op = || attention_packed(&joint, &lengths, heads).unwrap();
        let (found, x) = (values(&op()), values(&joint));
        let at = |t: usize, part: usize, i: usize| f64::from(x[t * 3 * hidden + part * hidden + i]);
        let mut start = 0;
        for &length in &lengths {
            for (t, head) in (start..start + length).flat_map(|t| (0..heads).map(move |h| (t, h))) {
                let lanes = head * size..(head + 1) * size;
                let e: Vec<f64> = (start..start + length)
                    .map(|s| lanes.clone().map(|i| at(t, 0, i) * at(s, 1, i)).sum::<f64>() / (size as f64).sqrt())
                    .map(f64::exp)
                    .collect();
                for i in lanes {
                    let sum: f64 = e.iter().enumerate().map(|(s, e)| e * at(start + s, 2, i)).sum();
                    let expected = sum / e.iter().sum::<f64>();
                    prop_assert!((expected - f64::from(found[t * hidden + i])).abs() < 1e-5);
                }
            }
            start += length;
        }
        check(&[&joint], op)?;
    }

    #[test]
    fn rows_are_gathered_there_and_back(indices in prop::collection::vec(0u32..7, 0..12), seed: u64) {
        let table = var(&[7, 3], seed);
        let op = || gather_rows(&table, &indices).unwrap();
        let expected: Vec<f32> =
            indices.iter().flat_map(|&i| values(&table)[i as usize * 3..][..3].to_vec()).collect();
        prop_assert_eq!(values(&op()), expected);
        check(&[&table], op)?;
    }

    #[test]
    fn means_are_right_there_and_back(ranges in picks(6), seed: u64) {
        let states = var(&[6, 5], seed);
        let op = || segment_mean(&states, &ranges).unwrap();
        for (range, out) in ranges.iter().zip(values(&op()).chunks(5)) {
            for (i, out) in out.iter().enumerate() {
                let sum: f32 = range.clone().map(|row| values(&states)[row * 5 + i]).sum();
                prop_assert!((sum / range.len().max(1) as f32 - out).abs() < 1e-6);
            }
        }
        check(&[&states], op)?;
    }

    #[test]
    fn dropout_is_right_there_and_back(n in 1usize..60, probability in 0.0f32..0.9, seed: u64) {
        let x = var(&[n], seed);
        let op = || dropout(&x, probability, seed).unwrap();
        for (x, out) in values(&x).iter().zip(values(&op())) {
            prop_assert!(out == 0.0 || (out * (1.0 - probability) - x).abs() < 1e-5);
        }
        check(&[&x], op)?;
    }

    /// All orders of both sides, odd shapes, several sources, f32 and every kind of bfloat16, set and added.
    #[test]
    fn products_are_right(
        m in 0usize..70, n in 1usize..70, k in 0usize..500, sources in 1usize..4,
        a_turned: bool, b_turned: bool, add: bool, gap in 0usize..3, seed: u64
    ) {
        let a = random(m * k, seed);
        let b: Vec<Vec<f32>> = (0..sources).map(|s| random(n * k, seed ^ (s as u64 + 1))).collect();
        let side = |data, turned: bool, rows: usize, columns: usize| {
            if turned { Matrix { data, row: 1, column: rows.max(1) } } else { Matrix { data, row: columns.max(1), column: 1 } }
        };
        let left = side(a.as_slice(), a_turned, m, k);
        let right: Vec<Matrix<'_>> = b.iter().map(|b| side(b.as_slice(), b_turned, k, n)).collect();
        let (all, stride) = (n * sources, n * sources + gap);
        let before = random(m * stride, seed ^ 9);
        let mut expected = before.clone();
        for i in 0..m {
            for j in 0..all {
                let b = right[j / n];
                let sum: f64 = (0..k)
                    .map(|s| {
                        let a = left.data[i * left.row + s * left.column];
                        f64::from(a) * f64::from(b.data[s * b.row + j % n * b.column])
                    })
                    .sum();
                expected[i * stride + j] = if add { before[i * stride + j] } else { 0.0 } + sum as f32;
            }
        }
        let kinds: Vec<Option<HalfIsa>> =
            std::iter::once(None).chain(HalfIsa::available().into_iter().map(Some)).collect();
        for half in kinds {
            let mut found = before.clone();
            let packed = Packed::stack(half, &right, k, n);
            multiply(left, m, &packed, Target { data: &mut found, stride, add });
            // Each factor is rounded by up to 2^-9 of itself.
            let bound = if half.is_some() { 0.005 * (k as f32).sqrt() + 1e-4 } else { 1e-4 };
            for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
                prop_assert!((found - expected).abs() < bound, "{half:?} at {at}: {found}, not {expected}");
            }
        }
        if sources == 1 {
            let mut found = before.clone();
            multiply_small(left, right[0], m, n, k, Target { data: &mut found, stride, add });
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert!((found - expected).abs() < 1e-4);
            }
        }
    }
}

#[test]
fn dropout_keeps_the_mean_and_drops_its_share() {
    let ones = Tensor::ones((200, 500), candle_core::DType::F32, &Device::Cpu).unwrap();
    for probability in [0.1, 0.5] {
        let out = values(&dropout(&ones, probability, 17).unwrap());
        let dropped = out.iter().filter(|&&v| v == 0.0).count() as f32 / out.len() as f32;
        assert!((dropped - probability).abs() < 0.006, "{dropped} of {probability}");
        let mean = out.iter().sum::<f32>() / out.len() as f32;
        assert!((mean - 1.0).abs() < 0.012, "{mean}");
        // Neighbours draw independently.
        let both = out.windows(2).filter(|w| w == &[0.0, 0.0]).count() as f32 / out.len() as f32;
        assert!((both - probability * probability).abs() < 0.006, "{both}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let (x, w, b) = (var(&[2, 3], 1), var(&[4, 3], 2), var(&[4], 3));
    assert!(linear(&w, &x, &b).is_err());
    assert!(linear(&var(&[2, 5], 1), &w, &b).is_err());
    assert!(layer_norm(&x, &b, &b, 1e-6).is_err());
    assert!(attention_packed(&var(&[4, 12], 1), &[2, 1], 2).is_err(), "one token too many");
    assert!(attention_packed(&var(&[4, 12], 1), &[4, 0], 2).is_err(), "an empty sequence");
    assert!(attention_packed(&var(&[4, 10], 1), &[4], 2).is_err());
    assert!(gather_rows(&x, &[0, 2]).is_err());
    assert!(segment_mean(&x, std::slice::from_ref(&(1..3))).is_err());
    assert!(dropout(&x, 1.0, 1).is_err() && dropout(&x, f32::NAN, 1).is_err());
}
