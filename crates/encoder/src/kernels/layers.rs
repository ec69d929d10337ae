//! The layers of a BERT with f32 rows between products.

use super::attention::{self, Head};
use super::buffer::Buffer;
use super::half::{Sizes, Tensors};
use super::int8;
use super::int8::Int8Isa;
use super::linear::Linear;
use super::rows::{Norm, activate};
use super::simd::Isa;
use rayon::prelude::*;
use std::cell::RefCell;

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

/// Rows of a batch between phases.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Queries, keys and values: `[m, 3 * hidden]`.
    joint: Buffer,
    /// What attention gives: `[m, hidden]`.
    context: Buffer,
}

/// Packed layers.
#[derive(Debug)]
pub(super) struct Layers {
    isa: Isa,
    sizes: Sizes,
    norm: Norm,
    stack: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    joint: Linear,
    out: Linear,
    out_norm: Norm,
    up: Linear,
    inner: usize,
    down: Linear,
    down_norm: Norm,
}

impl Layers {
    /// Products in `bytes` if there is something to multiply them with. `norm` is that of the embeddings.
    pub fn new(bytes: Option<Int8Isa>, isa: Isa, sizes: Sizes, norm: Norm, layers: Vec<Tensors>) -> Self {
        let h = sizes.hidden;
        let stack = layers
            .into_iter()
            .map(|t| {
                let pack = |(weight, bias): &(Vec<f32>, Vec<f32>), k: usize| {
                    Linear::new(bytes, isa, weight, bias, bias.len(), k)
                };
                let inner = t.up.1.len();
                Layer {
                    joint: pack(&t.joint, h),
                    out: pack(&t.out, h),
                    out_norm: t.out_norm,
                    up: pack(&t.up, h),
                    inner,
                    down: pack(&t.down, inner),
                    down_norm: t.down_norm,
                }
            })
            .collect();
        Self { isa, sizes, norm, stack }
    }

    /// Runs all layers on `x` `[m, hidden]`, sums of embeddings of sequences that lie at `spans` (start and length),
    /// in blocks of `block` rows, and leaves the last states there. To be called in the pool that shall do it.
    pub fn run(&self, x: &mut [f32], spans: &[(usize, usize)], block: usize, rows: &mut Rows) {
        let h = self.sizes.hidden;
        rows.joint.reserve(3 * x.len());
        rows.context.reserve(x.len());
        let Rows { joint, context } = rows;
        x.par_chunks_mut(block * h).zip(joint.par_chunks_mut(block * 3 * h)).for_each(|(x, joint)| {
            self.norm.apply(self.isa, x);
            if let Some(first) = self.stack.first() {
                BLOCKS.with_borrow_mut(|blocks| first.joint.apply(x, joint, &mut blocks.bytes));
            }
        });
        for (index, layer) in self.stack.iter().enumerate() {
            self.attention(joint, context, spans);
            let next = self.stack.get(index + 1);
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
    }

    fn rest_of_layer(&self, layer: &Layer, x: &mut [f32], context: &[f32]) {
        let Sizes { hidden, activation, .. } = self.sizes;
        let rows = x.len() / hidden;
        BLOCKS.with_borrow_mut(|Blocks { narrow, wide, bytes }| {
            narrow.reserve(rows * hidden);
            wide.reserve(rows * layer.inner);
            layer.out.apply(context, narrow, bytes);
            layer.out_norm.add(self.isa, x, narrow);
            layer.up.apply(x, wide, bytes);
            activate(self.isa, activation, wide);
            layer.down.apply(wide, narrow, bytes);
            layer.down_norm.add(self.isa, x, narrow);
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

        let Sizes { hidden: h, heads, .. } = self.sizes;
        let size = h / heads;
        let rows = joint.len() / (3 * h);
        assert_eq!(context.len(), rows * h, "one context row for each token");
        assert!(spans.iter().all(|&(start, len)| start + len <= rows), "sequences lie within the rows");
        let context = Shared(context.as_mut_ptr());
        (0..spans.len() * heads).into_par_iter().for_each(|task| {
            let (start, len) = spans[task / heads];
            let head = task % heads;
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
                attention::attend(self.isa, head, scratch);
            });
        });
    }
}
