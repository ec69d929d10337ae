//! Attention of sequences that lie end to end, out of joint query-key-value rows and back into them.

use super::product::{Matrix, Target, multiply_small};
use super::rows;
use rayon::prelude::*;
use std::ops::Range;

/// Where the heads lie in joint rows `[tokens, 3 * heads * size]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heads {
    pub count: usize,
    pub size: usize,
}

impl Heads {
    fn hidden(self) -> usize {
        self.count * self.size
    }

    fn scale(self) -> f32 {
        1.0 / (self.size as f32).sqrt()
    }
}

/// Row ranges of sequences of these lengths.
pub(super) fn ranges(lengths: &[usize]) -> Vec<Range<usize>> {
    let mut end = 0;
    lengths
        .iter()
        .map(|&length| {
            end += length;
            end - length..end
        })
        .collect()
}

/// Sequences that are near each other in size side by side, one task each: rows of two never meet.
fn split<'a>(mut rest: &'a mut [f32], ranges: &[Range<usize>], width: usize) -> Vec<&'a mut [f32]> {
    ranges
        .iter()
        .map(|range| {
            let (part, after) = std::mem::take(&mut rest).split_at_mut(range.len() * width);
            rest = after;
            part
        })
        .collect()
}

/// `context[tokens, hidden]` from `joint[tokens, 3 * hidden]`.
pub(super) fn forward(heads: Heads, joint: &[f32], ranges: &[Range<usize>], context: &mut [f32]) {
    let hidden = heads.hidden();
    let parts = split(context, ranges, hidden);
    parts.into_par_iter().zip(ranges).for_each(|(context, range)| {
        let joint = &joint[range.start * 3 * hidden..range.end * 3 * hidden];
        let length = range.len();
        let mut scores = vec![0.0; length * length];
        let mut inverse = vec![0.0; length];
        for head in 0..heads.count {
            probabilities(heads, joint, head, length, &mut scores, &mut inverse);
            let value = view(joint, heads, head, 2);
            let out = &mut context[head * heads.size..];
            let target = Target { data: out, stride: hidden, add: false };
            multiply_small(Matrix::rows(&scores, length), value, length, heads.size, length, target);
            rows::scale_rows(&mut context[head * heads.size..], hidden, heads.size, &inverse);
        }
    });
}

/// `e^(score - highest)` of one head and one over each row's sum.
fn probabilities(
    heads: Heads,
    joint: &[f32],
    head: usize,
    length: usize,
    scores: &mut [f32],
    inverse: &mut [f32],
) {
    let (query, key) = (view(joint, heads, head, 0), view(joint, heads, head, 1));
    let turned = Matrix { data: key.data, row: key.column, column: key.row };
    let target = Target { data: scores, stride: length, add: false };
    multiply_small(query, turned, length, length, heads.size, target);
    rows::exponentials(scores, length, length, heads.scale(), inverse);
}

/// Queries (0), keys (1) or values (2) of one head.
fn view(joint: &[f32], heads: Heads, head: usize, part: usize) -> Matrix<'_> {
    let hidden = heads.hidden();
    Matrix { data: &joint[part * hidden + head * heads.size..], row: 3 * hidden, column: 1 }
}

/// Way back: gradient of `joint` from that of `context`. Probabilities are computed again: reading them back
/// from memory would take longer.
pub(super) fn backward(
    heads: Heads,
    joint: &[f32],
    gradient: &[f32],
    ranges: &[Range<usize>],
    out: &mut [f32],
) {
    let hidden = heads.hidden();
    let size = heads.size;
    let parts = split(out, ranges, 3 * hidden);
    parts.into_par_iter().zip(ranges).for_each(|(out, range)| {
        let joint = &joint[range.start * 3 * hidden..range.end * 3 * hidden];
        let gradient = &gradient[range.start * hidden..range.end * hidden];
        let length = range.len();
        let mut e = vec![0.0; length * length];
        let mut d = vec![0.0; length * length];
        let mut inverse = vec![0.0; length];
        for head in 0..heads.count {
            probabilities(heads, joint, head, length, &mut e, &mut inverse);
            let above = Matrix { data: &gradient[head * size..], row: hidden, column: 1 };
            let value = view(joint, heads, head, 2);
            let turned = Matrix { data: value.data, row: 1, column: value.row };
            let target = Target { data: &mut d, stride: length, add: false };
            multiply_small(above, turned, length, length, size, target);
            rows::softmax_back(&mut e, &mut d, length, length, heads.scale(), &inverse);
            let (query, key) = (view(joint, heads, head, 0), view(joint, heads, head, 1));
            let mut to = |part: usize, a: Matrix<'_>, b: Matrix<'_>| {
                let data = &mut out[part * hidden + head * size..];
                multiply_small(a, b, length, size, length, Target { data, stride: 3 * hidden, add: false });
            };
            to(0, Matrix::rows(&d, length), key);
            to(1, Matrix::columns(&d, length), query);
            to(2, Matrix::columns(&e, length), above);
        }
    });
}
