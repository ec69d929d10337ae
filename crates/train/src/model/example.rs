//! What one step learns from: windows with their targets in token rows, and groups of terms.

use std::ops::Range;
use std::sync::Arc;

/// A window of a text, framed as the encoder reads it. All ranges are rows of the window, `[CLS]` being row 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Window {
    /// `[CLS]`, prefix, pieces, `[SEP]`.
    pub ids: Vec<u32>,
    /// Rows that are the text's own, and that no other window owns.
    pub own: Range<usize>,
    /// Rows that begin and that end a word.
    pub word_start: Vec<bool>,
    pub word_end: Vec<bool>,
    pub spans: Vec<Target>,
    /// Indices of the labels that whoever annotated this text looked for; others are unknown.
    pub annotated: Arc<Vec<usize>>,
    /// Rows of which nothing is known as to some labels, such as a second mention of what was marked once.
    pub doubtful: Vec<(Range<usize>, Vec<usize>)>,
    pub assertions: Vec<(Range<usize>, u32)>,
    /// Head, attribute, whether they belong together.
    pub links: Vec<(Range<usize>, Range<usize>, bool)>,
    /// Mentions with their code (index into the run's list of codes).
    pub mentions: Vec<(Range<usize>, u32)>,
}

/// A span that carries a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub label: usize,
    pub rows: Range<usize>,
}

/// Terms of one category, so that the wrong ones are near misses: word pieces without frame, and the code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Term {
    pub ids: Vec<u32>,
    pub code: u32,
}

/// Which sequences of a batch begin at which row.
#[derive(Debug)]
pub struct Packed<'a> {
    pub sequences: Vec<&'a [u32]>,
    /// First row of each sequence.
    pub starts: Vec<usize>,
    pub rows: usize,
}

impl<'a> Packed<'a> {
    pub fn new(sequences: impl IntoIterator<Item = &'a [u32]>) -> Self {
        let mut packed = Self { sequences: Vec::new(), starts: Vec::new(), rows: 0 };
        for ids in sequences {
            packed.starts.push(packed.rows);
            packed.rows += ids.len();
            packed.sequences.push(ids);
        }
        packed
    }

    /// `rows` of sequence `index` as rows of the batch.
    pub fn shift(&self, index: usize, rows: &Range<usize>) -> Range<usize> {
        rows.start + self.starts[index]..rows.end + self.starts[index]
    }
}

/// Rows that two ranges share, as a share of those that either holds.
pub fn likeness(a: &Range<usize>, b: &Range<usize>) -> f32 {
    let shared = a.end.min(b.end).saturating_sub(a.start.max(b.start));
    let all = a.len() + b.len() - shared;
    if all == 0 { 0.0 } else { shared as f32 / all as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeness_is_intersection_over_union() {
        assert!((likeness(&(2..6), &(4..8)) - 2.0 / 6.0).abs() < 1e-6);
        assert!(likeness(&(0..2), &(2..4)).abs() < 1e-6);
        assert!((likeness(&(3..5), &(3..5)) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn rows_shift_with_their_sequence() {
        let (a, b) = ([1u32, 2, 3], [4u32, 5]);
        let packed = Packed::new([&a[..], &b[..]]);
        assert_eq!((packed.rows, packed.shift(1, &(0..2))), (5, 3..5));
    }
}
