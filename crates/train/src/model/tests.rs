//! What is trained here and what is run there are one arithmetic; every trained tensor learns.

use std::ops::Range;

use candle_core::{Device, Tensor};
use overread_suggest::neural::Neural;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::example::{Packed, Target, Window};
use super::heads::{TrainableHeads, shapes};
use super::objective::{self, Asked, Weights};

const HIDDEN: usize = 16;

fn numbers(n: usize, seed: u64) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..n).map(|_| rng.random_range(-1.5f32..1.5)).collect()
}

fn tensor(values: &[f32], columns: usize) -> Tensor {
    Tensor::from_slice(values, (values.len() / columns, columns), &Device::Cpu).unwrap()
}

fn inference(heads: &TrainableHeads) -> Neural {
    let values = heads.values().unwrap();
    Neural::from_tensors(HIDDEN, "test".to_owned(), |name, _| Ok::<_, ()>(values[name].1.clone())).unwrap()
}

fn close(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() <= 2e-4 * (1.0 + x.abs()), "{x} is not {y}");
    }
}

fn flat(t: &Tensor) -> Vec<f32> {
    t.flatten_all().unwrap().to_vec1().unwrap()
}

fn spans(tokens: usize) -> impl Strategy<Value = Vec<Range<usize>>> {
    prop::collection::vec((0..tokens, 1..9usize), 1..6)
        .prop_map(move |all| all.into_iter().map(|(s, n)| s..(s + n).min(tokens)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn training_and_inference_agree(seed in 0u64..1000, spans in spans(20), fields in 1usize..5) {
        let heads = TrainableHeads::new(HIDDEN, seed).unwrap();
        let neural = inference(&heads);
        let states = numbers(20 * HIDDEN, seed + 1);
        let means = numbers(fields * HIDDEN, seed + 2);
        let (t, l) = (tensor(&states, HIDDEN), tensor(&means, HIDDEN));
        let rows: Vec<Vec<f32>> = means.chunks(HIDDEN).map(<[f32]>::to_vec).collect();
        let labels = neural.labels(&rows);

        let trained = heads.field_logits(&t, &l).unwrap();
        let run = neural.field_logits(&states, &labels);
        for (k, part) in [&trained.start, &trained.end, &trained.inside].into_iter().enumerate() {
            let ours: Vec<f32> = (0..20)
                .flat_map(|token| (0..fields).map(move |f| (token, f)))
                .map(|(token, f)| match k {
                    0 => run.start(token, f),
                    1 => run.end(token, f),
                    _ => run.inside(token, f),
                })
                .collect();
            close(&flat(part), &ours);
        }

        let scores = flat(&heads.span_logits(&t, &spans, &l, &trained).unwrap());
        let vectors = neural.span_vectors(&states, &spans);
        let ours: Vec<f32> = spans
            .iter()
            .zip(vectors.chunks(vectors.len() / spans.len()))
            .flat_map(|(s, v)| (0..fields).map(|f| neural.span_logit(v, s, f, &labels, &run)).collect::<Vec<_>>())
            .collect();
        close(&scores, &ours);

        let bounded: Vec<(Range<usize>, Range<usize>)> = spans.iter().map(|s| (s.clone(), 0..20)).collect();
        let asserted = flat(&heads.assertion_logits(&t, &bounded).unwrap());
        close(&asserted, &neural.assertion_logits(&states, &spans, &(0..20)).concat());
        close(&flat(&heads.phrases(&t, &spans).unwrap()), &neural.phrases(&states, &spans).concat());

        let pairs: Vec<(Range<usize>, Range<usize>)> =
            spans.iter().zip(spans.iter().rev()).map(|(a, b)| (a.clone(), b.clone())).collect();
        close(&flat(&heads.link_logits(&t, &pairs).unwrap()), &neural.link_logits(&states, &pairs));
    }
}

fn example() -> Window {
    Window {
        ids: vec![2; 14],
        own: 1..13,
        word_start: vec![true; 14],
        word_end: vec![true; 14],
        spans: vec![Target { label: 0, rows: 3..5 }, Target { label: 1, rows: 6..7 }],
        annotated: vec![0, 1].into(),
        doubtful: vec![(9..10, vec![0])],
        assertions: vec![(3..5, 2), (6..7, 0)],
        links: vec![(3..5, 6..7, true), (6..7, 3..5, false)],
        mentions: vec![(3..5, 7)],
    }
}

fn total(heads: &TrainableHeads, states: &Tensor, labels: &Tensor, weights: Weights) -> Tensor {
    let window = example();
    let packed = Packed::new([window.ids.as_slice()]);
    let keys = heads.phrases(states, &[0..2, 8..10, 10..12]).unwrap();
    let (loss, _) = objective::windows(
        heads,
        states,
        &packed,
        &[&window],
        &Asked { labels, keys: Some((&keys, &[7, 8, 9])), weights, seed: 5 },
    )
    .unwrap();
    loss.unwrap()
}

#[test]
fn every_head_gets_the_gradient_that_finite_differences_give() {
    let heads = TrainableHeads::new(HIDDEN, 3).unwrap();
    let states = tensor(&numbers(14 * HIDDEN, 4), HIDDEN);
    let labels = tensor(&numbers(2 * HIDDEN, 5), HIDDEN);
    // Token logits enter the span head as numbers, so what moves them moves its loss more than their gradient says:
    // they are looked at without it.
    let alone = || Weights { span: 0.0, ..Weights::default() };
    let gradients = total(&heads, &states, &labels, Weights::default()).backward().unwrap();
    let of_fields = total(&heads, &states, &labels, alone()).backward().unwrap();
    for (name, shape) in shapes(HIDDEN) {
        let field = name.starts_with("field.");
        let gradients = if field { &of_fields } else { &gradients };
        let var = &heads.vars()[name];
        let gradient = flat(gradients.get(var).unwrap_or_else(|| panic!("{name} has no gradient")));
        let original = flat(var.as_tensor());
        // The largest gradients: of the small ones, f32 differences say nothing.
        let mut order: Vec<usize> = (0..gradient.len()).collect();
        order.sort_by(|&a, &b| gradient[b].abs().total_cmp(&gradient[a].abs()));
        assert!(gradient[order[0]].abs() > 1e-6, "{name} learns nothing");
        for &i in order.iter().take(4) {
            let at = |step: f32| {
                let mut moved = original.clone();
                moved[i] += step;
                var.set(&Tensor::from_vec(moved, shape.as_slice(), &Device::Cpu).unwrap()).unwrap();
                let weights = if field { alone() } else { Weights::default() };
                let value = total(&heads, &states, &labels, weights).to_scalar::<f32>().unwrap();
                var.set(&Tensor::from_vec(original.clone(), shape.as_slice(), &Device::Cpu).unwrap())
                    .unwrap();
                f64::from(value)
            };
            let step = 4e-3f32;
            let difference = (at(step) - at(-step)) / f64::from(2.0 * step);
            let found = f64::from(gradient[i]);
            assert!(
                (difference - found).abs() <= 0.02 * found.abs() + 2e-3,
                "{name}[{i}]: {found} where differences give {difference}"
            );
        }
    }
}

#[test]
fn heads_come_back_from_their_file() {
    let heads = TrainableHeads::new(HIDDEN, 9).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("heads.safetensors");
    heads.write(&path, "abc").unwrap();
    // Half precision: eleven bits of a number stay.
    let back = TrainableHeads::load(&path, HIDDEN).unwrap().values().unwrap();
    for (name, (shape, values)) in heads.values().unwrap() {
        assert_eq!(back[&name].0, shape);
        for (a, b) in values.iter().zip(&back[&name].1) {
            assert!((a - b).abs() <= a.abs() / 1024.0 + 1e-7, "{name}: {a} came back as {b}");
        }
    }
    assert!(TrainableHeads::load(&path, HIDDEN * 2).is_err());
    let neural = Neural::load(folder.path(), "abc", HIDDEN).unwrap();
    assert!(neural.is_some());
    assert!(Neural::load(folder.path(), "other", HIDDEN).is_err());
}
