//! Every trainable tensor gets the gradient that finite differences give.

use super::{config, random_tensors};
use crate::{BertConfig, Dropout, HalfIsa, TrainableBert};
use candle_core::{Device, Tensor};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Two sequences of 4 and 2 real tokens; the second is padded.
const IDS: [u32; 8] = [2, 7, 7, 3, 2, 5, 0, 0];
const LENGTHS: [usize; 2] = [4, 2];

/// Without padding, of three lengths.
const SEQUENCES: [&[u32]; 3] = [&[2, 7, 7, 3], &[4], &[2, 5, 8, 1, 3]];

fn small(act: &str) -> BertConfig {
    let mut config = config(2, 3, 7, 2, act);
    config.vocab_size = 9;
    config.max_position_embeddings = 5;
    config
}

fn random(n: usize) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(3);
    (0..n).map(|_| rng.random_range(-1.0f32..1.0)).collect()
}

/// Weights of a scalar loss over padded states: random where there is a token, 0 at padding.
fn projection(hidden: usize) -> Vec<f32> {
    let real = LENGTHS.iter().flat_map(|&real| (0..4).map(move |i| i < real));
    let real = real.flat_map(|real| vec![real; hidden]);
    random(8 * hidden).into_iter().zip(real).map(|(value, real)| if real { value } else { 0.0 }).collect()
}

fn padded(model: &TrainableBert) -> Tensor {
    let ids = Tensor::from_slice(&IDS, (2, 4), &Device::Cpu).unwrap();
    model.forward(&ids, Some(&LENGTHS)).unwrap()
}

/// Summed in f64, so that only the forward pass itself rounds.
fn loss(states: &Tensor, weights: &[f32]) -> f64 {
    let states = values(states);
    states.iter().zip(weights).map(|(s, w)| f64::from(*s) * f64::from(*w)).sum()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Compares all gradients of `weights . states` with finite differences.
fn check(model: &TrainableBert, states: impl Fn(&TrainableBert) -> Tensor, weights: &[f32]) {
    let found = states(model);
    let constants = Tensor::from_slice(weights, found.dims(), &Device::Cpu).unwrap();
    let gradients = (found * constants).unwrap().sum_all().unwrap().backward().unwrap();
    assert_eq!(model.vars().len(), model.config().tensors().len());
    for (name, var) in model.vars() {
        let gradient = values(gradients.get(var).unwrap_or_else(|| panic!("{name} has no gradient")));
        let original = values(var);
        let at = |index: usize, step: f32| {
            let mut moved = original.clone();
            moved[index] += step;
            var.set(&Tensor::from_vec(moved, var.dims(), &Device::Cpu).unwrap()).unwrap();
            loss(&states(model), weights)
        };
        for (index, &found) in gradient.iter().enumerate() {
            // Richardson's combination of two central differences cancels the error of second order, so that
            // the step can be large enough for f32.
            let slope = |h: f32| (at(index, h) - at(index, -h)) / (2.0 * f64::from(h));
            let expected = (4.0 * slope(0.01) - slope(0.02)) / 3.0;
            let off = (f64::from(found) - expected).abs();
            assert!(
                off < 1e-3 + 1e-2 * expected.abs(),
                "{name}[{index}]: backward gives {found}, differences give {expected}"
            );
        }
        var.set(&Tensor::from_vec(original, var.dims(), &Device::Cpu).unwrap()).unwrap();
        // Key biases shift all scores of a row alike, which softmax ignores; segment 1 is never used.
        if !name.ends_with("key.bias") {
            assert!(gradient.iter().any(|g| g.abs() > 1e-4), "{name} has a gradient of nothing");
        }
    }
}

fn trained(config: &BertConfig, seed: u64) -> TrainableBert {
    TrainableBert::from_tensors(config, random_tensors(config, seed), |_| true).unwrap()
}

#[test]
fn every_tensor_has_the_gradient_of_finite_differences() {
    let model = trained(&small("gelu"), 11);
    check(&model, padded, &projection(6));
}

#[test]
fn tanh_gelu_has_the_gradient_of_finite_differences() {
    let model = trained(&small("gelu_new"), 11);
    check(&model, padded, &projection(6));
}

#[test]
fn sequences_without_padding_have_the_gradient_of_finite_differences() {
    let model = trained(&small("gelu"), 12);
    check(&model, |model| model.forward_packed(&SEQUENCES, None).unwrap(), &random(60));
}

#[test]
fn dropout_has_the_gradient_of_finite_differences() {
    let model = trained(&small("gelu"), 13);
    let dropout = Some(Dropout { probability: 0.3, seed: 5 });
    check(&model, |model| model.forward_packed(&SEQUENCES, dropout).unwrap(), &random(60));
}

#[test]
fn dropout_follows_from_its_seed() {
    let model = trained(&small("gelu"), 13);
    let run = |probability: f32, seed: u64| {
        values(&model.forward_packed(&SEQUENCES, Some(Dropout { probability, seed })).unwrap())
    };
    let plain = values(&model.forward_packed(&SEQUENCES, None).unwrap());
    assert_eq!(run(0.3, 5), run(0.3, 5));
    assert_ne!(run(0.3, 5), run(0.3, 6));
    assert_eq!(run(0.0, 5), plain);
    assert!(model.forward_packed(&SEQUENCES, Some(Dropout { probability: 1.0, seed: 1 })).is_err());
}

#[test]
fn without_padding_is_as_each_alone() {
    let model = trained(&small("gelu"), 14);
    let together = values(&model.forward_packed(&SEQUENCES, None).unwrap());
    let alone: Vec<f32> =
        SEQUENCES.iter().flat_map(|ids| values(&model.forward_packed(&[ids], None).unwrap())).collect();
    assert!(super::distance(&together, &alone) < 1e-5);
}

#[test]
fn constants_get_no_gradient_but_let_it_through() {
    let config = small("gelu");
    let last = |name: &str| name.starts_with("encoder.layer.0.attention.self.query");
    let model = TrainableBert::from_tensors(&config, random_tensors(&config, 5), last).unwrap();
    let gradients = padded(&model).sqr().unwrap().sum_all().unwrap();
    let gradients = gradients.backward().unwrap();
    assert_eq!(model.vars().len(), 2);
    for (name, var) in model.vars() {
        let gradient = gradients.get(var).expect(name).abs().unwrap();
        assert!(gradient.sum_all().unwrap().to_scalar::<f32>().unwrap() > 1e-4);
    }
}

#[test]
fn a_part_that_is_trained_has_the_gradients_that_it_has_in_the_whole() {
    let config = small("gelu");
    let all = trained(&config, 21);
    let of = |model: &TrainableBert| {
        let states = model.forward_packed(&SEQUENCES, None).unwrap();
        states.powf(3.0).unwrap().sum_all().unwrap().backward().unwrap()
    };
    let whole = of(&all);
    let parts: [fn(&str) -> bool; 5] = [
        |name| name.starts_with("encoder.layer.1."),
        |name| name.ends_with("LayerNorm.bias"),
        |name| name.starts_with("embeddings.word"),
        |name| name.ends_with("value.weight") || name.ends_with("output.dense.bias"),
        |name| name == "encoder.layer.0.intermediate.dense.weight",
    ];
    for part in parts {
        let model = TrainableBert::from_tensors(&config, random_tensors(&config, 21), part).unwrap();
        assert!(!model.vars().is_empty());
        let gradients = of(&model);
        for (name, var) in model.vars() {
            let found = values(gradients.get(var).unwrap_or_else(|| panic!("{name} has no gradient")));
            let expected = values(whole.get(&all.vars()[name]).unwrap());
            assert!(super::distance(&found, &expected) < 1e-5, "{name}");
        }
    }
}

#[test]
fn two_ways_back_add_up_to_one() {
    let model = trained(&small("gelu"), 22);
    let states = model.forward_packed(&SEQUENCES, None).unwrap();
    let (a, b) = (states.sqr().unwrap().sum_all().unwrap(), states.sum_all().unwrap());
    let (of_a, of_b) = (a.backward().unwrap(), b.backward().unwrap());
    let both = (a + b).unwrap().backward().unwrap();
    for (name, var) in model.vars() {
        let sum = (of_a.get(var).unwrap() + of_b.get(var).unwrap()).unwrap();
        let both = values(both.get(var).unwrap());
        let highest = both.iter().fold(1.0f32, |m, v| m.max(v.abs()));
        assert!(super::distance(&values(&sum), &both) < 1e-5 * highest, "{name}");
    }
}

#[test]
fn cached_lower_layers_change_nothing() {
    let model = trained(&small("gelu"), 23);
    let lengths: Vec<usize> = SEQUENCES.iter().map(|ids| ids.len()).collect();
    let x = model.embeddings_packed(&SEQUENCES, None).unwrap();
    let whole = model.forward_packed(&SEQUENCES, None).unwrap();
    assert_eq!(values(&model.layers_packed(&x, &lengths, None, 0).unwrap()), values(&whole));
    assert!(model.layers_packed(&x, &lengths[1..], None, 0).is_err());
    assert!(model.forward_packed(&[&[2, 9]], None).is_err(), "9 is not in the vocabulary");
    assert!(model.forward_packed(&[&[2; 6]], None).is_err(), "there are five positions");
}

/// Gradients in bfloat16 point where those in f32 do: every product rounds to 8 bits, so single values may differ by
/// some hundredths of the tensor's size.
#[test]
fn bfloat16_gradients_are_those_of_f32_within_its_precision() {
    // More than one tile in every dimension, and none a whole number of them.
    let mut config = config(2, 18, 70, 2, "gelu");
    config.vocab_size = 9;
    let sequences: Vec<Vec<u32>> =
        [40, 1, 33, 7].iter().map(|&n| (0..n).map(|i| (i * i + n) % 9).collect()).collect();
    let sequences: Vec<&[u32]> = sequences.iter().map(Vec::as_slice).collect();
    let of = |model: &TrainableBert| {
        let states = model.forward_packed(&sequences, None).unwrap();
        let weights = Tensor::from_vec(random(81 * 36), states.dims(), &Device::Cpu).unwrap();
        (states * weights).unwrap().sum_all().unwrap().backward().unwrap()
    };
    let exact = trained(&config, 31);
    let expected = of(&exact);
    for isa in HalfIsa::available() {
        let model = trained(&config, 31).with_half(Some(isa));
        let found = of(&model);
        for (name, var) in model.vars() {
            let found = values(found.get(var).unwrap_or_else(|| panic!("{name} has no gradient")));
            let expected = values(expected.get(&exact.vars()[name]).unwrap());
            let dot = |a: &[f32], b: &[f32]| -> f64 {
                a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
            };
            let length = dot(&expected, &expected).sqrt();
            if name.ends_with("key.bias") {
                // Nothing but rounding in both.
                continue;
            }
            let cosine = dot(&found, &expected) / (length * dot(&found, &found).sqrt());
            let ratio = dot(&found, &found).sqrt() / length;
            assert!(cosine > 0.999, "{name}, {isa:?}: cosine {cosine}");
            assert!((ratio - 1.0).abs() < 0.02, "{name}, {isa:?}: {ratio} times as long");
        }
    }
}

#[test]
fn padding_changes_nothing() {
    let config = small("gelu");
    let model = TrainableBert::from_tensors(&config, random_tensors(&config, 8), |_| false).unwrap();
    let padded = padded(&model).get(1).unwrap().narrow(0, 0, 2).unwrap();
    let ids = Tensor::from_slice(&IDS[4..6], (1, 2), &Device::Cpu).unwrap();
    let alone = model.forward(&ids, None).unwrap().get(0).unwrap();
    assert!(super::distance(&values(&padded), &values(&alone)) < 1e-5);
}

/// Resident memory in KB, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
}

#[test]
fn a_thousand_steps_take_no_more_memory_than_a_hundred() {
    let model = trained(&small("gelu"), 9);
    let step = |seed: u64| {
        // Lengths that change, so that buffers of many sizes come and go.
        let n = 1 + seed as usize % 5;
        let ids = [2u32, 7, 1, 8, 3];
        let sequences: Vec<&[u32]> = (0..=seed as usize % 40).map(|i| &ids[..=(i + n) % 5]).collect();
        let dropout = Some(Dropout { probability: 0.1, seed });
        let states = model.forward_packed(&sequences, dropout).unwrap();
        let gradients = states.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        assert!(gradients.get(model.vars().values().next().unwrap()).is_some());
    };
    (0..100).for_each(step);
    let Some(after_some) = resident() else { return };
    (100..1100).for_each(step);
    let after_many = resident().unwrap();
    assert!(after_many < after_some + 4096, "{after_some} KB, then {after_many} KB");
}
