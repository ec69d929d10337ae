//! Every trainable tensor gets the gradient that finite differences give.

use super::{config, random_tensors};
use crate::{BertConfig, TrainableBert};
use candle_core::{Device, Tensor};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Two sequences of 4 and 2 real tokens; the second is padded.
const IDS: [u32; 8] = [2, 7, 7, 3, 2, 5, 0, 0];
const LENGTHS: [usize; 2] = [4, 2];

fn small(act: &str) -> BertConfig {
    let mut config = config(2, 3, 7, 2, act);
    config.vocab_size = 9;
    config.max_position_embeddings = 5;
    config
}

/// Weights of a scalar loss over the states: random where there is a token, 0 at padding.
fn projection(hidden: usize) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(3);
    LENGTHS
        .iter()
        .flat_map(|&real| (0..4).map(move |i| i < real))
        .flat_map(|real| vec![real; hidden])
        .map(|real| {
            let value = rng.random_range(-1.0f32..1.0);
            if real { value } else { 0.0 }
        })
        .collect()
}

fn states(model: &TrainableBert) -> Tensor {
    let ids = Tensor::from_slice(&IDS, (2, 4), &Device::Cpu).unwrap();
    model.forward(&ids, Some(&LENGTHS)).unwrap()
}

/// Summed in f64, so that only the forward pass itself rounds.
fn loss(model: &TrainableBert) -> f64 {
    let states = states(model).flatten_all().unwrap();
    let weights = projection(model.config().hidden_size);
    states.to_vec1::<f32>().unwrap().iter().zip(weights).map(|(s, w)| f64::from(*s) * f64::from(w)).sum()
}

fn check(act: &str) {
    let config = small(act);
    let model = TrainableBert::from_tensors(&config, random_tensors(&config, 11), |_| true).unwrap();
    assert_eq!(model.vars().len(), config.tensors().len());
    let weights = projection(config.hidden_size);
    let weights = Tensor::from_vec(weights, (2, 4, config.hidden_size), &Device::Cpu).unwrap();
    let scalar = (states(&model) * weights).unwrap().sum_all().unwrap();
    let gradients = scalar.backward().unwrap();

    for (name, var) in model.vars() {
        let gradient = gradients
            .get(var)
            .unwrap_or_else(|| panic!("{name} has no gradient"))
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        let original = var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let at = |index: usize, step: f32| {
            let mut moved = original.clone();
            moved[index] += step;
            var.set(&Tensor::from_vec(moved, var.dims(), &Device::Cpu).unwrap()).unwrap();
            loss(&model)
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

#[test]
fn every_tensor_has_the_gradient_of_finite_differences() {
    check("gelu");
}

#[test]
fn tanh_gelu_has_the_gradient_of_finite_differences() {
    check("gelu_new");
}

#[test]
fn constants_get_no_gradient_but_let_it_through() {
    let config = small("gelu");
    let last = |name: &str| name.starts_with("encoder.layer.0.attention.self.query");
    let model = TrainableBert::from_tensors(&config, random_tensors(&config, 5), last).unwrap();
    let gradients = states(&model).sqr().unwrap().sum_all().unwrap();
    let gradients = gradients.backward().unwrap();
    assert_eq!(model.vars().len(), 2);
    for (name, var) in model.vars() {
        let gradient = gradients.get(var).expect(name).abs().unwrap();
        assert!(gradient.sum_all().unwrap().to_scalar::<f32>().unwrap() > 1e-4);
    }
}

#[test]
fn padding_changes_nothing() {
    let config = small("gelu");
    let model = TrainableBert::from_tensors(&config, random_tensors(&config, 8), |_| false).unwrap();
    let padded = states(&model).get(1).unwrap().narrow(0, 0, 2).unwrap();
    let ids = Tensor::from_slice(&IDS[4..6], (1, 2), &Device::Cpu).unwrap();
    let alone = model.forward(&ids, None).unwrap().get(0).unwrap();
    let values = |t: Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert!(super::distance(&values(padded), &values(alone)) < 1e-5);
}
