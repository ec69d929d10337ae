use super::{AdamW, Checkpoint, Error, FILE, Group, Schedule, finite};
use candle_core::{Device, Tensor, Var};
use overread_encoder::{BertConfig, Dropout, TrainableBert};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

fn var(values: &[f32]) -> Var {
    Var::from_tensor(&Tensor::new(values, &Device::Cpu).unwrap()).unwrap()
}

fn values(var: &Var) -> Vec<f32> {
    var.flatten_all().unwrap().to_vec1().unwrap()
}

fn matrix(values: &[f32]) -> Var {
    Var::from_tensor(&Tensor::from_slice(values, (1, values.len()), &Device::Cpu).unwrap()).unwrap()
}

/// A loss whose gradient is `slopes`.
fn slope(var: &Var, slopes: &[f32]) -> Tensor {
    let slopes = Tensor::from_slice(slopes, var.dims(), &Device::Cpu).unwrap();
    (var.as_tensor() * slopes).unwrap().sum_all().unwrap()
}

#[test]
fn follows_the_published_rule() {
    // Reference in f64 by the algorithm of the paper, with bias correction written out.
    let start = [0.5f32, -1.5, 2.0];
    let var = matrix(&start);
    let mut optimizer =
        AdamW::new([("w".to_owned(), var.clone())], vec![Group::new("", 0.1, 0.2)], f32::INFINITY).unwrap();
    let (mut x, mut m, mut v) = (start.map(f64::from), [0.0f64; 3], [0.0f64; 3]);
    for (step, factor) in [1.0f32, 0.5, 0.25, 1.0].into_iter().enumerate() {
        let slopes = [1.0f32, -0.25, 3.0].map(|s| s * (step as f32 + 1.0));
        optimizer.step(&slope(&var, &slopes).backward().unwrap(), factor).unwrap();
        let rate = 0.1 * f64::from(factor);
        for i in 0..3 {
            let g = f64::from(slopes[i]);
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.999 * v[i] + 0.001 * g * g;
            let first = m[i] / (1.0 - 0.9f64.powi(step as i32 + 1));
            let second = v[i] / (1.0 - 0.999f64.powi(step as i32 + 1));
            x[i] = x[i] * (1.0 - rate * 0.2) - rate * first / (second.sqrt() + 1e-8);
        }
        for (found, expected) in values(&var).iter().zip(x) {
            assert!((f64::from(*found) - expected).abs() < 1e-5, "{found} {expected}");
        }
    }
}

#[test]
fn biases_and_norms_do_not_decay() {
    let (bias, weight) = (var(&[1.0, 1.0]), matrix(&[1.0, 1.0]));
    let vars = [("b".to_owned(), bias.clone()), ("w".to_owned(), weight.clone())];
    let mut optimizer = AdamW::new(vars, vec![Group::new("", 0.1, 0.5)], 1.0).unwrap();
    let loss = (slope(&bias, &[0.0; 2]) + slope(&weight, &[0.0; 2])).unwrap();
    optimizer.step(&loss.backward().unwrap(), 1.0).unwrap();
    assert_eq!(values(&bias), [1.0, 1.0]);
    assert_eq!(values(&weight), [0.95, 0.95]);
}

#[test]
fn each_variable_goes_with_its_group() {
    let (a, b) = (var(&[1.0]), var(&[1.0]));
    let vars = [("encoder.a".to_owned(), a.clone()), ("head.b".to_owned(), b.clone())];
    let groups = vec![Group::new("encoder.", 0.0, 0.0), Group::new("", 0.5, 0.0)];
    let mut optimizer = AdamW::new(vars, groups, f32::INFINITY).unwrap();
    let loss = (slope(&a, &[1.0]) + slope(&b, &[1.0])).unwrap();
    optimizer.step(&loss.backward().unwrap(), 1.0).unwrap();
    assert_eq!(values(&a), [1.0]);
    assert!((values(&b)[0] - 0.5).abs() < 1e-6);
    let orphan = AdamW::new([("x".to_owned(), a)], vec![Group::new("encoder.", 0.1, 0.0)], 1.0);
    assert!(matches!(orphan, Err(Error::Variable { name, .. }) if name == "x"));
}

#[test]
fn gradients_are_clipped_together() {
    let (a, b) = (var(&[0.0, 0.0]), var(&[0.0]));
    let vars = [("a".to_owned(), a.clone()), ("b".to_owned(), b.clone())];
    let mut optimizer = AdamW::new(vars, vec![Group::new("", 0.1, 0.0)], 6.5).unwrap();
    let loss = (slope(&a, &[3.0, 4.0]) + slope(&b, &[12.0])).unwrap();
    let step = optimizer.step(&loss.backward().unwrap(), 1.0).unwrap();
    assert_eq!((step.norm, step.scale, step.variables), (13.0, 0.5, 2));
    let moments = optimizer.checkpoint(String::new(), 1, 0).unwrap().tensors["b"].first[0];
    assert!((moments - 0.6).abs() < 1e-6, "a tenth of half of 12");
}

#[test]
fn accumulated_micro_batches_equal_their_sum() {
    let run = |accumulate: bool| {
        let var = matrix(&[1.0, -1.0]);
        let mut optimizer =
            AdamW::new([("w".to_owned(), var.clone())], vec![Group::new("", 0.1, 0.0)], 1.0).unwrap();
        if accumulate {
            optimizer.accumulate(&slope(&var, &[1.0, 2.0]).backward().unwrap()).unwrap();
            assert!(matches!(optimizer.checkpoint(String::new(), 0, 0), Err(Error::Pending(1))));
            optimizer.accumulate(&slope(&var, &[0.5, -4.0]).backward().unwrap()).unwrap();
            optimizer.apply(1.0).unwrap();
        } else {
            optimizer.step(&slope(&var, &[1.5, -2.0]).backward().unwrap(), 1.0).unwrap();
        }
        (values(&var), optimizer.checkpoint(String::new(), 0, 0).unwrap())
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn gradients_that_are_not_finite_change_nothing() {
    let (good, bad) = (var(&[1.0]), matrix(&[1.0, 1.0]));
    let vars = [("good".to_owned(), good.clone()), ("bad".to_owned(), bad.clone())];
    let mut optimizer = AdamW::new(vars, vec![Group::new("", 0.1, 0.1)], 1.0).unwrap();
    let before = optimizer.checkpoint(String::new(), 0, 0).unwrap();
    for poison in [f32::NAN, f32::INFINITY] {
        let loss = (slope(&good, &[1.0]) + slope(&bad, &[1.0, poison])).unwrap();
        assert!(matches!(finite(&loss), Err(Error::Loss { .. })));
        let gradients = loss.backward().unwrap();
        for result in [optimizer.step(&gradients, 1.0).map(|_| ()), optimizer.accumulate(&gradients)] {
            assert!(matches!(result, Err(Error::NotFinite { name, at: 1 }) if name == "bad"));
        }
        assert_eq!(optimizer.checkpoint(String::new(), 0, 0).unwrap(), before);
    }
    let loss = slope(&bad, &[1e30, 1e30]);
    assert!(matches!(optimizer.step(&loss.backward().unwrap(), 1.0), Err(Error::Norm)));
    assert_eq!(optimizer.checkpoint(String::new(), 0, 0).unwrap(), before);
}

#[test]
fn settings_that_cannot_be_are_refused() {
    for group in [
        Group::new("", f32::NAN, 0.0),
        Group::new("", 0.1, -1.0),
        Group::new("", 0.1, 0.0).betas(1.0, 0.9),
        Group::new("", 0.1, 0.0).eps(0.0),
    ] {
        assert!(matches!(AdamW::new([], vec![group], 1.0), Err(Error::Setting { .. })));
    }
    assert!(matches!(AdamW::new([], vec![], 0.0), Err(Error::Setting { name: "clip", .. })));
}

#[test]
#[expect(clippy::float_cmp, reason = "factors of small fractions are exact")]
fn schedules_rise_and_fall() {
    let linear = Schedule::linear(4, 12);
    let factors: Vec<f32> = (0..13).map(|step| linear.factor(step)).collect();
    assert_eq!(factors[..5], [0.25, 0.5, 0.75, 1.0, 1.0]);
    assert_eq!([factors[8], factors[11], factors[12]], [0.5, 0.125, 0.0]);
    let cosine = Schedule::cosine(0, 10);
    assert_eq!([cosine.factor(0), cosine.factor(10)], [1.0, 0.0]);
    assert!((cosine.factor(5) - 0.5).abs() < 1e-6);
    assert!(cosine.factor(2) > Schedule::linear(0, 10).factor(2));
    assert_eq!([Schedule::constant(2).factor(1_000_000), Schedule::linear(5, 3).factor(7)], [1.0, 0.0]);
}

const SEQUENCES: [&[u32]; 3] = [&[2, 9, 4, 3], &[2, 3], &[2, 9, 9, 9, 1, 7, 3]];

fn tiny() -> TrainableBert {
    let json = serde_json::json!({
        "vocab_size": 11, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 12, "max_position_embeddings": 9,
    });
    let config = BertConfig::from_json(json.to_string().as_bytes()).unwrap();
    let mut rng = StdRng::seed_from_u64(4);
    let tensors = config
        .tensors()
        .into_iter()
        .map(|(name, shape)| {
            let centre = if name.ends_with("LayerNorm.weight") { 1.0 } else { 0.0 };
            let n = shape.iter().product();
            let values = (0..n).map(|_| centre + rng.random_range(-0.4..0.4)).collect();
            (name, (shape, values))
        })
        .collect();
    TrainableBert::from_tensors(&config, tensors, |_| true).unwrap()
}

struct Tiny {
    bert: TrainableBert,
    optimizer: AdamW,
}

impl Tiny {
    fn new() -> Self {
        let bert = tiny();
        let vars = bert.vars().iter().map(|(name, var)| (name.clone(), var.clone()));
        let groups = vec![Group::new("embeddings.", 0.002, 0.0), Group::new("", 0.01, 0.01)];
        let optimizer = AdamW::new(vars, groups, 1.0).unwrap();
        Self { bert, optimizer }
    }

    fn steps(&mut self, steps: std::ops::Range<usize>) -> f32 {
        let schedule = Schedule::linear(2, 8);
        let mut last = 0.0;
        for step in steps {
            let dropout = Some(Dropout { probability: 0.1, seed: step as u64 });
            let states = self.bert.forward_packed(&SEQUENCES, dropout).unwrap();
            let loss = (states - 0.5).unwrap().sqr().unwrap().mean_all().unwrap();
            last = finite(&loss).unwrap();
            self.optimizer.step(&loss.backward().unwrap(), schedule.factor(step)).unwrap();
        }
        last
    }
}

#[test]
fn a_resumed_run_ends_like_one_that_never_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let mut whole = Tiny::new();
    let first = whole.steps(0..1);
    let last = whole.steps(1..6);
    assert!(last < first, "{last} {first}");

    let mut before = Tiny::new();
    before.steps(0..3);
    before.optimizer.checkpoint("a recipe".into(), 3, 39).unwrap().write(folder.path()).unwrap();
    let checkpoint = Checkpoint::read(folder.path()).unwrap().unwrap();
    assert_eq!((checkpoint.identity.as_str(), checkpoint.step, checkpoint.tokens), ("a recipe", 3, 39));
    let mut after = Tiny::new();
    after.optimizer.restore(&checkpoint).unwrap();
    after.steps(3..6);
    assert_eq!(after.bert.export().unwrap(), whole.bert.export().unwrap());
    let end = |tiny: &Tiny| tiny.optimizer.checkpoint(String::new(), 6, 0).unwrap();
    assert_eq!(end(&after), end(&whole));
}

#[test]
fn no_checkpoint_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Checkpoint::read(folder.path()).unwrap().is_none());
}

#[test]
fn damaged_checkpoints_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    Tiny::new().optimizer.checkpoint("x".into(), 1, 1).unwrap().write(folder.path()).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for cut in [0, 4, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let error = Checkpoint::read(folder.path()).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{cut} bytes: {error}");
    }
    let mut bytes = whole.clone();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    assert!(Checkpoint::read(folder.path()).unwrap_err().to_string().contains("not finite"));
    assert!(!folder.path().join(format!("{FILE}.part")).exists());
}

#[test]
fn checkpoints_of_another_model_are_refused_and_change_nothing() {
    let mut tiny = Tiny::new();
    let whole = tiny.optimizer.checkpoint(String::new(), 0, 0).unwrap();
    let mut missing = whole.clone();
    missing.tensors.pop_first();
    let mut more = whole.clone();
    more.tensors.insert("zzz".into(), whole.tensors.values().next().unwrap().clone());
    let mut turned = whole.clone();
    turned.tensors.values_mut().next_back().unwrap().shape.push(1);
    for other in [missing, more, turned] {
        assert!(matches!(tiny.optimizer.restore(&other), Err(Error::OtherModel { .. })));
        assert_eq!(tiny.optimizer.checkpoint(String::new(), 0, 0).unwrap(), whole);
    }
}

#[test]
fn every_variable_of_the_encoder_learns() {
    let mut tiny = Tiny::new();
    let before = tiny.bert.export().unwrap();
    let states = tiny.bert.forward_packed(&SEQUENCES, None).unwrap();
    let gradients = states.sqr().unwrap().mean_all().unwrap().backward().unwrap();
    assert!(tiny.optimizer.without_gradient(&gradients).is_empty());
    tiny.steps(0..3);
    for (name, (_, values)) in tiny.bert.export().unwrap() {
        assert_ne!(values, before[&name].1, "{name} stays as it was");
    }
}
