//! The transformer layers as one operation for candle.
//!
//! Between separate operations candle would allocate, zero and add a gradient for every edge of the graph, which
//! takes about as long as the matrix products. Here a layer's row-wise work runs on a block of rows while it is in
//! the cache, and only what the way back needs is kept.

use super::attention::{self, Heads};
use super::custom::Values;
use super::memory::{Buffer, Memory};
use super::numbers::stream;
use super::product::{Matrix, Packed, Target, multiply, multiply_wide};
use super::rows;
use crate::config::{Activation, BertConfig, names};
use crate::error::Result;
use crate::kernels::HalfIsa;
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Device, Layout, Shape, Tensor};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

type Candle<T> = candle_core::Result<T>;

/// Rows that a thread takes through a layer at once.
/// A multiple of every tile's height.
const BLOCK: usize = 192;

/// Random zeros against overfitting, after the embeddings, the attention and the feed-forward block of each layer,
/// as in Hugging Face's `hidden_dropout_prob`. Srivastava et al. 2014.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Share of the elements that become zero, below 1.
    pub probability: f32,
    /// All masks follow from it: give each step its own.
    pub seed: u64,
}

/// Places of a layer's pairs of weight and bias in [`layer_tensors`].
const QUERY: usize = 0;
const KEY: usize = 1;
const VALUE: usize = 2;
const OUT: usize = 3;
const UP: usize = 4;
const DOWN: usize = 5;
const OUT_NORM: usize = 6;
const DOWN_NORM: usize = 7;
const PAIRS: usize = 8;

/// Names of a layer's pairs, to which `.weight` and `.bias` belong, in the order that [`Stack`] expects.
pub(crate) fn layer_tensors(layer: usize) -> [String; PAIRS] {
    [
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
        "intermediate.dense",
        "output.dense",
        "attention.output.LayerNorm",
        "output.LayerNorm",
    ]
    .map(|part| names::layer(layer, part))
}

/// Weight and bias of each pair of one layer.
type Pairs<T> = [(T, T); PAIRS];

/// Some layers over sequences that lie end to end.
pub(crate) struct Stack {
    heads: Heads,
    inner: usize,
    eps: f32,
    activation: Activation,
    ranges: Vec<Range<usize>>,
    dropout: Option<Dropout>,
    /// Number of the first layer in the model, for the streams of dropout.
    first: usize,
    layers: Vec<Pairs<Tensor>>,
    memory: Memory,
    half: Option<HalfIsa>,
    kept: Mutex<Vec<Kept>>,
    keep: bool,
    gradients: Arc<Slots>,
}

/// Gradients of the parameters between the stack's way back, which computes them, and [`Deliver`].
type Slots = Mutex<Vec<Option<Vec<f32>>>>;

/// What a layer's way back needs.
struct Kept {
    x: Buffer,
    joint: Buffer,
    context: Buffer,
    out_norm: Normed,
    y: Buffer,
    up: Buffer,
    down_norm: Normed,
}

struct Normed {
    centred: Buffer,
    inverse: Buffer,
}

impl Stack {
    /// `pairs` are weight and bias by [`layer_tensors`] for layers `first..`.
    pub fn new(
        config: &BertConfig,
        lengths: &[usize],
        dropout: Option<Dropout>,
        first: usize,
        layers: Vec<Pairs<Tensor>>,
        memory: Memory,
        half: Option<HalfIsa>,
    ) -> Self {
        let slots = layers.len() * PAIRS * 2;
        Self {
            heads: Heads { count: config.num_attention_heads, size: config.head_size() },
            inner: config.intermediate_size,
            eps: config.layer_norm_eps as f32,
            activation: config.hidden_act,
            ranges: attention::ranges(lengths),
            dropout: dropout.filter(|d| d.probability > 0.0),
            first,
            layers,
            memory,
            half,
            kept: Mutex::default(),
            keep: false,
            gradients: Arc::new(Mutex::new((0..slots).map(|_| None).collect())),
        }
    }

    /// Last hidden states `[tokens, hidden]` of `x` of the same shape.
    pub fn apply(mut self, x: &Tensor) -> Result<Tensor> {
        // The parameters reach candle's graph through a chain of tokens, because an operation has three
        // arguments at most.
        let mut token = Tensor::zeros((), candle_core::DType::F32, &Device::Cpu)?;
        for (place, (weight, bias)) in self.layers.iter().flatten().enumerate() {
            if weight.is_variable() || bias.is_variable() {
                let deliver = Deliver { gradients: self.gradients.clone(), place: 2 * place };
                token = weight.apply_op3(bias, &token, deliver)?;
            }
        }
        self.keep = x.track_op() || token.track_op();
        let x = x.contiguous()?;
        if self.keep { Ok(x.apply_op2(&token, self)?) } else { Ok(x.apply_op2_no_bwd(&token, &self)?) }
    }

    fn key(&self, layer: usize, place: u64) -> Option<(u64, f32)> {
        let places = 2 * (self.first + layer) as u64 + 1;
        self.dropout.map(|d| (stream(d.seed, places + place), d.probability))
    }

    fn forward(&self, layer: usize, x: Buffer) -> Candle<(Buffer, Option<Kept>)> {
        let (h, f) = (self.heads.count * self.heads.size, self.inner);
        let tokens = x.len() / h;
        let views = Views::of(&self.layers[layer])?;
        let w = |pair: usize| -> &[f32] { &views.0[pair].0 };
        let b = |pair: usize| -> &[f32] { &views.0[pair].1 };
        let columns = |pair: usize, width: usize| Matrix::columns(w(pair), width);
        let to_joint =
            Packed::stack(self.half, &[columns(QUERY, h), columns(KEY, h), columns(VALUE, h)], h, h);
        let to_out = Packed::new(self.half, columns(OUT, h), h, h);
        let to_up = Packed::new(self.half, columns(UP, h), h, f);
        let to_down = Packed::new(self.half, columns(DOWN, f), f, h);

        let mut joint = self.memory.take(tokens * 3 * h);
        joint.par_chunks_mut(BLOCK * 3 * h).zip(x.par_chunks(BLOCK * h)).for_each(|(joint, x)| {
            let m = x.len() / h;
            multiply(Matrix::rows(x, h), m, &to_joint, Target { data: joint, stride: 3 * h, add: false });
            for row in joint.chunks_exact_mut(3 * h) {
                let (query, rest) = row.split_at_mut(h);
                let (key, value) = rest.split_at_mut(h);
                rows::add(query, b(QUERY));
                rows::add(key, b(KEY));
                rows::add(value, b(VALUE));
            }
        });
        let mut context = self.memory.take(tokens * h);
        attention::forward(self.heads, &joint, &self.ranges, &mut context);

        let mut kept = Kept {
            out_norm: Normed { centred: self.memory.take(tokens * h), inverse: self.memory.take(tokens) },
            y: self.memory.take(tokens * h),
            up: self.memory.take(tokens * f),
            down_norm: Normed { centred: self.memory.take(tokens * h), inverse: self.memory.take(tokens) },
            x,
            joint,
            context,
        };
        let mut out = self.memory.take(tokens * h);
        let blocks: Vec<_> = {
            let mut centred = kept.out_norm.centred.chunks_mut(BLOCK * h);
            let mut inverse = kept.out_norm.inverse.chunks_mut(BLOCK);
            let mut centred2 = kept.down_norm.centred.chunks_mut(BLOCK * h);
            let mut inverse2 = kept.down_norm.inverse.chunks_mut(BLOCK);
            let (mut y, mut up) = (kept.y.chunks_mut(BLOCK * h), kept.up.chunks_mut(BLOCK * f));
            out.chunks_mut(BLOCK * h)
                .map_while(|out| {
                    Some((
                        out,
                        (centred.next()?, inverse.next()?),
                        (centred2.next()?, inverse2.next()?),
                        y.next()?,
                        up.next()?,
                    ))
                })
                .collect()
        };
        let (context, x) = (&kept.context[..], &kept.x[..]);
        blocks.into_par_iter().enumerate().for_each(|(i, (out, norm, norm2, y, up))| {
            let at = i * BLOCK * h;
            let (context, x) = (&context[at..at + out.len()], &x[at..at + out.len()]);
            let m = out.len() / h;
            let mut sum = self.memory.take(m * h);
            let drop_out = |values: &mut [f32], place: u64| {
                if let Some((key, probability)) = self.key(layer, place) {
                    rows::drop_out(values, key, at as u64, probability);
                }
            };
            let linear = |x: &[f32], k: usize, packed: &Packed, pair: usize, out: &mut [f32]| {
                let stride = b(pair).len();
                multiply(Matrix::rows(x, k), m, packed, Target { data: out, stride, add: false });
                rows::add_bias(out, b(pair));
            };
            linear(context, h, &to_out, OUT, &mut sum);
            drop_out(&mut sum, 0);
            rows::add(&mut sum, x);
            rows::norm(&sum, w(OUT_NORM), b(OUT_NORM), self.eps, norm.0, norm.1, y);
            linear(y, h, &to_up, UP, up);
            let mut active = self.memory.take(m * f);
            rows::activate(self.activation, up, &mut active);
            linear(&active, f, &to_down, DOWN, &mut sum);
            drop_out(&mut sum, 1);
            rows::add(&mut sum, y);
            rows::norm(&sum, w(DOWN_NORM), b(DOWN_NORM), self.eps, norm2.0, norm2.1, out);
        });
        Ok((out, self.keep.then_some(kept)))
    }

    /// Way back through one layer: takes the gradient of its output, returns that of its input where needed.
    fn backward(&self, layer: usize, kept: &Kept, gradient: Buffer, need_x: bool) -> Candle<Option<Buffer>> {
        let (h, f) = (self.heads.count * self.heads.size, self.inner);
        let tokens = gradient.len() / h;
        let pairs = &self.layers[layer];
        let views = Views::of(pairs)?;
        let w = |pair: usize| -> &[f32] { &views.0[pair].0 };
        let from_down = Packed::new(self.half, Matrix::rows(w(DOWN), f), h, f);
        let from_up = Packed::new(self.half, Matrix::rows(w(UP), h), f, h);
        let from_out = Packed::new(self.half, Matrix::rows(w(OUT), h), h, h);

        // Gradients of: the down product, the up product, the out product, the layer's input by the residual, the
        // context; and the activations, computed again.
        let mut down = gradient;
        let mut up = self.memory.take(tokens * f);
        let mut active = self.memory.take(tokens * f);
        let mut out = self.memory.take(tokens * h);
        let mut x = self.memory.take(tokens * h);
        let mut context = self.memory.take(tokens * h);
        let blocks: Vec<_> = {
            let (mut up, mut active) = (up.chunks_mut(BLOCK * f), active.chunks_mut(BLOCK * f));
            let (mut out, mut x) = (out.chunks_mut(BLOCK * h), x.chunks_mut(BLOCK * h));
            let mut context = context.chunks_mut(BLOCK * h);
            down.chunks_mut(BLOCK * h)
                .map_while(|down| {
                    Some((down, up.next()?, active.next()?, out.next()?, x.next()?, context.next()?))
                })
                .collect()
        };
        let sums: Vec<[Vec<f32>; 7]> = blocks
            .into_par_iter()
            .enumerate()
            .map(|(i, (down, up, active, out, x, context))| {
                let at = i * BLOCK;
                let m = down.len() / h;
                let row = |values: &'_ [f32], width: usize| -> Range<usize> {
                    debug_assert!(values.len() >= (at + m) * width);
                    at * width..(at + m) * width
                };
                let drop_out = |values: &mut [f32], place: u64| {
                    if let Some((key, probability)) = self.key(layer, place) {
                        rows::drop_out(values, key, (at * h) as u64, probability);
                    }
                };
                let mut sums: [Vec<f32>; 7] = [h, h, h, f, h, h, h].map(|n| vec![0.0; n]);
                let [down_scale, down_shift, down_bias, up_bias, out_scale, out_shift, out_bias] = &mut sums;

                let norm = &kept.down_norm;
                let centred = &norm.centred[row(&norm.centred, h)];
                rows::norm_back(
                    down,
                    centred,
                    &norm.inverse[at..at + m],
                    w(DOWN_NORM),
                    down_scale,
                    down_shift,
                );
                // The residual of the feed-forward block, then what comes through it.
                out.copy_from_slice(down);
                drop_out(down, 1);
                rows::add_columns(down, down_bias);
                multiply(Matrix::rows(down, h), m, &from_down, Target { data: up, stride: f, add: false });
                rows::activate_both(self.activation, &kept.up[row(&kept.up, f)], up, active);
                rows::add_columns(up, up_bias);
                multiply(Matrix::rows(up, f), m, &from_up, Target { data: out, stride: h, add: true });

                let norm = &kept.out_norm;
                let centred = &norm.centred[row(&norm.centred, h)];
                rows::norm_back(out, centred, &norm.inverse[at..at + m], w(OUT_NORM), out_scale, out_shift);
                x.copy_from_slice(out);
                drop_out(out, 0);
                rows::add_columns(out, out_bias);
                multiply(Matrix::rows(out, h), m, &from_out, Target { data: context, stride: h, add: false });
                sums
            })
            .collect();
        let mut joint = self.memory.take(tokens * 3 * h);
        attention::backward(self.heads, &kept.joint, &context, &self.ranges, &mut joint);
        drop(context);

        if need_x {
            let from = [QUERY, KEY, VALUE].map(|pair| Packed::new(self.half, Matrix::rows(w(pair), h), h, h));
            x.par_chunks_mut(BLOCK * h).zip(joint.par_chunks(BLOCK * 3 * h)).for_each(|(x, joint)| {
                let m = x.len() / h;
                for (part, packed) in from.iter().enumerate() {
                    let a = Matrix { data: &joint[part * h..], row: 3 * h, column: 1 };
                    multiply(a, m, packed, Target { data: x, stride: h, add: true });
                }
            });
        }

        let needs = |pair: usize| pairs[pair].0.is_variable() || pairs[pair].1.is_variable();
        let total = |which: usize| {
            let mut total = vec![0.0; sums[0][which].len()];
            for part in &sums {
                rows::add(&mut total, &part[which]);
            }
            total
        };
        let weight = |a: Matrix<'_>, outer: usize, b: &Packed, inner: usize| {
            let mut out = vec![0.0; outer * inner];
            multiply_wide(a, outer, b, &mut out);
            out
        };
        let mut found: Vec<(usize, Vec<f32>, Vec<f32>)> = Vec::new();
        if needs(DOWN) {
            let b = Packed::new(self.half, Matrix::rows(&active, f), tokens, f);
            found.push((DOWN, weight(Matrix::columns(&down, h), h, &b, f), total(2)));
        }
        drop(active);
        if needs(UP) {
            let b = Packed::new(self.half, Matrix::rows(&kept.y, h), tokens, h);
            found.push((UP, weight(Matrix::columns(&up, f), f, &b, h), total(3)));
        }
        if needs(OUT) {
            let b = Packed::new(self.half, Matrix::rows(&kept.context, h), tokens, h);
            found.push((OUT, weight(Matrix::columns(&out, h), h, &b, h), total(6)));
        }
        if [QUERY, KEY, VALUE].into_iter().any(needs) {
            let b = Packed::new(self.half, Matrix::rows(&kept.x, h), tokens, h);
            let mut bias = super::custom::column_sums(&joint, 3 * h);
            for pair in [VALUE, KEY, QUERY] {
                let bias = bias.split_off(pair * h);
                if needs(pair) {
                    let a = Matrix { data: &joint[pair * h..], row: 1, column: 3 * h };
                    found.push((pair, weight(a, h, &b, h), bias));
                }
            }
        }
        if needs(OUT_NORM) {
            found.push((OUT_NORM, total(4), total(5)));
        }
        if needs(DOWN_NORM) {
            found.push((DOWN_NORM, total(0), total(1)));
        }
        let mut slots = self.gradients.lock().unwrap_or_else(PoisonError::into_inner);
        for (pair, weight, bias) in found {
            let place = 2 * (layer * PAIRS + pair);
            slots[place] = Some(weight);
            slots[place + 1] = Some(bias);
        }
        Ok(need_x.then_some(x))
    }
}

/// A layer's values, locked while in use.
struct Views<'a>(Pairs<Values<'a>>);

impl<'a> Views<'a> {
    fn of(pairs: &'a Pairs<Tensor>) -> Candle<Self> {
        let views = pairs
            .iter()
            .map(|(weight, bias)| Ok((Values::of(weight)?, Values::of(bias)?)))
            .collect::<Candle<Vec<_>>>()?;
        match views.try_into() {
            Ok(views) => Ok(Self(views)),
            Err(_) => candle_core::bail!("a layer has {PAIRS} pairs"),
        }
    }
}

impl CustomOp2 for Stack {
    fn name(&self) -> &'static str {
        "transformer-layers"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Candle<(CpuStorage, Shape)> {
        let input = super::custom::slice(s1, l1)?;
        let mut x = self.memory.take(input.len());
        x.copy_from_slice(input);
        let mut all = Vec::new();
        for layer in 0..self.layers.len() {
            let (out, kept) = self.forward(layer, x)?;
            all.extend(kept);
            x = out;
        }
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = all;
        Ok((CpuStorage::F32(x.to_vec()), l1.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        token: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Candle<(Option<Tensor>, Option<Tensor>)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let above = gradient.contiguous()?;
        let above = Values::of(&above)?;
        let mut gradient = self.memory.take(above.len());
        gradient.copy_from_slice(&above);
        drop(above);
        let mut last = Some(gradient);
        for (layer, kept) in kept.iter().enumerate().rev() {
            let Some(gradient) = last.take() else { break };
            let trained_below =
                self.layers[..layer].iter().flatten().any(|(w, b)| w.is_variable() || b.is_variable());
            last = self.backward(layer, kept, gradient, x.track_op() || trained_below)?;
        }
        let to_x = match last.filter(|_| x.track_op()) {
            Some(values) => Some(Tensor::from_slice(&values, x.shape(), &Device::Cpu)?),
            None => None,
        };
        let to_token = if token.track_op() { Some(token.zeros_like()?) } else { None };
        Ok((to_x, to_token))
    }
}

/// Brings the gradients of one pair, which the stack computed, to its variables. Forward it gives nothing, a zero.
struct Deliver {
    gradients: Arc<Slots>,
    place: usize,
}

impl CustomOp3 for Deliver {
    fn name(&self) -> &'static str {
        "parameters"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Candle<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![0.0]), ().into()))
    }

    fn bwd(
        &self,
        weight: &Tensor,
        bias: &Tensor,
        token: &Tensor,
        _: &Tensor,
        _: &Tensor,
    ) -> Candle<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let mut slots = self.gradients.lock().unwrap_or_else(PoisonError::into_inner);
        let mut give = |tensor: &Tensor, place: usize| -> Candle<Option<Tensor>> {
            match slots[place].take() {
                Some(values) if tensor.is_variable() => Ok(Some(super::custom::tensor(values, tensor)?)),
                _ => Ok(None),
            }
        };
        let to_weight = give(weight, self.place)?;
        let to_bias = give(bias, self.place + 1)?;
        let to_token = if token.track_op() { Some(token.zeros_like()?) } else { None };
        Ok((to_weight, to_bias, to_token))
    }
}
