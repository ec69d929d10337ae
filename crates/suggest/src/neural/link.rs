//! Which attribute belongs to which find.

use std::ops::Range;

use super::{Neural, PROJECTION, add, gelu, means};
use crate::states::dot;

/// Class of the distance from a head to its attribute, in tokens: 0, 1, 2, 3 to 4, 5 to 8, 9 to 16, 17 to 32, more;
/// plus 8 where the attribute stands before.
pub fn distance(head: &Range<usize>, tail: &Range<usize>) -> usize {
    let after = tail.start >= head.start;
    let gap = if after { tail.start.saturating_sub(head.end) } else { head.start.saturating_sub(tail.end) };
    let class = match gap {
        0..=2 => gap,
        3..=4 => 3,
        5..=8 => 4,
        9..=16 => 5,
        17..=32 => 6,
        _ => 7,
    };
    if after { class } else { class + 8 }
}

impl Neural {
    /// Logits that the second span of each pair is an attribute of the first.
    pub fn link_logits(&self, states: &[f32], pairs: &[(Range<usize>, Range<usize>)]) -> Vec<f32> {
        if pairs.is_empty() {
            return Vec::new();
        }
        let heads: Vec<Range<usize>> = pairs.iter().map(|p| p.0.clone()).collect();
        let tails: Vec<Range<usize>> = pairs.iter().map(|p| p.1.clone()).collect();
        let mut x = vec![0.0; pairs.len() * PROJECTION];
        let mut part = x.clone();
        self.link_head.apply(&means(states, self.hidden, &heads), &mut x);
        self.link_tail.apply(&means(states, self.hidden, &tails), &mut part);
        add(&mut x, &part);
        for (row, (head, tail)) in x.chunks_exact_mut(PROJECTION).zip(pairs) {
            let class = distance(head, tail);
            add(row, &self.link_distance[class * PROJECTION..(class + 1) * PROJECTION]);
        }
        gelu(&mut x);
        x.chunks_exact(PROJECTION).map(|row| dot(row, &self.link_out)).collect()
    }
}
