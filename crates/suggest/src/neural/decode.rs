//! From token logits to spans.

use std::collections::HashMap;
use std::ops::Range;

use overread_encoder::TokenStates;

use super::{FieldLogits, Labels, Neural, PROJECTION};

/// What makes a span a candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decode {
    /// Least start and end logit: -2.944 is a probability of 0.05.
    pub edge: f32,
    /// Least mean of inside logits.
    pub inside: f32,
    /// Tokens of a span, at most.
    pub width: usize,
    /// Ends of one start, at most.
    pub ends: usize,
    /// Starts of one field, at most.
    pub starts: usize,
}

impl Default for Decode {
    fn default() -> Self {
        Self { edge: -2.944, inside: -2.0, width: 24, ends: 4, starts: 96 }
    }
}

/// A span that may belong to a field.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanHit {
    /// Tokens; whole words.
    pub tokens: Range<usize>,
    /// Bytes of the text.
    pub bytes: Range<usize>,
    pub logit: f32,
}

impl Neural {
    /// The spans of each field, best first, none overlapping another of its field.
    pub fn decode(
        &self,
        states: &TokenStates,
        labels: &Labels,
        logits: &FieldLogits,
        how: &Decode,
    ) -> Vec<Vec<SpanHit>> {
        let words = &states.tokens.words;
        let n = logits.tokens();
        let mut index: HashMap<(usize, usize), usize> = HashMap::new();
        let mut spans: Vec<Range<usize>> = Vec::new();
        let mut wanted: Vec<Vec<usize>> = Vec::with_capacity(labels.len());
        for field in 0..labels.len() {
            let mut own: Vec<usize> = Vec::new();
            for span in candidates(logits, words, field, n, how) {
                let at = *index.entry((span.start, span.end)).or_insert_with(|| {
                    spans.push(span);
                    spans.len() - 1
                });
                own.push(at);
            }
            wanted.push(own);
        }
        let vectors = self.span_vectors(&states.states, &spans);
        let scored = wanted.into_iter().enumerate().map(|(field, own)| {
            let mut hits: Vec<(f32, usize)> = own
                .into_iter()
                .map(|at| {
                    let vector = &vectors[at * PROJECTION..(at + 1) * PROJECTION];
                    (self.span_logit(vector, &spans[at], field, labels, logits), at)
                })
                .collect();
            hits.sort_by(|a, b| {
                let place = |at: usize| (spans[at].start, spans[at].end);
                b.0.total_cmp(&a.0).then_with(|| place(a.1).cmp(&place(b.1)))
            });
            let mut kept: Vec<SpanHit> = Vec::new();
            for (logit, at) in hits {
                let tokens = spans[at].clone();
                if kept.iter().any(|k| k.tokens.start < tokens.end && tokens.start < k.tokens.end) {
                    continue;
                }
                let offsets = &states.tokens.offsets;
                let bytes = offsets[tokens.start].0..offsets[tokens.end - 1].1;
                kept.push(SpanHit { tokens, bytes, logit });
            }
            kept
        });
        scored.collect()
    }
}

/// Spans of whole words whose edges and inside are likely enough.
fn candidates(
    logits: &FieldLogits,
    words: &[u32],
    field: usize,
    n: usize,
    how: &Decode,
) -> Vec<Range<usize>> {
    let mut starts: Vec<(f32, usize)> = Vec::new();
    for token in 0..n {
        let logit = logits.start(token, field);
        if logit < how.edge {
            continue;
        }
        // What begins within a word begins with the word.
        let mut first = token;
        while first > 0 && words[first - 1] == words[token] {
            first -= 1;
        }
        match starts.last_mut() {
            Some(last) if last.1 == first => last.0 = last.0.max(logit),
            _ => starts.push((logit, first)),
        }
    }
    if starts.len() > how.starts {
        starts.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        starts.truncate(how.starts);
        starts.sort_by_key(|s| s.1);
    }
    let mut out = Vec::new();
    let mut ends: Vec<(f32, usize)> = Vec::new();
    for (_, start) in starts {
        ends.clear();
        let mut sum = 0.0;
        // The best end logit within the word that is being passed.
        let mut best = f32::NEG_INFINITY;
        for token in start..n.min(start + how.width) {
            sum += logits.inside(token, field);
            best = best.max(logits.end(token, field));
            if words.get(token + 1).is_some_and(|next| *next == words[token]) {
                continue;
            }
            let mean = sum / (token + 1 - start) as f32;
            if best >= how.edge && mean >= how.inside {
                ends.push((best + mean, token + 1));
            }
            best = f32::NEG_INFINITY;
        }
        if ends.len() > how.ends {
            ends.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            ends.truncate(how.ends);
        }
        out.extend(ends.iter().map(|&(_, end)| start..end));
    }
    out
}
