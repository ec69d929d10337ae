//! Against PyTorch: `goldens/make.py` made `goldens/goldens.json` from the same half-precision weights.

use super::{base, distance};
use crate::{Encode, Encoder, ModelFolder, Options, Precision, TrainableBert};
use candle_core::{Device, Tensor};
use serde::Deserialize;

#[derive(Deserialize)]
struct Goldens {
    goldens: Vec<Golden>,
}

#[derive(Deserialize)]
struct Golden {
    text: String,
    ids: Vec<u32>,
    embedding: Vec<f32>,
    states: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "row")]
    at: usize,
    norm: f32,
    head: Vec<f32>,
}

fn goldens() -> Vec<Golden> {
    let goldens: Goldens = serde_json::from_str(include_str!("../../goldens/goldens.json")).unwrap();
    assert_eq!(goldens.goldens.len(), 13);
    goldens.goldens
}

fn check_states(golden: &Golden, states: &[f32], hidden: usize) {
    for row in &golden.states {
        let state = &states[row.at * hidden..(row.at + 1) * hidden];
        let norm = state.iter().map(|v| v * v).sum::<f32>().sqrt();
        assert!((norm - row.norm).abs() < 1e-4 * row.norm.max(1.0), "norm of {}", row.at);
        let off = distance(&state[..16], &row.head);
        assert!(off < 1e-4, "row {} of {:?} is off by {off}", row.at, golden.text);
    }
}

#[test]
fn embeds_and_tokenizes_as_pytorch_does() {
    let options = Options { precision: Precision::F32, ..Options::default() };
    let encoder = Encoder::load_with(base(), options).unwrap();
    let goldens = goldens();
    let texts: Vec<&str> = goldens.iter().map(|g| g.text.as_str()).collect();
    let batched = encoder.embed(&texts).unwrap();
    for (golden, vector) in goldens.iter().zip(&batched) {
        let mut ids = vec![encoder.tokenizer().cls()];
        ids.extend(encoder.tokenizer().encode(&golden.text).unwrap().ids);
        ids.truncate(encoder.embed_limit() - 1);
        ids.push(encoder.tokenizer().sep());
        assert_eq!(ids, golden.ids, "ids of {:?}", golden.text);

        let norm = vector.iter().map(|v| v * v).sum::<f32>();
        assert!((norm - 1.0).abs() < 1e-5);
        let off = distance(&vector[..golden.embedding.len()], &golden.embedding);
        assert!(off < 1e-4, "{:?} is off by {off}", golden.text);
        let alone = encoder.embed(&[&golden.text]).unwrap();
        assert!(distance(&alone[0], vector) < 1e-6, "alone = in a batch");

        let states = encoder.forward(std::slice::from_ref(&golden.ids)).unwrap();
        check_states(golden, &states[0], encoder.hidden());
    }
}

#[test]
fn lower_precisions_stay_close_to_f32() {
    let goldens = goldens();
    let load = |precision| Encoder::load_with(base(), Options { precision, ..Options::default() }).unwrap();
    let exact = load(Precision::F32);
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    for (precision, least) in [(Precision::Auto, 0.9997), (Precision::Bf16, 0.9997), (Precision::Int8, 0.95)]
    {
        let encoder = load(precision);
        assert_ne!(encoder.precision(), Precision::Auto);
        for golden in &goldens {
            let expected = exact.forward(std::slice::from_ref(&golden.ids)).unwrap();
            let found = encoder.forward(std::slice::from_ref(&golden.ids)).unwrap();
            for (at, (a, b)) in found[0].chunks(384).zip(expected[0].chunks(384)).enumerate() {
                let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
                assert!(cosine > least, "{precision:?}: row {at} of {:?}: {cosine}", golden.text);
            }
        }
    }
}

#[test]
fn trainable_path_agrees_with_pytorch() {
    let folder = ModelFolder::open(base()).unwrap();
    let model = TrainableBert::load(&folder.config, &folder.weights, |_| false).unwrap();
    for golden in &goldens() {
        let ids = Tensor::from_slice(&golden.ids, (1, golden.ids.len()), &Device::Cpu).unwrap();
        let states = model.forward(&ids, None).unwrap();
        let states = states.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        check_states(golden, &states, folder.config.hidden_size);
    }
}
