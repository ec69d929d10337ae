//! A BERT in packed weights.

use super::buffer::Buffer;
use super::half::{self, Sizes, Tensors};
use super::layers;
use super::linear::Kernel;
use super::rows::Norm;
use crate::config::{BertConfig, names};
use crate::error::{Error, Result};
use ::half::f16;
use ::half::slice::HalfFloatSliceExt;
use std::sync::{Mutex, PoisonError};

/// Rows that a thread takes through a whole layer at once, so that their values stay in its cache
/// while each panel of weights comes by once. A multiple of every tile height.
const BLOCK: usize = 144;

/// The same where products are so fast that fetching the weights again would count.
const HALF_BLOCK: usize = 256;

/// Tokens of one pass: bounds memory, and is far more than the threads need to share work evenly.
const PASS: usize = 4096;

/// A BERT ready to run forward.
#[derive(Debug)]
pub struct Engine {
    kernel: Kernel,
    pool: rayon::ThreadPool,
    hidden: usize,
    vocab: usize,
    positions: usize,
    words: Table,
    places: Vec<f32>,
    layers: Layers,
    /// Working memory of passes that have ended: megabytes that need not be asked for again.
    idle: Mutex<Vec<Workspace>>,
}

#[derive(Debug)]
enum Layers {
    Float(layers::Layers),
    Half(half::Layers),
}

/// Working memory of one pass.
#[derive(Debug, Default)]
struct Workspace {
    /// `[tokens, hidden]`: in the end the states.
    x: Buffer,
    float: layers::Rows,
    half: half::Rows,
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
                Ok(Tensors {
                    joint: (weight, bias),
                    out: linear(&name("attention.output.dense"), h, h)?,
                    out_norm: norm(&name("attention.output.LayerNorm"))?,
                    up: linear(&name("intermediate.dense"), f, h)?,
                    down: linear(&name("output.dense"), h, f)?,
                    down_norm: norm(&name("output.LayerNorm"))?,
                })
            })
            .collect::<Result<_>>()?;
        let sizes = Sizes { hidden: h, heads: config.num_attention_heads, activation: config.hidden_act };
        let norm = norm(names::NORM)?;
        let layers = match kernel {
            Kernel::F32(isa) => Layers::Float(layers::Layers::new(None, isa, sizes, norm, layers)),
            Kernel::Int8(bytes, isa) => {
                Layers::Float(layers::Layers::new(Some(bytes), isa, sizes, norm, layers))
            }
            Kernel::Bf16(isa) => Layers::Half(half::Layers::new(isa, sizes, norm, layers)),
        };
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
            vocab: config.vocab_size,
            positions: config.max_position_embeddings,
            words: Table::new(get(names::WORD, &[config.vocab_size, h])?),
            places,
            layers,
            idle: Mutex::default(),
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
        let mut workspace =
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
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
            self.pass(batch, &mut workspace);
            let mut start = 0;
            for (i, ids) in batch.iter().enumerate() {
                let end = start + ids.as_ref().len() * self.hidden;
                take(done + i, &workspace.x[start..end]);
                start = end;
            }
            done += count;
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
        Ok(())
    }

    /// Leaves the last states of the sequences, one after the other, in the workspace.
    fn pass<T: AsRef<[u32]>>(&self, sequences: &[T], workspace: &mut Workspace) {
        let h = self.hidden;
        let total: usize = sequences.iter().map(|ids| ids.as_ref().len()).sum();
        let Workspace { x, float, half } = workspace;
        x.reserve(total * h);
        let mut spans = Vec::with_capacity(sequences.len());
        let mut rows = x.chunks_exact_mut(h);
        let mut start = 0;
        for ids in sequences {
            let ids = ids.as_ref();
            spans.push((start, ids.len()));
            start += ids.len();
            // The rows last: a zip asks its first side before it finds its second one at an end.
            for ((&id, place), row) in ids.iter().zip(self.places.chunks_exact(h)).zip(rows.by_ref()) {
                self.words.copy_row(id as usize, row);
                row.iter_mut().zip(place).for_each(|(x, p)| *x += p);
            }
        }
        // As many blocks for each thread as for any other.
        let threads = self.pool.current_num_threads();
        let block = |rows: usize| total.div_ceil(total.div_ceil(rows).next_multiple_of(threads)).max(1);
        self.pool.install(|| match &self.layers {
            Layers::Float(layers) => layers.run(x, &spans, block(BLOCK), float),
            Layers::Half(layers) => layers.run(x, &spans, block(HALF_BLOCK), half),
        });
    }
}
