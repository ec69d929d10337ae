//! A BERT in packed weights.

use super::attention::{self, Head};
use super::buffer::Buffer;
use super::int8;
use super::linear::{Kernel, Linear};
use super::rows::{Norm, activate};
use crate::config::{Activation, BertConfig, names};
use crate::error::{Error, Result};
use half::f16;
use half::slice::HalfFloatSliceExt;
use rayon::prelude::*;
use std::cell::RefCell;

/// Rows that a thread takes through a whole layer at once, so that their values stay in its cache
/// while each panel of weights comes by once. A multiple of every tile height.
const BLOCK: usize = 144;

/// Tokens of one pass: bounds memory, and is far more than the threads need to share work evenly.
const PASS: usize = 4096;

thread_local! {
    static ATTENTION: RefCell<attention::Scratch> = RefCell::default();
    static BLOCKS: RefCell<Blocks> = RefCell::default();
}

/// Working memory of one thread for a block of rows.
#[derive(Default)]
struct Blocks {
    narrow: Buffer,
    wide: Buffer,
    bytes: int8::Rows,
}

/// A BERT ready to run forward.
#[derive(Debug)]
pub struct Engine {
    kernel: Kernel,
    pool: rayon::ThreadPool,
    hidden: usize,
    heads: usize,
    inner: usize,
    vocab: usize,
    positions: usize,
    activation: Activation,
    words: Table,
    places: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    joint: Linear,
    out: Linear,
    out_norm: Norm,
    up: Linear,
    down: Linear,
    down_norm: Norm,
}

/// The word embeddings, half the rows' size where that loses nothing (the file was in half precision).
#[derive(Debug)]
enum Table {
    Full(Vec<f32>),
    Half(Vec<f16>),
}

impl Table {
    fn new(values: Vec<f32>) -> Self {
        let mut halves = vec![f16::ZERO; values.len()];
        halves.convert_from_f32_slice(&values);
        let mut back = [0.0f32; 4096];
        let exact = halves.chunks(4096).zip(values.chunks(4096)).all(|(h, v)| {
            let back = &mut back[..h.len()];
            h.convert_to_f32_slice(back);
            back == v
        });
        if exact { Self::Half(halves) } else { Self::Full(values) }
    }

    fn copy_row(&self, row: usize, out: &mut [f32]) {
        let range = row * out.len()..(row + 1) * out.len();
        match self {
            Self::Full(values) => out.copy_from_slice(&values[range]),
            Self::Half(values) => values[range].convert_to_f32_slice(out),
        }
    }
}

impl Engine {
    /// Packs the tensors that `get` hands out by name and shape; `threads` 0 means one per core.
    pub fn new(
        config: &BertConfig,
        kernel: Kernel,
        threads: usize,
        get: impl Fn(&str, &[usize]) -> Result<Vec<f32>>,
    ) -> Result<Self> {
        let (h, f) = (config.hidden_size, config.intermediate_size);
        let norm = |name: &str| -> Result<Norm> {
            Ok(Norm::new(
                get(&format!("{name}.weight"), &[h])?,
                get(&format!("{name}.bias"), &[h])?,
                config.layer_norm_eps as f32,
            ))
        };
        let linear = |name: &str, n: usize, k: usize| -> Result<(Vec<f32>, Vec<f32>)> {
            Ok((get(&format!("{name}.weight"), &[n, k])?, get(&format!("{name}.bias"), &[n])?))
        };
        let packed = |name: &str, n: usize, k: usize| -> Result<Linear> {
            let (weight, bias) = linear(name, n, k)?;
            Ok(Linear::new(kernel, &weight, &bias, n, k))
        };
        let layers = (0..config.num_hidden_layers)
            .map(|layer| {
                let name = |part: &str| names::layer(layer, part);
                // Scaling the query here saves scaling every score.
                let scale = 1.0 / (config.head_size() as f32).sqrt();
                let (mut weight, mut bias) = linear(&name("attention.self.query"), h, h)?;
                weight.iter_mut().chain(&mut bias).for_each(|v| *v *= scale);
                for part in ["attention.self.key", "attention.self.value"] {
                    let (w, b) = linear(&name(part), h, h)?;
                    weight.extend(w);
                    bias.extend(b);
                }
                Ok(Layer {
                    joint: Linear::new(kernel, &weight, &bias, 3 * h, h),
                    out: packed(&name("attention.output.dense"), h, h)?,
                    out_norm: norm(&name("attention.output.LayerNorm"))?,
                    up: packed(&name("intermediate.dense"), f, h)?,
                    down: packed(&name("output.dense"), h, f)?,
                    down_norm: norm(&name("output.LayerNorm"))?,
                })
            })
            .collect::<Result<_>>()?;
        // Only segment 0 is used: fold it into the places.
        let mut places = get(names::POSITION, &[config.max_position_embeddings, h])?;
        let segments = get(names::SEGMENT, &[config.type_vocab_size, h])?;
        for row in places.chunks_exact_mut(h) {
            row.iter_mut().zip(&segments).for_each(|(p, s)| *p += s);
        }
        Ok(Self {
            kernel,
            pool: rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .thread_name(|i| format!("encoder-{i}"))
                .build()
                .map_err(|e| Error::Threads(e.to_string()))?,
            hidden: h,
            heads: config.num_attention_heads,
            inner: f,
            vocab: config.vocab_size,
            positions: config.max_position_embeddings,
            activation: config.hidden_act,
            words: Table::new(get(names::WORD, &[config.vocab_size, h])?),
            places,
            norm: norm(names::NORM)?,
            layers,
        })
    }

    /// What it runs on.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Runs `sequences` of ids (`[CLS]` and `[SEP]` included) and hands each one's last hidden states,
    /// row-major `[length, hidden]`, to `take` with its index, in order.
    pub fn forward<T: AsRef<[u32]>>(
        &self,
        sequences: &[T],
        mut take: impl FnMut(usize, &[f32]),
    ) -> Result<()> {
        for (index, ids) in sequences.iter().enumerate() {
            let ids = ids.as_ref();
            if ids.is_empty() || ids.len() > self.positions {
                return Err(Error::Input {
                    reason: format!(
                        "sequence {index} has {} ids, the model takes 1 to {}",
                        ids.len(),
                        self.positions
                    ),
                });
            }
            if let Some(at) = ids.iter().position(|&id| id as usize >= self.vocab) {
                return Err(Error::Input {
                    reason: format!("id {at} of sequence {index} is not in the vocabulary"),
                });
            }
        }
        let mut done = 0;
        while done < sequences.len() {
            let mut tokens = 0;
            let count = sequences[done..]
                .iter()
                .take_while(|ids| {
                    tokens += ids.as_ref().len();
                    tokens <= PASS || tokens == ids.as_ref().len()
                })
                .count();
            let batch = &sequences[done..done + count];
            let states = self.pass(batch);
            let mut start = 0;
            for (i, ids) in batch.iter().enumerate() {
                let end = start + ids.as_ref().len() * self.hidden;
                take(done + i, &states[start..end]);
                start = end;
            }
            done += count;
        }
        Ok(())
    }

    fn pass<T: AsRef<[u32]>>(&self, sequences: &[T]) -> Buffer {
        let h = self.hidden;
        let mut tokens = Vec::new();
        let mut spans = Vec::with_capacity(sequences.len());
        for ids in sequences {
            let ids = ids.as_ref();
            spans.push((tokens.len(), ids.len()));
            tokens.extend(ids.iter().enumerate().map(|(place, &id)| (id, place)));
        }
        let total = tokens.len();
        let block = BLOCK.min(total.div_ceil(self.pool.current_num_threads())).max(1);
        let mut x = Buffer::zeros(total * h);
        let mut joint = Buffer::zeros(total * 3 * h);
        let mut context = Buffer::zeros(total * h);
        self.pool.install(|| {
            x.par_chunks_mut(block * h)
                .zip(joint.par_chunks_mut(block * 3 * h))
                .zip(tokens.par_chunks(block))
                .for_each(|((x, joint), tokens)| {
                    for (row, &(id, place)) in x.chunks_exact_mut(h).zip(tokens) {
                        self.words.copy_row(id as usize, row);
                        let place = &self.places[place * h..(place + 1) * h];
                        self.norm.add(self.kernel.isa(), row, place);
                    }
                    if let Some(first) = self.layers.first() {
                        BLOCKS.with_borrow_mut(|blocks| first.joint.apply(x, joint, &mut blocks.bytes));
                    }
                });
            for (index, layer) in self.layers.iter().enumerate() {
                self.attention(&joint, &mut context, &spans);
                let next = self.layers.get(index + 1);
                x.par_chunks_mut(block * h)
                    .zip(joint.par_chunks_mut(block * 3 * h))
                    .zip(context.par_chunks(block * h))
                    .for_each(|((x, joint), context)| {
                        self.rest_of_layer(layer, x, context);
                        if let Some(next) = next {
                            BLOCKS.with_borrow_mut(|blocks| next.joint.apply(x, joint, &mut blocks.bytes));
                        }
                    });
            }
        });
        x
    }

    fn rest_of_layer(&self, layer: &Layer, x: &mut [f32], context: &[f32]) {
        let rows = x.len() / self.hidden;
        let isa = self.kernel.isa();
        BLOCKS.with_borrow_mut(|Blocks { narrow, wide, bytes }| {
            narrow.reserve(rows * self.hidden);
            wide.reserve(rows * self.inner);
            layer.out.apply(context, narrow, bytes);
            layer.out_norm.add(isa, x, narrow);
            layer.up.apply(x, wide, bytes);
            activate(isa, self.activation, wide);
            layer.down.apply(wide, narrow, bytes);
            layer.down_norm.add(isa, x, narrow);
        });
    }

    fn attention(&self, joint: &[f32], context: &mut [f32], spans: &[(usize, usize)]) {
        struct Shared(*mut f32);
        // SAFETY: each task writes its own sequence's rows in its own head's columns, so no float is written
        // by two, and `context` is not read until all have ended.
        unsafe impl Sync for Shared {}
        impl Shared {
            fn at(&self, offset: usize) -> *mut f32 {
                self.0.wrapping_add(offset)
            }
        }

        let (h, size) = (self.hidden, self.hidden / self.heads);
        let rows = joint.len() / (3 * h);
        assert_eq!(context.len(), rows * h, "one context row for each token");
        assert!(spans.iter().all(|&(start, len)| start + len <= rows), "sequences lie within the rows");
        let context = Shared(context.as_mut_ptr());
        (0..spans.len() * self.heads).into_par_iter().for_each(|task| {
            let (start, len) = spans[task / self.heads];
            let head = task % self.heads;
            let head = Head {
                query: joint[start * 3 * h + head * size..].as_ptr(),
                stride: 3 * h,
                out: context.at(start * h + head * size),
                hidden: h,
                len,
                size,
            };
            // SAFETY: by the assertions above the rows start..start + len exist in both matrices, each
            // with heads * size = h columns (three times in `joint`); see `Shared` for the writes.
            ATTENTION.with_borrow_mut(|scratch| unsafe {
                attention::attend(self.kernel.isa(), head, scratch);
            });
        });
    }
}
