//! The layers of a BERT in bfloat16.

use super::attention::{Head, Scratch};
use super::linear::Packed;
use super::rows::{Gelu, GeluNew, Nothing, Relu, add_norm};
use super::{Half, HalfIsa, HalfJob, TILE};
use crate::config::Activation;
use crate::kernels::buffer::Buffer;
use crate::kernels::rows::Norm;
use rayon::prelude::*;
use std::cell::RefCell;

thread_local! {
    static ATTENTION: RefCell<Scratch> = RefCell::default();
    static BLOCKS: RefCell<Blocks> = RefCell::default();
}

/// Working memory of one thread for a block of rows.
#[derive(Default)]
struct Blocks {
    narrow: Buffer,
    wide: Buffer<u16>,
}

/// Widths that all layers share.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernels) struct Sizes {
    pub hidden: usize,
    pub heads: usize,
    pub activation: Activation,
}

/// Rows of a batch between phases.
#[derive(Debug, Default)]
pub(in crate::kernels) struct Rows {
    /// The residual stream, rounded: `[m, hidden]` padded.
    x: Buffer<u16>,
    /// Queries, keys and values: `[m, 3 * hidden]` padded.
    joint: Buffer<u16>,
    /// What attention gives: `[m, hidden]` padded.
    context: Buffer<u16>,
}

/// Packed layers.
#[derive(Debug)]
pub(in crate::kernels) struct Layers {
    isa: HalfIsa,
    sizes: Sizes,
    norm: Norm,
    /// As many zeros as the widest row, for where there is no bias.
    zeros: Buffer,
    stack: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    joint: Packed,
    out: Packed,
    out_norm: Norm,
    up: Packed,
    down: Packed,
    down_norm: Norm,
}

/// A layer's weights `[n, k]` and biases `[n]`.
pub(in crate::kernels) type Linear = (Vec<f32>, Vec<f32>);

/// A layer's tensors: queries (scaled by one over the square root of a head's size), keys and values in one; the
/// projection after attention; the two of the feed-forward part.
pub(in crate::kernels) struct Tensors {
    pub joint: Linear,
    pub out: Linear,
    pub out_norm: Norm,
    pub up: Linear,
    pub down: Linear,
    pub down_norm: Norm,
}

impl Layers {
    /// `norm` is that of the embeddings.
    pub fn new(isa: HalfIsa, sizes: Sizes, norm: Norm, layers: Vec<Tensors>) -> Self {
        let h = sizes.hidden;
        let pack = |(weight, bias): &Linear, k: usize| Packed::new(weight, bias, bias.len(), k);
        let stack: Vec<Layer> = layers
            .into_iter()
            .map(|mut t| {
                // Scores in powers of two: the exponential then needs no multiplication.
                let (weight, bias) = &mut t.joint;
                for v in weight[..h * h].iter_mut().chain(&mut bias[..h]) {
                    *v *= std::f32::consts::LOG2_E;
                }
                let inner = t.up.1.len();
                Layer {
                    joint: pack(&t.joint, h),
                    out: pack(&t.out, h),
                    out_norm: t.out_norm,
                    up: pack(&t.up, h),
                    down: pack(&t.down, inner),
                    down_norm: t.down_norm,
                }
            })
            .collect();
        for layer in &stack {
            assert_eq!(
                (layer.out.np, layer.joint.kp),
                (layer.up.kp, layer.down.np),
                "rows are as wide as hidden"
            );
            assert_eq!(layer.up.np, layer.down.kp, "both sides of the feed-forward part are as wide");
        }
        Self { isa, sizes, norm, zeros: Buffer::zeros(h), stack }
    }

    /// Runs all layers on `x` `[m, hidden]`, sums of embeddings of sequences that lie at `spans` (start and length),
    /// in blocks of about `block` rows, and leaves the last states there. To be called in the pool that shall do it.
    pub fn run(&self, x: &mut [f32], spans: &[(usize, usize)], block: usize, rows: &mut Rows) {
        let h = self.sizes.hidden;
        let m = x.len() / h;
        assert_eq!(x.len(), m * h, "x is [m, hidden]");
        assert!(
            spans.iter().all(|&(start, len)| len > 0 && start + len <= m),
            "sequences lie within the rows"
        );
        // Blocks of whole tiles: none reads what another writes.
        let block = block.next_multiple_of(TILE);
        let padded = m.next_multiple_of(TILE);
        let wide = h.next_multiple_of(TILE);
        let joint = self.stack.first().map_or(wide, |layer| layer.joint.np);
        rows.x.reserve(padded * wide);
        rows.context.reserve(padded * wide);
        // Heads of the last sequence read whole tiles: rows beyond its end, and columns beyond the last row's.
        rows.joint.reserve((padded + 2 * TILE) * joint);
        let Rows { x: rounded, joint: joints, context } = rows;
        x.par_chunks_mut(block * h)
            .zip(rounded.par_chunks_mut(block * wide))
            .zip(joints.par_chunks_mut(block * joint))
            .for_each(|((x, rounded), joint)| {
                let next = self.stack.first().map(|layer| (&layer.joint, joint));
                // SAFETY: blocks are of whole tiles but for the end of `x`, so that the others hold its rows and
                // up to the next multiple of 32; widths are those of the packed layers, see `new`.
                unsafe { self.isa.dispatch(Start { layers: self, x, rounded, next }) }
            });
        for (index, layer) in self.stack.iter().enumerate() {
            self.attention(joints, joint, context, wide, spans);
            x.par_chunks_mut(block * h)
                .zip(rounded.par_chunks_mut(block * wide))
                .zip(context.par_chunks(block * wide))
                .zip(joints.par_chunks_mut(block * joint))
                .for_each(|(((x, rounded), context), joint)| {
                    let next = self.stack.get(index + 1).map(|layer| (&layer.joint, joint));
                    BLOCKS.with_borrow_mut(|blocks| {
                        let rest = Rest { layers: self, layer, x, rounded, context, next, blocks };
                        // SAFETY: as above.
                        unsafe { self.isa.dispatch(rest) }
                    });
                });
        }
    }

    fn attention(
        &self,
        joints: &[u16],
        stride: usize,
        context: &mut [u16],
        wide: usize,
        spans: &[(usize, usize)],
    ) {
        let Sizes { hidden, heads, .. } = self.sizes;
        let size = hidden / heads;
        let context = Shared(context.as_mut_ptr());
        let tasks = spans.len() * heads;
        // Short sequences in bunches: a task of their own would cost more than they do.
        let tokens: usize = spans.iter().map(|&(_, len)| len).sum();
        let bunch = (256 * spans.len() / tokens.max(1)).clamp(1, tasks.div_ceil(16).max(1));
        (0..tasks.div_ceil(bunch)).into_par_iter().for_each(|task| {
            let tasks = task * bunch..tasks.min((task + 1) * bunch);
            ATTENTION.with_borrow_mut(|scratch| {
                let heads = tasks.map(|task| {
                    let (start, len) = spans[task / heads];
                    let head = task % heads;
                    Head {
                        query: joints[start * stride + head * size..].as_ptr(),
                        stride,
                        hidden,
                        out: context.at(start * wide + head * size),
                        out_stride: wide,
                        len,
                        size,
                    }
                });
                // SAFETY: sequences lie within the rows, of which `joints` has two tiles more than `m` and `context`
                // no fewer; each has heads * size = hidden columns, three times that in `joints`; see `Shared` for
                // the writes.
                unsafe { self.isa.dispatch(Attention { heads, scratch }) }
            });
        });
    }
}

struct Shared(*mut u16);
// SAFETY: each task writes its own sequences' rows in its own heads' columns, so no value is written by two, and the
// rows are not read until all have ended.
unsafe impl Sync for Shared {}
impl Shared {
    fn at(&self, offset: usize) -> *mut u16 {
        self.0.wrapping_add(offset)
    }
}

struct Attention<'a, I> {
    heads: I,
    scratch: &'a mut Scratch,
}

impl<I: Iterator<Item = Head>> HalfJob for Attention<'_, I> {
    #[inline(always)]
    unsafe fn run<H: Half>(self) {
        let _guard = H::begin();
        for head in self.heads {
            head.attend::<H>(self.scratch);
        }
    }
}

/// A block's embeddings, and queries, keys and values of the first layer.
struct Start<'a> {
    layers: &'a Layers,
    x: &'a mut [f32],
    rounded: &'a mut [u16],
    next: Option<(&'a Packed, &'a mut [u16])>,
}

impl HalfJob for Start<'_> {
    #[inline(always)]
    unsafe fn run<H: Half>(self) {
        let h = self.layers.sizes.hidden;
        let wide = h.next_multiple_of(TILE);
        let zeros = self.layers.zeros.as_ptr();
        for (x, rounded) in self.x.chunks_exact_mut(h).zip(self.rounded.chunks_exact_mut(wide)) {
            add_norm::<H>(&self.layers.norm, x.as_mut_ptr(), zeros, zeros, rounded.as_mut_ptr(), wide);
        }
        if let Some((packed, joint)) = self.next {
            let _guard = H::begin();
            packed.rounded::<H, Nothing>(self.rounded.as_ptr(), self.x.len() / h, joint.as_mut_ptr());
        }
    }
}

/// What follows attention in a layer for a block, and queries, keys and values of the next.
struct Rest<'a> {
    layers: &'a Layers,
    layer: &'a Layer,
    x: &'a mut [f32],
    rounded: &'a mut [u16],
    context: &'a [u16],
    next: Option<(&'a Packed, &'a mut [u16])>,
    blocks: &'a mut Blocks,
}

impl HalfJob for Rest<'_> {
    #[inline(always)]
    unsafe fn run<H: Half>(self) {
        let Self { layers, layer, x, rounded, context, next, blocks } = self;
        let h = layers.sizes.hidden;
        let m = x.len() / h;
        let padded = m.next_multiple_of(TILE);
        let (width, inner) = (layer.out.np, layer.up.np);
        blocks.narrow.reserve(padded * width);
        blocks.wide.reserve(padded * inner);
        let narrow = blocks.narrow.as_mut_ptr();
        let wide = blocks.wide.as_mut_ptr();
        let rounded = rounded.as_mut_ptr();
        let _guard = H::begin();
        layer.out.sums::<H>(context.as_ptr(), m, narrow);
        for (i, x) in x.chunks_exact_mut(h).enumerate() {
            let (y, to) = (narrow.add(i * width), rounded.add(i * width));
            add_norm::<H>(&layer.out_norm, x.as_mut_ptr(), y, layer.out.bias.as_ptr(), to, width);
        }
        match layers.sizes.activation {
            Activation::Gelu => layer.up.rounded::<H, Gelu>(rounded, m, wide),
            Activation::GeluNew => layer.up.rounded::<H, GeluNew>(rounded, m, wide),
            Activation::Relu => layer.up.rounded::<H, Relu>(rounded, m, wide),
        }
        layer.down.sums::<H>(wide, m, narrow);
        for (i, x) in x.chunks_exact_mut(h).enumerate() {
            let (y, to) = (narrow.add(i * width), rounded.add(i * width));
            add_norm::<H>(&layer.down_norm, x.as_mut_ptr(), y, layer.down.bias.as_ptr(), to, width);
        }
        if let Some((packed, joint)) = next {
            packed.rounded::<H, Nothing>(rounded, m, joint.as_mut_ptr());
        }
    }
}
