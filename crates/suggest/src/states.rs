//! One pass of the encoder over a note, and vectors of spans out of it.

use std::ops::Range;

use overread_encoder::{Encode, TokenStates};

use crate::SuggestError;
use crate::note::Doc;
use crate::plan::{Limits, Plan, plan_doc};

/// Token states of the beginning of a note.
#[derive(Debug)]
pub(crate) struct States {
    pub states: TokenStates,
    /// Byte up to which there are states.
    pub until: usize,
}

impl States {
    /// Encodes up to `limit` word pieces of a note, window by window as [`crate::plan`] has it.
    pub fn new(encoder: &dyn Encode, doc: &Doc<'_>, limit: usize) -> Result<Self, SuggestError> {
        let limits = Limits { window: encoder.window(), tokens: limit, bytes: doc.text.len() };
        let Plan { tokens, windows, until } = plan_doc(encoder.tokenizer(), doc, limits)?;
        let states = if tokens.is_empty() {
            TokenStates { tokens, states: Vec::new(), hidden: encoder.hidden() }
        } else {
            encoder.states_in(tokens, windows)?
        };
        Ok(Self { states, until })
    }

    /// Tokens of the words in `bytes`; none beyond what was read.
    pub fn tokens(&self, bytes: &Range<usize>) -> Range<usize> {
        self.states.tokens.overlapping(bytes.clone())
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
