//! Finds of rules and spans of the trained heads, weighed together.

use std::ops::Range;

use crate::concept::Concept;
use crate::find::{Found, labs};
use crate::heads::Heads;
use crate::linear::{Linear, Row};
use crate::mention::{Trained, matches};
use crate::note::{Doc, SectionKind};

/// Binary features of a find: by the trained heads alone; the heads' best span of the concept; overlaps none of the
/// heads' spans.
pub(crate) const SPARSE: usize = 3;
/// Dense features: log-odds of the rule, then of the trained heads (own span, overlapping span, edges, inside).
pub(crate) const DENSE: usize = 1 + crate::insight::NUMBERS;
/// Logit from which a span that no rule found is a find.
const FOUND: f32 = -1.0;
const SCALE: f32 = 4.0;
/// Log-odds of a rule are divided by this among the features.
const ODDS: f32 = 2.0;

/// Names of drugs by the trained heads, surest first.
pub(crate) fn drugs(doc: &Doc<'_>, trained: Trained<'_>) -> Vec<Range<usize>> {
    let hits = trained.insight.hits(Concept::Medication).iter();
    hits.filter(|h| h.logit >= FOUND)
        .filter_map(|h| words(doc, &h.bytes))
        .filter(|span| {
            let text = doc.str(span);
            text.len() <= 60
                && text.starts_with(char::is_alphabetic)
                && text.chars().filter(|c| c.is_alphabetic()).count() >= 4
                && !text.contains(['\n', '\r'])
                && doc.kind_at(span.start) != SectionKind::Allergies
        })
        .collect()
}

/// Adds spans that no rule found, where their words have the normal form that the concept wants.
pub(crate) fn add(doc: &Doc<'_>, trained: Trained<'_>, found: &mut Vec<Found>) {
    let one_phrase = [Concept::ChiefComplaint, Concept::Disposition, Concept::FollowUp];
    for concept in one_phrase.into_iter().chain([Concept::Allergy, Concept::LabResult]) {
        let most = if one_phrase.contains(&concept) { 2 } else { 20 };
        for hit in trained.insight.hits(concept).iter().filter(|h| h.logit >= FOUND).take(most) {
            let known = found.iter().any(|f| f.concept == concept && matches(&f.span, &hit.bytes));
            let Some(span) = words(doc, &hit.bytes).filter(|_| !known) else { continue };
            match concept {
                Concept::LabResult => found.extend(lab(doc, span)),
                // What the rules read in the allergies section they have read better.
                Concept::Allergy
                    if doc.kind_at(span.start) == SectionKind::Allergies && has(found, concept) => {}
                _ => found.push(Found::new(concept, span, "neural")),
            }
        }
    }
}

fn has(found: &[Found], concept: Concept) -> bool {
    found.iter().any(|f| f.concept == concept)
}

/// The words of a span within its sentence.
fn words(doc: &Doc<'_>, span: &Range<usize>) -> Option<Range<usize>> {
    let segment = doc.segment_at(span.start)?;
    let within = span.start.max(segment.range.start)..span.end.min(segment.range.end);
    let words = doc.words_in(within.start..within.end.max(within.start));
    Some(words.first()?.start..words.last()?.end)
}

/// A figure of the laboratory whose name no list has: the words before it are its name.
fn lab(doc: &Doc<'_>, span: Range<usize>) -> Option<Found> {
    let text = doc.str(&span);
    let figure = text.find(|c: char| c.is_ascii_digit())?;
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if digits > 9
        || crate::find::dates::iso(text).is_some()
        || text[..figure].chars().any(char::is_alphabetic)
    {
        return None;
    }
    let end = text[figure..]
        .find(|c: char| c.is_whitespace() || c.is_alphabetic())
        .map_or(text.len(), |at| figure + at);
    let quote = text[figure..end].trim_end_matches(['.', ',', '-', '/']);
    let place = span.start + figure..span.start + figure + quote.len();
    let segment = doc.segment_at(place.start)?;
    let before = doc.words_in(segment.range.start..place.start);
    let idle = ["is", "was", "of", "at", "were", "to", "the", "a", "and", "with", "count", "level"];
    let named = |w: &&crate::note::Word| {
        let word = w.of(doc.text);
        word.chars().all(|c| c.is_alphanumeric() || c == '-') && word.chars().any(char::is_alphabetic)
    };
    let skipped: Vec<_> = before
        .iter()
        .rev()
        .skip_while(|w| idle.contains(&w.of(doc.text).to_lowercase().as_str()))
        .take_while(named)
        .take(3)
        .take_while(|w| !idle.contains(&w.of(doc.text).to_lowercase().as_str()))
        .collect();
    let (last, first) = (skipped.first()?, skipped.last()?);
    let gap = &doc.text[last.end..place.start];
    if gap.len() > 24 || gap.contains(['.', ';', '\n']) {
        return None;
    }
    let mut found = Found::new(Concept::LabResult, place.clone(), "neural").value(labs::normal(quote));
    found.attributes.push(("name", first.start..last.end));
    Some(found)
}

/// Gives every find its probability.
pub(crate) fn weigh(trained: Option<Trained<'_>>, heads: &Heads, found: &mut [Found]) {
    if let Some(trained) = trained {
        let spans: Vec<Range<usize>> = found.iter().map(|f| f.span.clone()).collect();
        let looks = trained.sense.look(trained.states, &spans);
        for (i, f) in found.iter_mut().enumerate() {
            f.numbers = trained.sense.numbers(trained.insight, &looks, i, f.concept).to_vec();
            let best = trained.insight.hits(f.concept).first().is_some_and(|h| matches(&h.bytes, &f.span));
            f.numbers.push(f32::from(u8::from(best)));
        }
    }
    for f in found.iter_mut() {
        let prior = heads.rule(f.concept.id(), f.rule);
        f.confidence = match heads.find(f.concept.id()).filter(|_| !f.numbers.is_empty()) {
            Some(head) => head.probabilities(&row(f, prior))[0],
            None => prior,
        };
    }
    if let Some(trained) = trained {
        part(trained, heads, found);
    }
}

/// Asks the link head about every attribute, and drops those that it thinks another's.
fn part(trained: Trained<'_>, heads: &Heads, found: &mut [Found]) {
    let pairs: Vec<(Range<usize>, Range<usize>)> = found
        .iter()
        .flat_map(|f| f.attributes.iter().map(|(_, attribute)| (f.span.clone(), attribute.clone())))
        .collect();
    let mut links = trained.sense.links(trained.states, &pairs).into_iter();
    for f in found {
        let mut kept = Vec::with_capacity(f.attributes.len());
        f.links.clear();
        for (name, span) in std::mem::take(&mut f.attributes) {
            let link = links.next().unwrap_or(0.0);
            let least = heads.links.get(&format!("{}/{name}", f.concept.id()));
            if least.is_none_or(|least| link >= *least) {
                kept.push((name, span));
                f.links.push(link);
            }
        }
        f.attributes = kept;
    }
}

/// Features of a find; `prior` is its rule's probability.
pub(crate) fn row(f: &Found, prior: f32) -> Row {
    let alone = f.rule.starts_with("neural");
    let best = f.numbers.last().is_some_and(|x| *x > 0.0);
    let apart = f.numbers.get(1).is_none_or(|x| *x <= -8.0);
    let active = [(alone, 0), (best, 1), (apart, 2)];
    let odds = (prior.clamp(0.01, 0.99) / (1.0 - prior.clamp(0.01, 0.99))).ln();
    let numbers = f.numbers.iter().take(DENSE - 1).map(|x| x / SCALE);
    Row {
        active: active.iter().filter(|a| a.0).map(|a| a.1).collect(),
        dense: std::iter::once(odds / ODDS).chain(numbers).collect(),
    }
}

/// The head that says what the rule says.
pub(crate) fn rule_alone() -> Linear {
    let mut weights = vec![0.0; 1 + SPARSE + DENSE];
    weights[1 + SPARSE] = ODDS;
    Linear { classes: 1, sparse: SPARSE, dense: DENSE, weights }
}

/// Whether a fitted head has these features.
pub(crate) fn fits(head: &Linear) -> bool {
    head.is_sound() && (head.classes, head.sparse, head.dense) == (1, SPARSE, DENSE)
}
