//! Work on rows of `[rows, width]` matrices, forward and backward. One thread each; callers split rows.

use super::numbers::{self, exp, random_bits, vectorized};
use crate::config::Activation;

vectorized! {
    /// Adds `bias` to every row of `x`.
    pub(super) fn add_bias(x: &'a mut [f32], bias: &'a [f32]) {
        for row in x.chunks_exact_mut(bias.len()) {
            for (x, b) in row.iter_mut().zip(bias) {
                *x += b;
            }
        }
    }
}

vectorized! {
    /// `x += y`.
    pub(super) fn add(x: &'a mut [f32], y: &'a [f32]) {
        for (x, y) in x.iter_mut().zip(y) {
            *x += y;
        }
    }
}

vectorized! {
    /// Adds the sum of the rows of `x` to `total`.
    pub(super) fn add_columns(x: &'a [f32], total: &'a mut [f32]) {
        for row in x.chunks_exact(total.len()) {
            for (t, x) in total.iter_mut().zip(row) {
                *t += x;
            }
        }
    }
}

vectorized! {
    /// `out = activation(x)`.
    pub(super) fn activate(kind: Activation, x: &'a [f32], out: &'a mut [f32]) {
        match kind {
            Activation::Gelu => x.iter().zip(out).for_each(|(&x, o)| *o = numbers::activation(Activation::Gelu, x).0),
            Activation::GeluNew => {
                x.iter().zip(out).for_each(|(&x, o)| *o = numbers::activation(Activation::GeluNew, x).0);
            }
            Activation::Relu => x.iter().zip(out).for_each(|(&x, o)| *o = numbers::activation(Activation::Relu, x).0),
        }
    }
}

vectorized! {
    /// `gradient *= activation'(x)`.
    pub(super) fn activate_back(kind: Activation, x: &'a [f32], gradient: &'a mut [f32]) {
        match kind {
            Activation::Gelu => {
                x.iter().zip(gradient).for_each(|(&x, g)| *g *= numbers::activation(Activation::Gelu, x).1);
            }
            Activation::GeluNew => {
                x.iter().zip(gradient).for_each(|(&x, g)| *g *= numbers::activation(Activation::GeluNew, x).1);
            }
            Activation::Relu => {
                x.iter().zip(gradient).for_each(|(&x, g)| *g *= numbers::activation(Activation::Relu, x).1);
            }
        }
    }
}

vectorized! {
    /// `gradient *= activation'(x)` and `value = activation(x)`, which share most of their work.
    pub(super) fn activate_both(kind: Activation, x: &'a [f32], gradient: &'a mut [f32], value: &'a mut [f32]) {
        let rows = x.iter().zip(gradient).zip(value);
        match kind {
            Activation::Gelu => rows.for_each(|((&x, g), v)| back(Activation::Gelu, x, g, v)),
            Activation::GeluNew => rows.for_each(|((&x, g), v)| back(Activation::GeluNew, x, g, v)),
            Activation::Relu => rows.for_each(|((&x, g), v)| back(Activation::Relu, x, g, v)),
        }
    }
}

#[inline(always)]
fn back(kind: Activation, x: f32, gradient: &mut f32, value: &mut f32) {
    let (y, slope) = numbers::activation(kind, x);
    *value = y;
    *gradient *= slope;
}

vectorized! {
    /// Layer normalisation: `out = centred * scale + shift`, where `centred` (kept for the way back, like one over
    /// the deviation of each row) has mean 0 and deviation 1. `x` and `centred` may not be the same.
    pub(super) fn norm(
        x: &'a [f32],
        scale: &'a [f32],
        shift: &'a [f32],
        eps: f32,
        centred: &'a mut [f32],
        inverse: &'a mut [f32],
        out: &'a mut [f32],
    ) {
        let n = scale.len();
        let rows = x.chunks_exact(n).zip(centred.chunks_exact_mut(n)).zip(out.chunks_exact_mut(n));
        for (((x, centred), out), inverse) in rows.zip(inverse) {
            let mean = numbers::sum(x, |v| v) / n as f32;
            // Two passes for the variance: the difference of mean squares would cancel.
            let variance = numbers::sum(x, |v| (v - mean) * (v - mean)) / n as f32;
            *inverse = 1.0 / (variance + eps).sqrt();
            for i in 0..n {
                centred[i] = (x[i] - mean) * *inverse;
                out[i] = centred[i] * scale[i] + shift[i];
            }
        }
    }
}

vectorized! {
    /// Way back of [`norm`]: replaces `gradient` of the output by that of `x`, adds those of scale and shift.
    pub(super) fn norm_back(
        gradient: &'a mut [f32],
        centred: &'a [f32],
        inverse: &'a [f32],
        scale: &'a [f32],
        scale_sum: &'a mut [f32],
        shift_sum: &'a mut [f32],
    ) {
        let n = scale.len();
        let (scale_sum, shift_sum) = (&mut scale_sum[..n], &mut shift_sum[..n]);
        for ((g, c), &inverse) in gradient.chunks_exact_mut(n).zip(centred.chunks_exact(n)).zip(inverse) {
            for i in 0..n {
                scale_sum[i] += g[i] * c[i];
                shift_sum[i] += g[i];
                g[i] *= scale[i];
            }
            let (mean, slope) = numbers::sums2(g, c, |g, c| (g, g * c));
            let (mean, slope) = (mean / n as f32, slope / n as f32);
            for i in 0..n {
                g[i] = inverse * (g[i] - mean - c[i] * slope);
            }
        }
    }
}

vectorized! {
    /// Rows of `width` scores, of which the first `used` count: each becomes `e^(scale * (score - highest))`, and
    /// `inverse` one over the row's sum.
    pub(super) fn exponentials(scores: &'a mut [f32], width: usize, used: usize, scale: f32, inverse: &'a mut [f32]) {
        for (row, inverse) in scores.chunks_exact_mut(width).zip(inverse) {
            let row = &mut row[..used];
            let highest = numbers::highest(row);
            for s in row.iter_mut() {
                *s = exp(scale * (*s - highest));
            }
            *inverse = 1.0 / numbers::sum(row, |v| v);
        }
    }
}

vectorized! {
    /// Way back of softmax: from unscaled exponentials `e` and gradients `d` of the probabilities, the
    /// probabilities (in `e`) and the gradients of the scores (in `d`).
    pub(super) fn softmax_back(e: &'a mut [f32], d: &'a mut [f32], width: usize, used: usize, scale: f32, inverse: &'a [f32]) {
        for ((e, d), &inverse) in e.chunks_exact_mut(width).zip(d.chunks_exact_mut(width)).zip(inverse) {
            let (e, d) = (&mut e[..used], &mut d[..used]);
            let (mean, _) = numbers::sums2(e, d, |e, d| (e * d, 0.0));
            let mean = mean * inverse;
            for (e, d) in e.iter_mut().zip(d.iter_mut()) {
                *e *= inverse;
                *d = *e * (*d - mean) * scale;
            }
        }
    }
}

vectorized! {
    /// Multiplies each row of `size` floats, `stride` apart, by its factor.
    pub(super) fn scale_rows(x: &'a mut [f32], stride: usize, size: usize, factors: &'a [f32]) {
        for (row, &factor) in x.chunks_mut(stride).zip(factors) {
            for x in &mut row[..size] {
                *x *= factor;
            }
        }
    }
}

vectorized! {
    /// Dropout: elements whose random number (element `first + i` of the stream `key`) lies below `probability`
    /// become zero, the others grow so that the expectation stays. Its own way back.
    pub(super) fn drop_out(x: &'a mut [f32], key: u64, first: u64, probability: f32) {
        let keep = 1.0 / (1.0 - probability);
        // 24 bits: what an f32 holds exactly.
        let bar = (probability * (1 << 24) as f32) as u32;
        for (i, x) in x.iter_mut().enumerate() {
            let kept = random_bits(key, first + i as u64) >> 8 >= bar;
            *x = if kept { *x * keep } else { 0.0 };
        }
    }
}
