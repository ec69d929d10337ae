//! Attention of one head over one sequence, straight out of the joint query-key-value rows.

use super::buffer::Buffer;
use super::gemm::Product;
use super::rows::exponentials;
use super::simd::{Isa, Job, Simd};

/// Working memory of one thread.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    keys: Buffer,
    values: Buffer,
    scores: Buffer,
}

/// One head of one sequence.
#[derive(Clone, Copy)]
pub(super) struct Head {
    /// Query of the first token; keys and values lie `hidden` and `2 * hidden` floats further. Queries are
    /// already divided by the square root of `size`.
    pub query: *const f32,
    /// Floats from one token's query to the next one's (`3 * hidden`).
    pub stride: usize,
    /// Where the first token's `size` results go.
    pub out: *mut f32,
    /// Floats from one token's results to the next one's.
    pub hidden: usize,
    /// Tokens.
    pub len: usize,
    /// Floats of a head.
    pub size: usize,
}

/// # Safety
/// `head.query` is valid for `len` rows of `stride` floats as described, `head.out` for writing `size` floats
/// in each of `len` rows that no other thread touches.
pub(super) unsafe fn attend(isa: Isa, head: Head, scratch: &mut Scratch) {
    isa.dispatch(Attend { head, scratch });
}

struct Attend<'a> {
    head: Head,
    scratch: &'a mut Scratch,
}

impl Job for Attend<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Head { query, stride, out, hidden, len, size } = self.head;
        let (key, value) = (query.add(hidden), query.add(2 * hidden));
        let width = S::NR;
        // Keys become the columns of panels [size][NR], values the rows of panels [len][NR].
        let key_panels = len.div_ceil(width);
        let value_panels = size.div_ceil(width);
        let padded = key_panels * width;
        let block = 2 * S::MR;
        self.scratch.keys.reserve(padded * size);
        self.scratch.values.reserve(value_panels * width * len);
        self.scratch.scores.reserve(block * padded);
        let keys = self.scratch.keys.as_mut_ptr();
        let values = self.scratch.values.as_mut_ptr();
        let scores = self.scratch.scores.as_mut_ptr();
        let zeros = [0.0f32; 32];

        for j in 0..padded {
            let panel = keys.add((j / width) * width * size + j % width);
            for d in 0..size {
                *panel.add(d * width) = if j < len { *key.add(j * stride + d) } else { 0.0 };
            }
        }
        for p in 0..value_panels {
            let used = (size - p * width).min(width);
            for j in 0..len {
                let row = values.add((p * len + j) * width);
                std::ptr::copy_nonoverlapping(value.add(j * stride + p * width), row, used);
                // The scratch is shared by shapes: a stale NaN times nothing would still be stored nowhere,
                // but it would slow the product down.
                for d in used..width {
                    *row.add(d) = 0.0;
                }
            }
        }

        let mut inverse = [0.0f32; 32];
        let mut first = 0;
        while first < len {
            let rows = block.min(len - first);
            Product {
                a: query.add(first * stride),
                lda: stride,
                panels: keys,
                init: zeros.as_ptr(),
                init_step: 0,
                c: scores,
                ldc: padded,
                m: rows,
                n: padded,
                k: size,
            }
            .run::<S>();
            for (i, inverse) in inverse.iter_mut().enumerate().take(rows) {
                *inverse = exponentials::<S>(scores.add(i * padded), len);
            }
            let target = out.add(first * hidden);
            Product {
                a: scores,
                lda: padded,
                panels: values,
                init: zeros.as_ptr(),
                init_step: 0,
                c: target,
                ldc: hidden,
                m: rows,
                n: size,
                k: len,
            }
            .run::<S>();
            for (i, inverse) in inverse.iter().enumerate().take(rows) {
                for d in 0..size {
                    *target.add(i * hidden + d) *= inverse;
                }
            }
            first += rows;
        }
    }
}
