//! The kernels against plain arithmetic, and the fast pass against the candle one, on every instruction set
//! that the machine has.

mod int8;

use super::gemm::Packed;
use super::rows::{Norm, activate};
use super::{Engine, Isa, Kernel, Precision};
use crate::config::Activation;
use crate::tests::{config, distance, random_tensors};
use crate::{Error, TrainableBert};
use candle_core::{Device, Tensor};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Few under Miri, which is ten thousand times slower.
pub(super) fn cases(n: u32) -> ProptestConfig {
    ProptestConfig::with_cases(if cfg!(miri) { 3 } else { n })
}

pub(super) fn random(n: usize, seed: u64) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// Length of the difference by the length of `b`.
fn apart(a: &[f32], b: &[f32]) -> f32 {
    let length = |v: &mut dyn Iterator<Item = f32>| v.map(|x| x * x).sum::<f32>().sqrt();
    length(&mut a.iter().zip(b).map(|(x, y)| x - y)) / length(&mut b.iter().copied())
}

/// Phi by Simpson's rule on the density, in f64: independent of any approximation of erf.
pub(super) fn gelu(x: f64) -> f64 {
    let density = |t: f64| (-0.5 * t * t).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let steps = 2000;
    let h = x / f64::from(steps);
    let sum: f64 = (0..=steps)
        .map(|i| {
            let weight = match i {
                0 => 1.0,
                i if i == steps => 1.0,
                i if i % 2 == 1 => 4.0,
                _ => 2.0,
            };
            weight * density(f64::from(i) * h)
        })
        .sum();
    x * (0.5 + sum * h / 3.0)
}

#[test]
fn activations_are_exact_to_single_precision() {
    let inputs: Vec<f32> = (-1200..=1203).map(|i| i as f32 * 0.01).collect();
    for isa in Isa::available() {
        for activation in [Activation::Gelu, Activation::GeluNew, Activation::Relu] {
            let mut values = inputs.clone();
            activate(isa, activation, &mut values);
            for (&x, &y) in inputs.iter().zip(&values) {
                let x = f64::from(x);
                let expected = match activation {
                    Activation::Gelu => gelu(x),
                    Activation::GeluNew => {
                        let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
                        0.5 * x * (1.0 + u.tanh())
                    }
                    Activation::Relu => x.max(0.0),
                };
                let off = (f64::from(y) - expected).abs();
                assert!(off < 1e-6 + 3e-7 * x.abs(), "{isa:?} {activation:?}({x}) = {y}, not {expected}");
            }
        }
    }
}

#[test]
fn one_set_at_least_is_available_and_the_best_is_last() {
    let all = Isa::available();
    assert_eq!(all.last(), Some(&Isa::best()));
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn product_is_the_sum_of_products(m in 1usize..40, n in 1usize..80, k in 1usize..70, seed: u64) {
        let (x, w, b) = (random(m * k, seed), random(n * k, seed ^ 1), random(n, seed ^ 2));
        let mut expected = vec![0.0f32; m * n];
        for i in 0..m {
            for j in 0..n {
                let dot: f64 = (0..k).map(|l| f64::from(x[i * k + l]) * f64::from(w[j * k + l])).sum();
                expected[i * n + j] = (dot + f64::from(b[j])) as f32;
            }
        }
        for isa in Isa::available() {
            // A guard behind the last row shows a store too far.
            let mut out = vec![f32::NAN; m * n + 64];
            Packed::new(isa, &w, &b, n, k).apply(&x, &mut out[..m * n]);
            prop_assert!(distance(&out[..m * n], &expected) < 1e-4, "{:?}", isa);
            prop_assert!(out[m * n..].iter().all(|v| v.is_nan()), "{:?}", isa);
        }
    }

    #[test]
    fn norm_has_mean_shift_and_deviation_scale(m in 1usize..5, n in 1usize..80, seed: u64) {
        let (x, y) = (random(m * n, seed), random(m * n, seed ^ 1));
        let (scale, shift) = (random(n, seed ^ 2), random(n, seed ^ 3));
        let norm = Norm::new(scale.clone(), shift.clone(), 1e-3);
        let mut expected = Vec::new();
        for (x, y) in x.chunks(n).zip(y.chunks(n)) {
            let sum: Vec<f64> = x.iter().zip(y).map(|(a, b)| f64::from(*a) + f64::from(*b)).collect();
            let mean = sum.iter().sum::<f64>() / n as f64;
            let variance = sum.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
            let values = sum.iter().zip(scale.iter().zip(&shift)).map(|(v, (g, b))| {
                ((v - mean) / (variance + 1e-3).sqrt() * f64::from(*g) + f64::from(*b)) as f32
            });
            expected.extend(values);
        }
        for isa in Isa::available() {
            let mut out = x.clone();
            norm.add(isa, &mut out, &y);
            prop_assert!(distance(&out, &expected) < 1e-5, "{:?}", isa);
        }
    }

    #[test]
    fn fast_pass_is_the_plain_pass(
        heads in 1usize..5,
        size in 1usize..40,
        inner in 1usize..90,
        layers in 1usize..3,
        act in prop_oneof![Just("gelu"), Just("gelu_new"), Just("relu")],
        lengths in proptest::collection::vec(1usize..70, 1..6),
        seed: u64,
    ) {
        // A norm over one or two values only gives signs, which rounding may flip.
        prop_assume!(heads * size > 3);
        let config = config(heads, size, inner, layers, act);
        let tensors = random_tensors(&config, seed);
        let mut rng = StdRng::seed_from_u64(seed);
        let sequences: Vec<Vec<u32>> = lengths
            .iter()
            .map(|&n| (0..n).map(|_| rng.random_range(0..61)).collect())
            .collect();

        // The plain pass takes them as one padded batch with a mask, the fast one end to end.
        let longest = *lengths.iter().max().unwrap();
        let padded: Vec<u32> = sequences
            .iter()
            .flat_map(|ids| ids.iter().copied().chain(std::iter::repeat(0)).take(longest))
            .collect();
        let ids = Tensor::from_vec(padded, (lengths.len(), longest), &Device::Cpu).unwrap();
        let plain = TrainableBert::from_tensors(&config, tensors.clone(), |_| false).unwrap();
        let plain = plain.forward(&ids, Some(&lengths)).unwrap();
        let plain: Vec<Vec<f32>> = lengths
            .iter()
            .enumerate()
            .map(|(i, &n)| {
                let rows = plain.get(i).unwrap().narrow(0, 0, n).unwrap();
                rows.flatten_all().unwrap().to_vec1().unwrap()
            })
            .collect();

        for kernel in Kernel::available() {
            let engine = Engine::new(&config, kernel, 2, |name, _| Ok(tensors[name].1.clone())).unwrap();
            let mut seen = 0;
            engine
                .forward(&sequences, |i, states| {
                    assert_eq!(i, seen);
                    seen += 1;
                    let off = distance(states, &plain[i]);
                    // Norms over few values magnify rounding without bound.
                    match kernel.precision() {
                        Precision::Bf16 if heads * size > 15 => {
                            assert!(apart(states, &plain[i]) < 0.05, "{kernel:?}: sequence {i} is off by {off}");
                        }
                        Precision::Int8 if heads * size > 15 => {
                            assert!(apart(states, &plain[i]) < 0.15, "{kernel:?}: sequence {i} is off by {off}");
                        }
                        Precision::Bf16 | Precision::Int8 => assert!(off.is_finite()),
                        _ => assert!(off < 1e-4, "{kernel:?}: sequence {i} is off by {off}"),
                    }
                })
                .unwrap();
            prop_assert_eq!(seen, sequences.len());
        }
    }
}

#[test]
fn batches_beyond_one_pass_come_back_whole_and_in_order() {
    let config = config(1, 4, 5, 1, "gelu");
    let tensors = random_tensors(&config, 4);
    let sequences: Vec<Vec<u32>> = (0..60u32).map(|i| vec![i % 61; 299 - i as usize]).collect();
    for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
        let kernel = Kernel::choose(precision);
        let engine = Engine::new(&config, kernel, 2, |name, _| Ok(tensors[name].1.clone())).unwrap();
        let mut lengths = Vec::new();
        engine
            .forward(&sequences, |i, states| {
                lengths.push(states.len() / 4);
                let mut alone = Vec::new();
                engine.forward(&sequences[i..=i], |_, s| alone.extend_from_slice(s)).unwrap();
                assert!(distance(states, &alone) < 1e-6, "{kernel:?}");
            })
            .unwrap();
        assert_eq!(lengths, sequences.iter().map(Vec::len).collect::<Vec<_>>());
    }
}

#[test]
fn a_tensor_that_cannot_be_had_is_reported() {
    let config = config(1, 4, 5, 1, "gelu");
    let error = Engine::new(&config, Kernel::F32(Isa::best()), 1, |name, _| {
        Err(Error::MissingTensor { name: name.into() })
    });
    assert!(matches!(error, Err(Error::MissingTensor { .. })));
}
