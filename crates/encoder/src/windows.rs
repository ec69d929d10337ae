//! Cutting a long text into windows that the model has positions for, and joining their states again.

use crate::error::{Error, Result};
use crate::tokenizer::Tokens;
use std::ops::Range;

/// A run of tokens that is encoded together, with an optional text in front that gives context (a section's
/// header) but gets no states of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Indices into [`Tokens`].
    pub range: Range<usize>,
    /// Word pieces set between `[CLS]` and the tokens; cut at the end where the window has no room for them.
    pub prefix: Vec<u32>,
}

impl Window {
    /// A window without prefix.
    pub fn new(range: Range<usize>) -> Self {
        Self { range, prefix: Vec::new() }
    }
}

/// Token states of one text.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenStates {
    /// The word pieces.
    pub tokens: Tokens,
    /// Row-major `[tokens.len(), hidden]`.
    pub states: Vec<f32>,
    /// Width of a row.
    pub hidden: usize,
}

impl TokenStates {
    /// State of token `index`, `hidden` values.
    ///
    /// # Panics
    /// If there is no such token.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.states[index * self.hidden..(index + 1) * self.hidden]
    }
}

/// Windows over `n` tokens, each with at most `pieces` positions (`[CLS]` and `[SEP]` included), where
/// neighbours share `overlap` tokens. Windows are of nearly equal length, so that none is left with a short
/// tail without context. No token gives no window.
pub fn plan(n: usize, pieces: usize, overlap: usize) -> Vec<Window> {
    let room = pieces.saturating_sub(2).max(1);
    if n == 0 {
        return Vec::new();
    }
    if n <= room {
        return vec![Window::new(0..n)];
    }
    let overlap = overlap.min(room / 2).min(room - 1);
    let step = room - overlap;
    let count = (n - overlap).div_ceil(step);
    // count windows of equal length cover n when count * len - (count - 1) * overlap >= n.
    let len = (n + (count - 1) * overlap).div_ceil(count).min(room);
    (0..count)
        .map(|i| {
            let end = (i * (len - overlap) + len).min(n);
            Window::new(end.saturating_sub(len)..end)
        })
        .collect()
}

/// For every token the window to take its state from: the one in which it lies farthest from the nearer edge,
/// because there it saw the most context on both sides. Edges of the text itself count as far away.
pub(crate) fn owners(n: usize, windows: &[Window]) -> Result<Vec<usize>> {
    let mut best: Vec<Option<(usize, usize)>> = vec![None; n];
    for (index, window) in windows.iter().enumerate() {
        let Range { start, end } = window.range;
        if start > end || end > n {
            return Err(Error::Input { reason: format!("window {index} is {start}..{end} of {n} tokens") });
        }
        for (token, best) in best.iter_mut().enumerate().take(end).skip(start) {
            let left = if start == 0 { usize::MAX } else { token - start };
            let right = if end == n { usize::MAX } else { end - 1 - token };
            let depth = left.min(right);
            if best.is_none_or(|(_, deepest)| depth > deepest) {
                *best = Some((index, depth));
            }
        }
    }
    best.iter()
        .enumerate()
        .map(|(token, owner)| owner.map(|(window, _)| window).ok_or(Error::Uncovered { token }))
        .collect()
}
