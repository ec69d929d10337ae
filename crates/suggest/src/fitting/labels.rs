//! How far spans of each label that the trained heads learned are to be believed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::calibrate;
use crate::generic::heads::trimmed;
use crate::insight::text_means;
use crate::known::{Belief, KnownLabel, KnownLabels, directions};
use crate::states::dot;
use crate::{SuggestError, Suggester};

/// Places marked with a label, and spans of either kind, from which on it is fitted alone; with fewer it shares what
/// all labels together give.
const ENOUGH: usize = 30;
const OF_EACH: usize = 10;
/// Logit from which a span counts: below it nothing is ever shown.
const LEAST: f32 = -6.0;
/// Share of the wordings whose nearest wording of another label must be farther away than [`KnownLabels::like`].
const APART: f32 = 0.95;

/// A text that no training read, with its places by label.
#[derive(Clone, Debug)]
pub struct Marked<'a> {
    pub text: &'a str,
    /// Labels of which every place is marked.
    pub annotated: BTreeSet<&'a str>,
    /// Byte ranges.
    pub places: Vec<(&'a str, Range<usize>)>,
    /// Ranges of which it is not known whether a label holds there.
    pub doubtful: Vec<(&'a str, Range<usize>)>,
}

/// Spans of one label: logit, and whether exactly this place is marked; and the number of places that are.
#[derive(Debug, Default)]
struct Seen {
    scored: Vec<(f32, bool)>,
    marked: usize,
}

impl Seen {
    fn is_enough(&self) -> bool {
        let right = self.scored.iter().filter(|s| s.1).count();
        self.marked >= ENOUGH && right >= OF_EACH && self.scored.len() - right >= OF_EACH
    }

    fn belief(&self) -> Belief {
        let (slope, offset) = calibrate::platt(&self.scored);
        let mut belief = Belief { slope: slope.max(0.05), offset, threshold: 0.5 };
        let said = self.scored.iter().map(|(logit, right)| (belief.confidence(*logit), *right)).collect();
        belief.threshold = calibrate::best_threshold(said, self.marked).clamp(0.2, 0.6);
        belief
    }
}

/// Reads `documents` and fits every label of `wordings` (all texts by which the heads learned it, the one that is asked
/// by first) that one of them is annotated with. A span is right where it is exactly a marked place, blanks and stops
/// at its ends aside.
///
/// # Errors
/// Where the encoder fails. A model without trained heads knows no labels.
pub fn labels(
    model: &Suggester,
    wordings: &BTreeMap<String, Vec<String>>,
    documents: &[Marked<'_>],
) -> Result<KnownLabels, SuggestError> {
    let mut known = KnownLabels { reader: model.reader(), like: 1.0, labels: BTreeMap::new() };
    let annotated: BTreeSet<&str> = documents.iter().flat_map(|d| d.annotated.iter().copied()).collect();
    let asked: Vec<(&String, &Vec<String>)> =
        wordings.iter().filter(|(id, texts)| annotated.contains(id.as_str()) && !texts.is_empty()).collect();
    let Some(sense) = model.sense.as_deref().filter(|_| !asked.is_empty()) else { return Ok(known) };
    let texts: Vec<&str> = asked.iter().map(|(_, texts)| texts[0].as_str()).collect();
    let projected = sense.heads.labels(&text_means(&*model.encoder, &texts)?);
    let mut seen: Vec<Seen> = asked.iter().map(|_| Seen::default()).collect();
    for document in documents {
        let read = model.read(document.text)?;
        for (((id, _), hits), seen) in asked.iter().zip(sense.spans(&read.states, &projected)).zip(&mut seen)
        {
            if !document.annotated.contains(id.as_str()) {
                continue;
            }
            let of = |all: &[(&str, Range<usize>)]| -> Vec<Range<usize>> {
                all.iter().filter(|(label, _)| label == id).map(|(_, range)| range.clone()).collect()
            };
            let (mut places, doubtful) = (of(&document.places), of(&document.doubtful));
            places.sort_by_key(|range| (range.start, range.end));
            places.dedup();
            seen.marked += places.len();
            for hit in hits.iter().filter(|hit| hit.logit > LEAST) {
                let span = trimmed(document.text, &hit.bytes);
                let right = places.contains(&span);
                let open = doubtful.iter().any(|d| d.start < span.end && span.start < d.end);
                if right || !open {
                    seen.scored.push((hit.logit, right));
                }
            }
        }
    }
    let mut all = Seen::default();
    for seen in &seen {
        all.scored.extend(&seen.scored);
        all.marked += seen.marked;
    }
    let shared = all.belief();
    for ((id, texts), seen) in asked.iter().zip(&seen) {
        let belief = if seen.is_enough() { seen.belief() } else { shared };
        let label = KnownLabel { texts: (*texts).clone(), belief, marked: seen.marked };
        known.labels.insert((*id).clone(), label);
    }
    known.like = apart(model, &known.labels)?;
    Ok(known)
}

/// The cosine that few wordings of different labels reach.
fn apart(model: &Suggester, labels: &BTreeMap<String, KnownLabel>) -> Result<f32, SuggestError> {
    let texts: Vec<(usize, &str)> =
        labels.values().enumerate().flat_map(|(i, l)| l.texts.iter().map(move |t| (i, t.as_str()))).collect();
    let plain: Vec<&str> = texts.iter().map(|(_, text)| *text).collect();
    let vectors = directions(text_means(&*model.encoder, &plain)?);
    let mut nearest: Vec<f32> = texts
        .iter()
        .zip(&vectors)
        .map(|((label, _), vector)| {
            let others = texts.iter().zip(&vectors).filter(|((other, _), _)| other != label);
            others.map(|(_, other)| dot(vector, other)).fold(-1.0, f32::max)
        })
        .collect();
    nearest.sort_by(f32::total_cmp);
    let at = (nearest.len() as f32 * APART) as usize;
    Ok(nearest.get(at.min(nearest.len().saturating_sub(1))).map_or(1.0, |like| like.clamp(-1.0, 1.0)))
}
