//! What the trained heads say of one note, ready for those who weigh it against the rules.

use std::ops::Range;

use overread_domain::Template;
use overread_domain::template::{ENCOUNTER_ABSTRACT, Field};
use overread_encoder::{Encode, Tokens, Window};

use crate::SuggestError;
use crate::concept::Concept;
use crate::neural::{ASSERTIONS, Decode, FieldLogits, Labels, Neural, PROJECTION, SpanHit, label_text};
use crate::states::States;

/// Concepts that have a label: all but the final code list, which no words of the note are.
const LABELLED: usize = Concept::ALL.len() - 1;
/// Numbers that a span has for a concept: own logit, that of the best found span that it overlaps, start, end, mean
/// inside.
pub(crate) const NUMBERS: usize = 5;
/// What stands for a logit where there is none.
const NOTHING: f32 = -8.0;

/// The trained heads with the labels of the concepts that rules know too.
#[derive(Debug)]
pub(crate) struct Sense {
    pub heads: Neural,
    concepts: Labels,
}

/// Spans of one note in the form in which heads are asked about them.
#[derive(Debug)]
pub(crate) struct Looks {
    tokens: Vec<Range<usize>>,
    vectors: Vec<f32>,
}

/// One note's token logits and spans for every concept.
#[derive(Debug)]
pub(crate) struct Insight {
    logits: FieldLogits,
    hits: Vec<Vec<SpanHit>>,
}

/// The label text of a template's field.
pub(crate) fn field_text(field: &Field) -> String {
    label_text(&field.label, &field.description, &field.examples)
}

/// Means of the encoder's states over the pieces of each text, each read alone; zeros for a text without any.
pub fn text_means(encoder: &dyn Encode, texts: &[&str]) -> overread_encoder::Result<Vec<Vec<f32>>> {
    let (all, windows, ranges) = side_by_side(encoder, texts)?;
    let hidden = encoder.hidden();
    if all.is_empty() {
        return Ok(vec![vec![0.0; hidden]; texts.len()]);
    }
    let states = encoder.states_in(all, windows)?;
    Ok(ranges
        .into_iter()
        .map(|range| {
            let mut sum = vec![0.0f32; hidden];
            let share = 1.0 / range.len().max(1) as f32;
            for token in range {
                sum.iter_mut().zip(states.row(token)).for_each(|(s, x)| *s += x * share);
            }
            sum
        })
        .collect())
}

/// Vectors of texts that stand alone (terms of a release, queries), as mentions in a note have theirs.
pub(crate) fn text_phrases(
    encoder: &dyn Encode,
    heads: &Neural,
    texts: &[&str],
) -> overread_encoder::Result<Vec<Vec<f32>>> {
    let flat: Vec<f32> = text_means(encoder, texts)?.into_iter().flatten().collect();
    // A mean of one row is that row.
    let rows: Vec<Range<usize>> = (0..texts.len()).map(|i| i..i + 1).collect();
    Ok(heads.phrases(&flat, &rows))
}

type SideBySide = (Tokens, Vec<Window>, Vec<Range<usize>>);

/// Texts as windows of one run.
fn side_by_side(encoder: &dyn Encode, texts: &[&str]) -> overread_encoder::Result<SideBySide> {
    let room = encoder.window().saturating_sub(2).max(1);
    let mut all = Tokens::default();
    let (mut windows, mut ranges) = (Vec::new(), Vec::new());
    for text in texts {
        let tokens = encoder.tokenizer().encode(text)?;
        let start = all.len();
        let n = tokens.len().min(room);
        all.ids.extend(&tokens.ids[..n]);
        all.offsets.extend(&tokens.offsets[..n]);
        all.words.extend(&tokens.words[..n]);
        if n > 0 {
            windows.push(Window::new(start..start + n));
        }
        ranges.push(start..start + n);
    }
    Ok((all, windows, ranges))
}

impl Sense {
    /// Reads the labels of the shipped template, by which the heads know the concepts.
    pub fn new(encoder: &dyn Encode, heads: Neural) -> Result<Self, SuggestError> {
        let template: Template = serde_json::from_str(ENCOUNTER_ABSTRACT).expect("the template ships legal");
        let texts: Vec<String> = Concept::ALL[..LABELLED]
            .iter()
            .map(|c| template.field(c.id()).map_or_else(|| c.names()[0].to_owned(), field_text))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let concepts = heads.labels(&text_means(encoder, &texts)?);
        Ok(Self { heads, concepts })
    }

    /// Logits and spans of all concepts.
    pub fn insight(&self, states: &States) -> Insight {
        let logits = self.heads.field_logits(&states.states.states, &self.concepts);
        let hits = self.heads.decode(&states.states, &self.concepts, &logits, &Decode::default());
        Insight { logits, hits }
    }

    /// Spans of each of `labels` in the note, best first.
    pub fn spans(&self, states: &States, labels: &Labels) -> Vec<Vec<SpanHit>> {
        let logits = self.heads.field_logits(&states.states.states, labels);
        self.heads.decode(&states.states, labels, &logits, &Decode::default())
    }

    /// Prepares to ask about spans of the text.
    pub fn look(&self, states: &States, spans: &[Range<usize>]) -> Looks {
        let tokens: Vec<Range<usize>> = spans.iter().map(|s| states.tokens(s)).collect();
        let there: Vec<Range<usize>> =
            tokens.iter().map(|t| if t.is_empty() { 0..1 } else { t.clone() }).collect();
        let vectors = if states.states.tokens.is_empty() {
            Vec::new()
        } else {
            self.heads.span_vectors(&states.states.states, &there)
        };
        Looks { tokens, vectors }
    }

    /// What the heads say of span `index` of `looks` as `concept`.
    pub fn numbers(
        &self,
        insight: &Insight,
        looks: &Looks,
        index: usize,
        concept: Concept,
    ) -> [f32; NUMBERS] {
        let span = &looks.tokens[index];
        let field = concept as usize;
        if span.is_empty() || field >= LABELLED {
            return [NOTHING; NUMBERS];
        }
        let vector = &looks.vectors[index * PROJECTION..(index + 1) * PROJECTION];
        let own = self.heads.span_logit(vector, span, field, &self.concepts, &insight.logits);
        let overlapping =
            insight.hits[field].iter().find(|h| h.tokens.start < span.end && span.start < h.tokens.end);
        let inside = span.clone().map(|t| insight.logits.inside(t, field)).sum::<f32>() / span.len() as f32;
        [
            own,
            overlapping.map_or(NOTHING, |h| h.logit),
            insight.logits.start(span.start, field),
            insight.logits.end(span.end - 1, field),
            inside,
        ]
        .map(|x| x.clamp(NOTHING, -NOTHING))
    }

    /// Logarithms of the probabilities of the six assertions of each span.
    pub fn assertions(&self, states: &States, looks: &Looks) -> Vec<[f32; ASSERTIONS]> {
        let all = 0..states.states.tokens.len();
        let there: Vec<Range<usize>> = looks.tokens.iter().filter(|t| !t.is_empty()).cloned().collect();
        let mut logits = self.heads.assertion_logits(&states.states.states, &there, &all).into_iter();
        looks
            .tokens
            .iter()
            .map(|t| {
                let mut row = if t.is_empty() { None } else { logits.next() }.unwrap_or_default();
                let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let total = row.iter().map(|x| (x - most).exp()).sum::<f32>().ln() + most;
                for x in &mut row {
                    *x -= total;
                }
                row
            })
            .collect()
    }

    /// Vectors by which spans of the text find their codes.
    pub fn phrases(&self, states: &States, spans: &[Range<usize>]) -> Vec<Vec<f32>> {
        let tokens: Vec<Range<usize>> = spans.iter().map(|s| states.tokens(s)).collect();
        self.heads.phrases(&states.states.states, &tokens)
    }

    /// Logits that the second span of each pair says something of the first.
    pub fn links(&self, states: &States, pairs: &[(Range<usize>, Range<usize>)]) -> Vec<f32> {
        let tokens: Vec<_> = pairs.iter().map(|(a, b)| (states.tokens(a), states.tokens(b))).collect();
        let there: Vec<_> = tokens.iter().filter(|(a, b)| !a.is_empty() && !b.is_empty()).cloned().collect();
        let mut logits = self.heads.link_logits(&states.states.states, &there).into_iter();
        tokens
            .iter()
            .map(|(a, b)| if a.is_empty() || b.is_empty() { None } else { logits.next() }.unwrap_or(0.0))
            .collect()
    }
}

impl Insight {
    /// The spans of a concept, best first.
    pub fn hits(&self, concept: Concept) -> &[SpanHit] {
        self.hits.get(concept as usize).map_or(&[], Vec::as_slice)
    }
}
