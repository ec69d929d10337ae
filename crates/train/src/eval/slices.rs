//! Parts of the figures: by assertion, by section of the note, by whether training showed the code.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::BuildHasher;

use serde::Serialize;

use super::interval::Draws;
use super::judge::{Judged, Matches, assertion, judge};
use super::report::Interval;
use super::sections::Sections;
use super::{Options, count::share};
use crate::gold::GoldNote;
use crate::prediction::Prediction;

/// Precision, recall and F1 of a part. A reference item and the suggestion that answers it may lie in two parts: each side
/// counts in its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// What is counted: a field, `condition`, `all span fields`, `note codes`.
    pub what: String,
    /// The part: an assertion, a section, `seen`.
    pub part: String,
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
    pub predicted: usize,
    pub reference: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub f1_interval: Option<Interval>,
}

/// One note's part.
#[derive(Clone, Copy, Debug, Default)]
struct Sides {
    answered: usize,
    reference: usize,
    right: usize,
    suggested: usize,
}

impl Sides {
    fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.reference += other.reference;
        self.right += other.right;
        self.suggested += other.suggested;
    }

    fn reference(&mut self, answered: bool) {
        self.reference += 1;
        self.answered += usize::from(answered);
    }

    fn suggested(&mut self, right: bool) {
        self.suggested += 1;
        self.right += usize::from(right);
    }

    fn f1(self) -> f64 {
        let (p, r) = (share(self.right, self.suggested), share(self.answered, self.reference));
        if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 }
    }
}

/// Sides by what and part, a note each.
struct Parts {
    notes: usize,
    of: BTreeMap<(String, String), Vec<Sides>>,
}

impl Parts {
    fn new(notes: usize) -> Self {
        Self { notes, of: BTreeMap::new() }
    }

    fn at(&mut self, note: usize, what: &str, part: &str) -> &mut Sides {
        let sides = self.of.entry((what.to_owned(), part.to_owned()));
        &mut sides.or_insert_with(|| vec![Sides::default(); self.notes])[note]
    }

    fn finish(self, options: &Options) -> Vec<Part> {
        let draws = Draws::new(self.notes, options);
        let everyone: Vec<u32> = (0..self.notes as u32).collect();
        self.of
            .into_iter()
            .map(|((what, part), sides)| {
                let total = |draw: &[u32]| {
                    let mut total = Sides::default();
                    for note in draw {
                        total.add(sides[*note as usize]);
                    }
                    total
                };
                let all = total(&everyone);
                Part {
                    what,
                    part,
                    precision: share(all.right, all.suggested),
                    recall: share(all.answered, all.reference),
                    f1: all.f1(),
                    predicted: all.suggested,
                    reference: all.reference,
                    f1_interval: draws.interval(|draw| total(draw).f1()),
                }
            })
            .collect()
    }
}

fn each<S: BuildHasher>(
    gold: &[GoldNote],
    predictions: &HashMap<String, Prediction, S>,
    options: &Options,
    mut note: impl FnMut(&mut Parts, usize, &GoldNote, &Judged<'_>),
) -> Vec<Part> {
    let mut parts = Parts::new(gold.len());
    for (at, of) in gold.iter().enumerate() {
        note(&mut parts, at, of, &judge(of, predictions.get(&of.id), options.threshold));
    }
    parts.finish(options)
}

/// What carries an assertion: right where place and assertion are.
pub fn by_assertion<S: BuildHasher>(
    gold: &[GoldNote],
    predictions: &HashMap<String, Prediction, S>,
    options: &Options,
) -> Vec<Part> {
    each(gold, predictions, options, |parts, at, _, judged| {
        let procedures = judged.spans.iter().filter(|(field, _)| *field == "procedure");
        let all = std::iter::once(("condition", &judged.conditions));
        for (what, matches) in all.chain(procedures.map(|(field, matches)| (*field, matches))) {
            for g in &matches.gold {
                let meant = assertion(g.assertion.as_deref());
                let answered = answer(matches, g).is_some_and(|s| assertion(s.assertion.as_deref()) == meant);
                parts.at(at, what, meant).reference(answered);
            }
            for (s, g) in &matches.pairs {
                let said = assertion(s.assertion.as_deref());
                let right = g.is_some_and(|g| assertion(g.assertion.as_deref()) == said);
                parts.at(at, what, said).suggested(right);
            }
        }
    })
}

/// Span fields by the section of the note in which they stand.
pub fn by_section<S: BuildHasher>(
    gold: &[GoldNote],
    predictions: &HashMap<String, Prediction, S>,
    options: &Options,
) -> Vec<Part> {
    each(gold, predictions, options, |parts, at, note, judged| {
        let sections = Sections::of(&note.text);
        let conditions = std::iter::once(("condition", &judged.conditions));
        let fields = judged.spans.iter().map(|(_, matches)| ("all span fields", matches));
        for (what, matches) in conditions.chain(fields) {
            for g in &matches.gold {
                let answered = answer(matches, g).is_some();
                parts.at(at, what, sections.at(g.start)).reference(answered);
            }
            for (s, g) in &matches.pairs {
                parts.at(at, what, sections.at(s.start)).suggested(g.is_some());
            }
        }
    })
}

/// Codes by whether `seen` holds them: the final list, and the first code of conditions with one.
pub fn by_seen_code<S: BuildHasher, T: BuildHasher>(
    gold: &[GoldNote],
    predictions: &HashMap<String, Prediction, S>,
    seen: &HashSet<String, T>,
    options: &Options,
) -> Vec<Part> {
    let part = |code: &str| if seen.contains(code) { "seen in training" } else { "not seen" };
    let first = |codes: &[crate::prediction::Candidate]| codes.first().map(|c| c.code.clone());
    each(gold, predictions, options, |parts, at, note, judged| {
        let all = predictions.get(&note.id).map_or(&[][..], |p| &p.codes);
        let shown: HashSet<&str> = all
            .iter()
            .filter(|c| c.shown && c.confidence >= options.threshold)
            .map(|c| c.code.as_str())
            .collect();
        let reference: HashSet<&str> = note.codes.iter().map(|c| c.code.as_str()).collect();
        for code in &reference {
            parts.at(at, "note codes", part(code)).reference(shown.contains(code));
        }
        for code in &shown {
            parts.at(at, "note codes", part(code)).suggested(reference.contains(code));
        }
        let matches = &judged.conditions;
        for g in &matches.gold {
            let Some(code) = g.code.as_deref().filter(|code| !code.is_empty()) else { continue };
            let answered = answer(matches, g).and_then(|s| first(&s.codes)).as_deref() == Some(code);
            parts.at(at, "condition code @1", part(code)).reference(answered);
        }
        for (s, g) in &matches.pairs {
            if let Some(code) = first(&s.codes) {
                let right = g.is_some_and(|g| g.code.as_deref() == Some(&code));
                parts.at(at, "condition code @1", part(&code)).suggested(right);
            }
        }
    })
}

/// The suggestion that matches a reference span.
fn answer<'a>(
    matches: &Matches<'a>,
    gold: &crate::gold::GoldSpan,
) -> Option<&'a crate::prediction::Suggested> {
    let found = matches.pairs.iter().find(|(_, g)| g.is_some_and(|g| std::ptr::eq(g, gold)));
    found.map(|(s, _)| *s)
}
