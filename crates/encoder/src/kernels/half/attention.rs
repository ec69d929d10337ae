//! Attention of one head over one sequence, in bfloat16 with f32 scores.

use super::{Half, TILE, rows};
use crate::kernels::buffer::{Buffer, Sums};
use crate::kernels::simd::Simd;

/// Working memory of one thread.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    keys: Buffer<u16>,
    values: Buffer<u16>,
    scores: Buffer,
    weights: Buffer<u16>,
}

/// One head of one sequence.
#[derive(Clone, Copy)]
pub(super) struct Head {
    /// Query of the first token; keys and values lie `hidden` and `2 * hidden` further. Queries are already scaled
    /// so that scores are powers of two.
    pub query: *const u16,
    /// From one token's query to the next one's.
    pub stride: usize,
    pub hidden: usize,
    /// Where the first token's `size` results go.
    pub out: *mut u16,
    /// From one token's results to the next one's.
    pub out_stride: usize,
    /// Tokens, at least 1.
    pub len: usize,
    /// Values of a head, at least 1.
    pub size: usize,
}

impl Head {
    /// # Safety
    /// `query` is valid for reading `len` rows as described, and beyond: rows up to the next multiple of 32, and in
    /// each row queries, keys and values up to the next multiple of 32 of `size`. `out` is valid for writing `size`
    /// values in each of `len` rows that no other thread touches. `H` has begun.
    #[inline(always)]
    pub unsafe fn attend<H: Half>(self, scratch: &mut Scratch) {
        let Self { query, stride, hidden, out, out_stride, len, size } = self;
        let padded = len.next_multiple_of(TILE);
        let deep = size.next_multiple_of(TILE);
        scratch.keys.reserve(padded * deep);
        scratch.values.reserve(padded * deep);
        scratch.scores.reserve(TILE * padded);
        scratch.weights.reserve(TILE * padded);
        let keys = scratch.keys.as_mut_ptr();
        let values = scratch.values.as_mut_ptr();
        let scores = scratch.scores.as_mut_ptr();
        let weights = scratch.weights.as_mut_ptr();
        self.pack_keys::<H>(query.add(hidden), keys, padded, deep);
        self.pack_values::<H>(query.add(2 * hidden), values, padded, deep);

        let lanes = H::F::LANES;
        let mut sums = Sums::<f32>::zeros();
        let mut inverse = [0.0f32; TILE];
        for first in (0..len).step_by(TILE) {
            let rows = (len - first).min(TILE);
            let query = query.add(first * stride);
            for j in (0..padded).step_by(TILE) {
                let panel = keys.add(j * deep);
                H::multiply(query, stride, panel, deep / TILE, rows, scores.add(j), padded, false, panel);
            }
            for (r, inverse) in inverse.iter_mut().enumerate().take(rows) {
                *inverse = rows::weights::<H>(scores.add(r * padded), len, weights.add(r * padded), padded);
            }
            for j in (0..size).step_by(TILE) {
                let panel = values.add(j * padded);
                H::multiply(weights, padded, panel, padded / TILE, rows, sums.at(0), TILE, false, panel);
                let width = (size - j).min(TILE);
                for (r, inverse) in inverse.iter().enumerate().take(rows) {
                    let inverse = H::F::splat(*inverse);
                    let sums = sums.at(r);
                    let out = out.add((first + r) * out_stride + j);
                    let mut rounded = [0u16; TILE];
                    // A head's last values may have another head's next to them.
                    let to = if width == TILE { out } else { rounded.as_mut_ptr() };
                    for v in (0..TILE).step_by(lanes) {
                        H::store(to.add(v), H::F::mul(H::F::load(sums.add(v)), inverse));
                    }
                    if width < TILE {
                        std::ptr::copy_nonoverlapping(rounded.as_ptr(), out, width);
                    }
                }
            }
        }
    }

    /// Keys as columns of panels of 32 tokens, `[deep / 2][32][2]`. What lies beyond `size` is zero, columns beyond
    /// `len` hold anything.
    #[expect(
        clippy::cast_ptr_alignment,
        reason = "panels lie on lines, and what is read need not be aligned"
    )]
    #[inline(always)]
    unsafe fn pack_keys<H: Half>(self, key: *const u16, keys: *mut u16, padded: usize, deep: usize) {
        for first in (0..padded).step_by(TILE) {
            let panel = keys.add(first * deep).cast::<u32>();
            for half in (0..TILE).step_by(16).take_while(|half| first + half < self.len) {
                let key = key.add((first + half) * self.stride);
                if deep == self.size && self.stride.is_multiple_of(2) {
                    for d in (0..deep / 2).step_by(16) {
                        let from = key.cast::<u32>().add(d);
                        H::transpose(from, self.stride / 2, panel.add(d * TILE + half), TILE);
                    }
                } else {
                    for token in 0..16 {
                        let key = key.add(token * self.stride);
                        for pair in 0..deep / 2 {
                            let value = |d: usize| if d < self.size { u32::from(*key.add(d)) } else { 0 };
                            let both = value(2 * pair) | value(2 * pair + 1) << 16;
                            *panel.add(pair * TILE + half + token) = both;
                        }
                    }
                }
            }
        }
    }

    /// Values as panels of 32 columns, `[padded / 2][32][2]`, rows beyond `len` zero.
    #[inline(always)]
    unsafe fn pack_values<H: Half>(self, value: *const u16, values: *mut u16, padded: usize, deep: usize) {
        let zeros = [0u16; TILE];
        for column in (0..deep).step_by(TILE) {
            let panel = values.add(column * padded);
            for pair in 0..padded / 2 {
                let row = |j: usize| {
                    if j < self.len { value.add(j * self.stride + column) } else { zeros.as_ptr() }
                };
                H::interleave(row(2 * pair), row(2 * pair + 1), panel.add(pair * TILE * 2));
            }
        }
    }
}
