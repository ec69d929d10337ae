//! The trained heads as a candle graph. `overread_suggest` runs the same arithmetic on plain numbers; a test holds
//! the two together.
//!
//! Shapes: T tokens, F fields, S spans, H hidden size, P = [`overread_suggest::neural::PROJECTION`].

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use candle_core::{D, DType, Device, Tensor, Var};
use overread_encoder::weights::{NamedTensors, Precision, Weights, write_described};
use overread_suggest::neural::{self, ASSERTIONS, BUCKETS, CONTEXT, PROJECTION, distance};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

use super::TrainError;

/// What the file says of itself, under the key `overread` of its header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadsHeader {
    pub format: u32,
    /// Version of the encoder that the heads were trained with; no other fits.
    pub encoder: String,
    pub hidden: usize,
    pub projection: usize,
}

/// Heads whose every tensor is trained.
#[derive(Debug)]
pub struct TrainableHeads {
    hidden: usize,
    vars: BTreeMap<String, Var>,
}

/// Start, end and inside logits, each `[T, F]`.
#[derive(Clone, Debug)]
pub struct FieldLogits {
    pub start: Tensor,
    pub end: Tensor,
    pub inside: Tensor,
}

/// Names and shapes of all tensors for a hidden size.
pub fn shapes(hidden: usize) -> Vec<(&'static str, Vec<usize>)> {
    let (h, p) = (hidden, PROJECTION);
    vec![
        ("field.token.weight", vec![3 * p, h]),
        ("field.token.bias", vec![3 * p]),
        ("field.label.weight", vec![3 * p, h]),
        ("field.label.bias", vec![3 * p]),
        ("field.bias", vec![3]),
        ("span.start.weight", vec![p, h]),
        ("span.end.weight", vec![p, h]),
        ("span.mean.weight", vec![p, h]),
        ("span.width", vec![BUCKETS, p]),
        ("span.bias", vec![p]),
        ("span.out.weight", vec![p, p]),
        ("span.out.bias", vec![p]),
        ("span.label.weight", vec![p, h]),
        ("span.label.bias", vec![p]),
        ("span.mix", vec![5]),
        ("assert.hidden.weight", vec![p, 3 * h]),
        ("assert.hidden.bias", vec![p]),
        ("assert.out.weight", vec![ASSERTIONS, p]),
        ("assert.out.bias", vec![ASSERTIONS]),
        ("phrase.weight", vec![p, h]),
        ("link.head.weight", vec![p, h]),
        ("link.tail.weight", vec![p, h]),
        ("link.distance", vec![BUCKETS, p]),
        ("link.bias", vec![p]),
        ("link.out", vec![p]),
    ]
}

impl TrainableHeads {
    /// Fresh heads; equal seeds give equal heads.
    pub fn new(hidden: usize, seed: u64) -> Result<Self, TrainError> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut values = NamedTensors::new();
        for (name, shape) in shapes(hidden) {
            let n = shape.iter().product();
            let fan_in = *shape.last().unwrap_or(&1);
            let data = if shape.len() == 2 {
                // Uniform with the variance of Glorot's initialisation for a layer of this width.
                let bound = (3.0 / fan_in as f32).sqrt() * if name.ends_with("weight") { 1.0 } else { 0.3 };
                (0..n).map(|_| rng.random_range(-bound..bound)).collect()
            } else {
                match name {
                    // Few tokens are in a field: starting there spares the first hundred steps.
                    "field.bias" => vec![-4.0, -4.0, -3.5],
                    "span.mix" => vec![0.3, 0.3, 0.3, 0.0, -1.0],
                    "link.out" => (0..n).map(|_| rng.random_range(-0.1..0.1)).collect(),
                    _ => vec![0.0; n],
                }
            };
            values.insert(name.to_owned(), (shape, data));
        }
        Self::from_values(hidden, values)
    }

    fn from_values(hidden: usize, mut values: NamedTensors) -> Result<Self, TrainError> {
        let mut vars = BTreeMap::new();
        for (name, expected) in shapes(hidden) {
            let (shape, data) = values
                .remove(name)
                .ok_or_else(|| TrainError::Heads { reason: format!("no tensor {name}") })?;
            if shape != expected {
                return Err(TrainError::Heads {
                    reason: format!("{name} is {shape:?} where {expected:?} is wanted"),
                });
            }
            vars.insert(name.to_owned(), Var::from_vec(data, shape, &Device::Cpu)?);
        }
        Ok(Self { hidden, vars })
    }

    /// Reads `heads.safetensors`.
    pub fn load(path: &Path, hidden: usize) -> Result<Self, TrainError> {
        let bytes = std::fs::read(path).map_err(|source| TrainError::Io { path: path.to_owned(), source })?;
        let file = Weights::parse(neural::FILE, bytes)?;
        let values = shapes(hidden)
            .into_iter()
            .map(|(name, shape)| Ok((name.to_owned(), (shape.clone(), file.get(name, &shape)?))))
            .collect::<Result<NamedTensors, TrainError>>()?;
        Self::from_values(hidden, values)
    }

    /// Writes `heads.safetensors` for the encoder of version `encoder`, in half precision as the encoder's own
    /// weights.
    pub fn write(&self, path: &Path, encoder: &str) -> Result<(), TrainError> {
        let header = HeadsHeader {
            format: 1,
            encoder: encoder.to_owned(),
            hidden: self.hidden,
            projection: PROJECTION,
        };
        let header =
            serde_json::to_string(&header).map_err(|e| TrainError::Heads { reason: e.to_string() })?;
        Ok(write_described(path, &self.values()?, Precision::F16, ("overread", &header))?)
    }

    /// All values by name.
    pub fn values(&self) -> Result<NamedTensors, TrainError> {
        self.vars
            .iter()
            .map(|(name, var)| {
                Ok((name.clone(), (var.dims().to_vec(), var.flatten_all()?.to_vec1::<f32>()?)))
            })
            .collect()
    }

    /// The trained tensors by name.
    pub fn vars(&self) -> &BTreeMap<String, Var> {
        &self.vars
    }

    fn var(&self, name: &str) -> &Tensor {
        self.vars[name].as_tensor()
    }

    fn linear(&self, x: &Tensor, name: &str) -> Result<Tensor, TrainError> {
        let y = x.matmul(&self.var(&format!("{name}.weight")).t()?)?;
        Ok(match self.vars.get(&format!("{name}.bias")) {
            Some(bias) => y.broadcast_add(bias.as_tensor())?,
            None => y,
        })
    }

    /// Logits of every token for every field: `states` `[T, H]`, `labels` `[F, H]`.
    pub fn field_logits(&self, states: &Tensor, labels: &Tensor) -> Result<FieldLogits, TrainError> {
        let tokens = self.linear(states, "field.token")?;
        let labels = self.linear(labels, "field.label")?;
        let scale = 1.0 / (PROJECTION as f64).sqrt();
        let part = |k: usize| -> Result<Tensor, TrainError> {
            let t = tokens.narrow(1, k * PROJECTION, PROJECTION)?.contiguous()?;
            let l = labels.narrow(1, k * PROJECTION, PROJECTION)?.contiguous()?;
            let bias = self.var("field.bias").narrow(0, k, 1)?;
            Ok((t.matmul(&l.t()?)? * scale)?.broadcast_add(&bias)?)
        };
        Ok(FieldLogits { start: part(0)?, end: part(1)?, inside: part(2)? })
    }

    /// Logits `[S, F]` of `spans` (rows of `states`). `token` gives the token logits, which enter as numbers: what
    /// they learn, they learn from their own loss.
    pub fn span_logits(
        &self,
        states: &Tensor,
        spans: &[Range<usize>],
        labels: &Tensor,
        token: &FieldLogits,
    ) -> Result<Tensor, TrainError> {
        let rows = states.dim(0)?;
        let starts = rows_at(states, spans.iter().map(|s| s.start))?;
        let ends = rows_at(states, spans.iter().map(|s| s.end - 1))?;
        let means = means(states, spans)?;
        let widths = spans.iter().map(|s| (s.len() - 1).min(BUCKETS - 1) as u32);
        let widths = Tensor::from_iter(widths, &Device::Cpu)?;
        let u = (self.linear(&starts, "span.start")? + self.linear(&ends, "span.end")?)?;
        let u = (u + self.linear(&means, "span.mean")?)?;
        let u = (u + self.var("span.width").index_select(&widths, 0)?)?;
        let u = u.broadcast_add(self.var("span.bias"))?.gelu_erf()?;
        let v = self.linear(&u, "span.out")?;
        let l = self.linear(labels, "span.label")?;
        let scores = (v.matmul(&l.t()?)? * (1.0 / (PROJECTION as f64).sqrt()))?;
        let fields = labels.dim(0)?;
        let plain =
            |t: &Tensor| -> Result<Vec<f32>, TrainError> { Ok(t.detach().flatten_all()?.to_vec1::<f32>()?) };
        let (start, end, inside) = (plain(&token.start)?, plain(&token.end)?, plain(&token.inside)?);
        debug_assert_eq!(start.len(), rows * fields);
        let mut mixed: [Vec<f32>; 4] = std::array::from_fn(|_| Vec::with_capacity(spans.len() * fields));
        for span in spans {
            for f in 0..fields {
                mixed[0].push(start[span.start * fields + f]);
                mixed[1].push(end[(span.end - 1) * fields + f]);
                let within = span.clone().map(|t| inside[t * fields + f]);
                mixed[2].push(within.clone().sum::<f32>() / span.len() as f32);
                mixed[3].push(within.fold(f32::INFINITY, f32::min));
            }
        }
        let mix = self.var("span.mix");
        let mut scores = scores.broadcast_add(&mix.narrow(0, 4, 1)?)?;
        for (k, values) in mixed.into_iter().enumerate() {
            let values = Tensor::from_vec(values, (spans.len(), fields), &Device::Cpu)?;
            scores = (scores + values.broadcast_mul(&mix.narrow(0, k, 1)?)?)?;
        }
        Ok(scores)
    }

    /// Logits `[S, 6]` of the assertion of each span; a span's context ends where its sequence (rows
    /// `bounds`) does.
    pub fn assertion_logits(
        &self,
        states: &Tensor,
        spans: &[(Range<usize>, Range<usize>)],
    ) -> Result<Tensor, TrainError> {
        let own: Vec<Range<usize>> = spans.iter().map(|(s, _)| s.clone()).collect();
        let before: Vec<Range<usize>> =
            spans.iter().map(|(s, b)| s.start.saturating_sub(CONTEXT).max(b.start)..s.start).collect();
        let after: Vec<Range<usize>> =
            spans.iter().map(|(s, b)| s.end..(s.end + CONTEXT).min(b.end).max(s.end)).collect();
        let x = Tensor::cat(&[means(states, &own)?, means(states, &before)?, means(states, &after)?], 1)?;
        let hidden = self.linear(&x, "assert.hidden")?.gelu_erf()?;
        self.linear(&hidden, "assert.out")
    }

    /// Vectors `[S, 128]` of length 1 for codes to be found by.
    pub fn phrases(&self, states: &Tensor, spans: &[Range<usize>]) -> Result<Tensor, TrainError> {
        let x = self.linear(&means(states, spans)?, "phrase")?;
        let length = (x.sqr()?.sum_keepdim(D::Minus1)? + 1e-12)?.sqrt()?;
        Ok(x.broadcast_div(&length)?)
    }

    /// Logits `[N]` that the second span of each pair is an attribute of the first.
    pub fn link_logits(
        &self,
        states: &Tensor,
        pairs: &[(Range<usize>, Range<usize>)],
    ) -> Result<Tensor, TrainError> {
        let heads: Vec<Range<usize>> = pairs.iter().map(|p| p.0.clone()).collect();
        let tails: Vec<Range<usize>> = pairs.iter().map(|p| p.1.clone()).collect();
        let distances = Tensor::from_iter(pairs.iter().map(|(h, t)| distance(h, t) as u32), &Device::Cpu)?;
        let x = (self.linear(&means(states, &heads)?, "link.head")?
            + self.linear(&means(states, &tails)?, "link.tail")?)?;
        let x = (x + self.var("link.distance").index_select(&distances, 0)?)?;
        let x = x.broadcast_add(self.var("link.bias"))?.gelu_erf()?;
        Ok(x.matmul(&self.var("link.out").reshape((PROJECTION, 1))?)?.flatten_all()?)
    }
}

/// Means of row ranges, `[n, H]`; an empty range gives zeros. A product with a selection matrix: its backward pass is
/// another product, and beside the encoder it costs nothing.
pub fn means(states: &Tensor, ranges: &[Range<usize>]) -> Result<Tensor, TrainError> {
    let rows = states.dim(0)?;
    let mut select = vec![0.0f32; ranges.len() * rows];
    for (out, range) in select.chunks_exact_mut(rows.max(1)).zip(ranges) {
        let share = 1.0 / range.len().max(1) as f32;
        out[range.clone()].fill(share);
    }
    Ok(Tensor::from_vec(select, (ranges.len(), rows), &Device::Cpu)?.to_dtype(DType::F32)?.matmul(states)?)
}

fn rows_at(states: &Tensor, rows: impl Iterator<Item = usize>) -> Result<Tensor, TrainError> {
    let ranges: Vec<Range<usize>> = rows.map(|r| r..r + 1).collect();
    means(states, &ranges)
}
