//! How the learning rate goes over a run.

use std::f64::consts::PI;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Decay {
    None,
    Linear,
    Cosine,
}

/// A factor between 0 and 1 for each step: a linear rise over the first steps, then a decay towards 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    warmup: usize,
    total: usize,
    decay: Decay,
}

impl Schedule {
    /// Always the same after the rise.
    pub fn constant(warmup: usize) -> Self {
        Self { warmup, total: usize::MAX, decay: Decay::None }
    }

    /// Down to 0 in a straight line, which step `total` would reach.
    pub fn linear(warmup: usize, total: usize) -> Self {
        Self { warmup, total, decay: Decay::Linear }
    }

    /// Down to 0 by half a cosine. Loshchilov and Hutter 2017, <https://arxiv.org/abs/1608.03983>.
    pub fn cosine(warmup: usize, total: usize) -> Self {
        Self { warmup, total, decay: Decay::Cosine }
    }

    /// Factor of step `step`, which counts from 0: the first step of a rise over `n` has `1 / n`.
    pub fn factor(&self, step: usize) -> f32 {
        if step < self.warmup {
            return ((step + 1) as f64 / self.warmup as f64) as f32;
        }
        if step >= self.total {
            return 0.0;
        }
        let done = (step - self.warmup) as f64 / (self.total - self.warmup).max(1) as f64;
        let factor = match self.decay {
            Decay::None => 1.0,
            Decay::Linear => 1.0 - done,
            Decay::Cosine => 0.5 * (1.0 + (PI * done).cos()),
        };
        factor as f32
    }
}
