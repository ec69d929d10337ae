//! One pass of the encoder over a note, and vectors of spans out of it.

use std::ops::Range;

use overread_encoder::{Encode, TokenStates, Tokens, plan_windows};

use crate::SuggestError;

/// Tokens that neighbouring windows share.
const OVERLAP: usize = 32;

/// Token states of the beginning of a note.
#[derive(Debug)]
pub(crate) struct States {
    states: TokenStates,
    /// Byte up to which there are states.
    pub until: usize,
}

impl States {
    /// Encodes up to `limit` word pieces of `text`.
    pub fn new(encoder: &dyn Encode, text: &str, limit: usize) -> Result<Self, SuggestError> {
        // The tokenizer need not see megabytes of which the transformer reads the beginning only.
        let mut end = text.len().min(limit.saturating_mul(12));
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut tokens = encoder.tokenizer().encode(&text[..end])?;
        let mut until = end;
        if tokens.len() > limit {
            until = tokens.offsets[limit].0;
            tokens = Tokens {
                ids: tokens.ids[..limit].to_vec(),
                offsets: tokens.offsets[..limit].to_vec(),
                words: tokens.words[..limit].to_vec(),
            };
        }
        let windows = plan_windows(tokens.len(), encoder.window(), OVERLAP);
        let states = if tokens.is_empty() {
            TokenStates { tokens, states: Vec::new(), hidden: encoder.hidden() }
        } else {
            encoder.states_in(tokens, windows)?
        };
        Ok(Self { states, until })
    }

    /// Mean of the states in `bytes`, scaled to length 1; zeros where there are none.
    pub fn mean(&self, bytes: Range<usize>) -> Vec<f32> {
        let mut sum = vec![0.0f32; self.states.hidden];
        for token in self.states.tokens.overlapping(bytes) {
            for (s, x) in sum.iter_mut().zip(self.states.row(token)) {
                *s += x;
            }
        }
        normalise(&mut sum);
        sum
    }
}

pub(crate) fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        for x in vector {
            *x /= length;
        }
    }
}

/// Eight sums side by side, so that the compiler may use vectors; the order is fixed, so equal input gives equal output.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a.zip(b) {
        for i in 0..8 {
            sums[i] += x[i] * y[i];
        }
    }
    sums.iter().sum::<f32>() + rest
}
