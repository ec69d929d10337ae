//! Large buffers that are used again: a fresh one of some megabytes costs a page fault every 4 KB.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// Buffers at rest, shared by the passes of one model.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory(Arc<Mutex<Vec<Vec<f32>>>>);

impl Memory {
    /// A buffer of `len` floats with unspecified contents. It returns here when dropped.
    pub(super) fn take(&self, len: usize) -> Buffer {
        let mut resting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The smallest that is large enough, and not four times too large; else the largest grows.
        let fitting = (0..resting.len())
            .filter(|&i| (len..=4 * len.max(1024)).contains(&resting[i].len()))
            .min_by_key(|&i| resting[i].len());
        let mut values = match fitting {
            Some(index) => resting.swap_remove(index),
            None => Vec::new(),
        };
        drop(resting);
        if values.len() < len {
            values.resize(len, 0.0);
        }
        Buffer { values, len, home: self.clone() }
    }
}

/// Floats on loan from a [`Memory`].
#[derive(Debug)]
pub(super) struct Buffer {
    values: Vec<f32>,
    len: usize,
    home: Memory,
}

/// Buffers kept at rest; more than a step ever uses at once would only be waste of odd sizes.
const MOST: usize = 256;

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut resting = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        resting.push(std::mem::take(&mut self.values));
        if resting.len() > MOST {
            // The oldest has not been wanted for longest.
            resting.remove(0);
        }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[..self.len]
    }
}
