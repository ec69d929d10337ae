//! Words and meaning together.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::search::Hit;

/// How much each side counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    pub lexical: f32,
    pub semantic: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Self { lexical: 0.6, semantic: 0.4 }
    }
}

/// One list from the hits by words and the hits by meaning, best first, at most `limit`. A code that one side did not
/// find counts there a little less than that side's last hit, so that give both sides lists of some length.
pub fn hybrid(lexical: &[Hit], semantic: &[Hit], weights: Weights, limit: usize) -> Vec<Hit> {
    let floor =
        |hits: &[Hit]| hits.iter().map(|h| h.score).reduce(f32::min).map_or(0.0, |s| (s - 0.05).max(0.0));
    let (lexical_floor, semantic_floor) = (floor(lexical), floor(semantic));
    let mut joined: HashMap<&str, (Option<&Hit>, Option<&Hit>)> = HashMap::new();
    for hit in lexical {
        joined.entry(&hit.code).or_default().0.get_or_insert(hit);
    }
    for hit in semantic {
        joined.entry(&hit.code).or_default().1.get_or_insert(hit);
    }
    let mut out: Vec<Hit> = joined
        .into_values()
        .filter_map(|(l, s)| {
            let score = weights.lexical * l.map_or(lexical_floor, |h| h.score)
                + weights.semantic * s.map_or(semantic_floor, |h| h.score);
            let hit = l.or(s)?;
            Some(Hit { score, ..hit.clone() })
        })
        .collect();
    out.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.code.cmp(&b.code)));
    out.truncate(limit);
    out
}
