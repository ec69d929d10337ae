//! Features of a mention, and which mentions become suggestions.

use std::collections::HashMap;
use std::ops::Range;

use overread_codes::search::Patient;
use overread_codes::{Hit, Release};
use overread_domain::suggestion::Assertion;

use crate::assertion::{REACHES, Scope};
use crate::concept::Concept;
use crate::find::condition::{HeadKind, Mention, mention_at, mentions};
use crate::insight::{Insight, NUMBERS, Sense};
use crate::linear::Row;
use crate::neural::ASSERTIONS;
use crate::note::{Doc, SectionKind};
use crate::states::States;

/// A mention with all that its features need.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub mention: Mention,
    pub assertion: Assertion,
    pub planned: bool,
    pub section: SectionKind,
    /// Codes that its words find, best first.
    pub hits: Vec<Hit>,
    pub origin: Origin,
    /// Distance class of the nearest cue of each kind; see [`Scope::reaches`].
    pub cues: [u8; REACHES],
    /// Logarithms of the probabilities of the assertions by the trained head; zeros without one.
    pub asserted: [f32; ASSERTIONS],
    pub row: Row,
}

/// Who found a mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Rule,
    Neural,
    Both,
}

/// The trained heads with what they say of the note at hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trained<'a> {
    pub sense: &'a Sense,
    pub insight: &'a Insight,
    pub states: &'a States,
}

/// What a mention's dense features are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dense<'a> {
    /// None: rules alone.
    Nothing,
    /// The mean of its states.
    States(&'a States),
    /// What the trained heads say.
    Trained(Trained<'a>),
}

/// The concepts of the classes after "none", in the order of [`crate::heads::CLASSES`].
pub(crate) const CLASS_CONCEPTS: [Concept; 5] = [
    Concept::Diagnosis,
    Concept::History,
    Concept::FamilyHistory,
    Concept::AbsentCondition,
    Concept::Procedure,
];

/// Width of the dense features that the trained heads give: numbers a class, the best logit a class of all mentions
/// of the same thing, assertions.
pub(crate) const TRAINED_DENSE: usize = CLASS_CONCEPTS.len() * (NUMBERS + 1) + ASSERTIONS;
/// Logits are divided by this among the features.
const LOGIT_SCALE: f32 = 4.0;
/// Logit from which a span that no rule found is a candidate, and from which its borders replace a rule's.
const FOUND: f32 = -2.5;
const SURE: f32 = 0.0;

/// Number of binary features; see [`Bits`].
pub(crate) const SPARSE: usize = 900;
/// Scale of the unit state vector among the features.
const STATE_SCALE: f32 = 4.0;

/// Hands out fixed blocks of binary features, so that adding one at the end moves none before it.
#[derive(Default)]
struct Bits {
    active: Vec<u32>,
    base: usize,
}

impl Bits {
    fn one_of(&mut self, index: usize, width: usize) {
        if index < width {
            self.active.push((self.base + index) as u32);
        }
        self.base += width;
    }

    fn flag(&mut self, on: bool) {
        self.one_of(usize::from(!on), 1);
    }
}

/// How often and where a thing is mentioned.
#[derive(Clone, Copy, Debug, Default)]
struct Elsewhere {
    count: usize,
    concluded: bool,
    past: bool,
    denied: bool,
    first: usize,
}

/// Whether words alone may be searched for in the release: not for what is no condition.
fn searched(head: HeadKind) -> bool {
    !matches!(head, HeadKind::Study | HeadKind::Therapy)
}

/// Mentions by the rules and by the trained heads. Where both found one, a sure head draws its borders.
fn united(doc: &Doc<'_>, trained: Option<Trained<'_>>) -> Vec<(Mention, Origin)> {
    let mut out: Vec<(Mention, Origin)> = mentions(doc).into_iter().map(|m| (m, Origin::Rule)).collect();
    let Some(trained) = trained else { return out };
    let mut hits: Vec<(f32, Range<usize>)> = CLASS_CONCEPTS
        .iter()
        .flat_map(|c| trained.insight.hits(*c))
        .filter(|h| h.logit >= FOUND)
        .map(|h| (h.logit, h.bytes.clone()))
        .collect();
    hits.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.start.cmp(&b.1.start)).then(a.1.end.cmp(&b.1.end)));
    let apart = |a: &Range<usize>, b: &Range<usize>| a.end <= b.start || b.end <= a.start;
    let mut taken: Vec<Range<usize>> = Vec::new();
    let mut found: Vec<(Mention, Origin)> = Vec::new();
    for (logit, span) in hits {
        if taken.iter().any(|t| !apart(t, &span)) {
            continue;
        }
        taken.push(span.clone());
        let Some(mention) = mention_at(doc, &span) else { continue };
        if let Some(same) = out.iter_mut().find(|(m, _)| m.span == mention.span) {
            same.1 = Origin::Both;
            continue;
        }
        let crossing = out.iter().filter(|(m, _)| !apart(&m.span, &mention.span)).count();
        if crossing == 0 {
            found.push((mention, Origin::Neural));
        } else if logit >= SURE {
            out.retain(|(m, _)| apart(&m.span, &mention.span));
            found.push((mention, Origin::Both));
        } else {
            for (m, origin) in &mut out {
                if matches(&m.span, &mention.span) {
                    *origin = Origin::Both;
                }
            }
        }
    }
    out.extend(found);
    out.sort_by_key(|(m, _)| (m.span.start, m.span.end));
    out
}

fn candidate(doc: &Doc<'_>, cues: &Scope<'_>, mention: Mention, origin: Origin, hits: Vec<Hit>) -> Candidate {
    Candidate {
        assertion: cues.assertion(&mention.span),
        planned: cues.planned(&mention.span),
        section: doc.section(&doc.segments[mention.segment]).kind,
        cues: cues.reaches(&mention.span),
        hits,
        origin,
        asserted: [0.0; ASSERTIONS],
        row: Row::default(),
        mention,
    }
}

/// The mention at a place that somebody names, whoever would find it; `None` where no words stand there. It has no
/// features for [`choose`].
pub(crate) fn candidate_at(
    doc: &Doc<'_>,
    trained: Option<Trained<'_>>,
    release: &Release,
    patient: Patient,
    span: &Range<usize>,
) -> Option<Candidate> {
    let mention = mention_at(doc, span)?;
    let cues = Scope::new(doc, &doc.segments[mention.segment]);
    let query = doc.str(&mention.span).to_lowercase();
    let hits =
        crate::link::lookup(release, &query, overread_codes::Context::Current, patient, crate::link::DEEP);
    let mut found = [candidate(doc, &cues, mention, Origin::Rule, hits)];
    if let Some(trained) = trained {
        weigh(&mut found, trained);
    }
    let [found] = found;
    Some(found)
}

/// All mentions of the note with their features.
pub(crate) fn candidates(
    doc: &Doc<'_>,
    dense: Dense<'_>,
    release: &Release,
    patient: Patient,
) -> Vec<Candidate> {
    let trained = if let Dense::Trained(trained) = dense { Some(trained) } else { None };
    let found = united(doc, trained);
    let mut cache: HashMap<String, Vec<Hit>> = HashMap::new();
    let mut scope: Option<(usize, Scope<'_>)> = None;
    let mut out: Vec<Candidate> = Vec::with_capacity(found.len());
    for (mention, origin) in found {
        if scope.as_ref().is_none_or(|(segment, _)| *segment != mention.segment) {
            scope = Some((mention.segment, Scope::new(doc, &doc.segments[mention.segment])));
        }
        let Some((_, cues)) = &scope else { continue };
        let hits = if searched(mention.head) {
            let query = doc.str(&mention.span).to_lowercase();
            cache
                .entry(query.clone())
                .or_insert_with(|| {
                    crate::link::lookup(
                        release,
                        &query,
                        overread_codes::Context::Current,
                        patient,
                        crate::link::DEEP,
                    )
                })
                .clone()
        } else {
            Vec::new()
        };
        out.push(candidate(doc, cues, mention, origin, hits));
    }
    let mut elsewhere: HashMap<String, Elsewhere> = HashMap::new();
    for (i, c) in out.iter().enumerate() {
        let e =
            elsewhere.entry(c.mention.key.clone()).or_insert(Elsewhere { first: i, ..Elsewhere::default() });
        e.count += 1;
        e.concluded |= c.section.concludes();
        e.past |= c.section.is_past();
        e.denied |= c.assertion == Assertion::Absent;
    }
    let has = |wanted: fn(SectionKind) -> bool| doc.sections.iter().any(|s| wanted(s.kind));
    let note = (has(SectionKind::concludes), has(SectionKind::is_past), has(|k| k == SectionKind::Procedure));
    for (i, candidate) in out.iter_mut().enumerate() {
        let e = elsewhere.get(&candidate.mention.key).copied().unwrap_or_default();
        let active = features(doc, candidate, e, i, note);
        let dense = if let Dense::States(states) = dense {
            let mut v = states.mean(candidate.mention.span.clone());
            for x in &mut v {
                *x *= STATE_SCALE;
            }
            v
        } else {
            Vec::new()
        };
        candidate.row = Row { active, dense };
    }
    if let Some(trained) = trained {
        weigh(&mut out, trained);
    }
    out
}

/// Adds what the trained heads say of each candidate to its features.
fn weigh(candidates: &mut [Candidate], trained: Trained<'_>) {
    let spans: Vec<Range<usize>> = candidates.iter().map(|c| c.mention.span.clone()).collect();
    let looks = trained.sense.look(trained.states, &spans);
    let asserted = trained.sense.assertions(trained.states, &looks);
    let mut best: HashMap<String, [f32; CLASS_CONCEPTS.len()]> = HashMap::new();
    for (i, (candidate, asserted)) in candidates.iter_mut().zip(asserted).enumerate() {
        candidate.asserted = asserted;
        let own =
            best.entry(candidate.mention.key.clone()).or_insert([f32::NEG_INFINITY; CLASS_CONCEPTS.len()]);
        for (best, concept) in own.iter_mut().zip(CLASS_CONCEPTS) {
            let numbers = trained.sense.numbers(trained.insight, &looks, i, concept);
            *best = best.max(numbers[0]);
            candidate.row.dense.extend(numbers.map(|x| x / LOGIT_SCALE));
        }
    }
    for candidate in candidates {
        let group = best.get(&candidate.mention.key).copied().unwrap_or_default();
        candidate.row.dense.extend(group.map(|x| x / LOGIT_SCALE));
        candidate.row.dense.extend(candidate.asserted.map(|x| x.max(-8.0) / LOGIT_SCALE));
    }
}

fn features(doc: &Doc<'_>, c: &Candidate, e: Elsewhere, index: usize, note: (bool, bool, bool)) -> Vec<u32> {
    let segment = &doc.segments[c.mention.segment];
    let words = doc.words_in(c.mention.span.clone()).len();
    let section = c.section as usize;
    let assertion = c.assertion as usize;
    let head = c.mention.head as usize;
    let score = c.hits.first().map_or(0.0, |h| h.score);
    let chapter = c
        .hits
        .first()
        .and_then(|h| h.code.bytes().next())
        .map_or(26, |b| usize::from(b.wrapping_sub(b'A')).min(26));
    let mut bits = Bits::default();
    bits.one_of(section, SectionKind::COUNT);
    bits.one_of(head, HeadKind::COUNT);
    bits.one_of(assertion, 6);
    bits.one_of(section * 6 + assertion, SectionKind::COUNT * 6);
    bits.one_of(section * HeadKind::COUNT + head, SectionKind::COUNT * HeadKind::COUNT);
    bits.one_of(head * 6 + assertion, HeadKind::COUNT * 6);
    bits.one_of(words.min(6), 7);
    bits.one_of((score * 10.0) as usize, 14);
    bits.one_of(chapter, 27);
    bits.one_of((e.count - 1).min(3), 4);
    bits.flag(segment.item);
    bits.flag(segment.first);
    bits.flag(e.first != index);
    bits.flag(e.concluded && !c.section.concludes());
    bits.flag(e.past && !c.section.is_past());
    bits.flag(e.denied && c.assertion != Assertion::Absent);
    bits.flag(c.planned);
    bits.one_of(head * 2 + usize::from(c.planned), HeadKind::COUNT * 2);
    let at = c.mention.span.start - segment.range.start;
    bits.one_of(
        if at == 0 {
            0
        } else if at < 40 {
            1
        } else if at < 120 {
            2
        } else {
            3
        },
        4,
    );
    let place = c.mention.span.start * 5 / doc.text.len().max(1);
    bits.one_of(place, 5);
    bits.flag(note.0);
    bits.flag(note.1);
    bits.flag(note.2);
    bits.one_of(usize::from(note.0) * 6 + assertion, 12);
    bits.one_of(usize::from(note.0) * SectionKind::COUNT + section, 2 * SectionKind::COUNT);
    bits.one_of(section * 2 + usize::from(segment.item), SectionKind::COUNT * 2);
    let before = doc.before(c.mention.span.start, 22, segment.range.start).to_lowercase();
    for cue in [
        "status post",
        "s/p",
        "history of",
        "with ",
        "for ",
        "due to",
        "secondary to",
        "likely",
        "shows",
        "showed",
        "underwent",
        "had a",
        "in the",
        "of ",
        "diagnos",
        "complain",
        "treated",
        "rule out",
    ] {
        bits.flag(before.trim_end().ends_with(cue.trim_end()) || before.ends_with(cue));
    }
    let quote = doc.str(&c.mention.span);
    bits.flag(quote.chars().next().is_some_and(char::is_uppercase));
    bits.flag(quote.len() > 3 && !quote.chars().any(char::is_lowercase));
    bits.flag(c.origin != Origin::Rule);
    bits.flag(c.origin == Origin::Neural);
    bits.flag(doc.sections.len() > 1);
    debug_assert!(bits.base <= SPARSE, "{} features", bits.base);
    bits.active
}

/// A chosen mention: index of its candidate, class (of [`crate::heads::CLASSES`]) and probability.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chosen {
    pub candidate: usize,
    pub class: usize,
    pub probability: f32,
}

/// Mentions of one thing share a slot: equal words, or the same code found with near certainty.
pub(crate) fn groups(candidates: &[Candidate]) -> Vec<usize> {
    let mut by_key: HashMap<&str, usize> = HashMap::new();
    let mut by_code: HashMap<&str, usize> = HashMap::new();
    let mut out = Vec::with_capacity(candidates.len());
    for (i, c) in candidates.iter().enumerate() {
        let code = c
            .hits
            .first()
            .filter(|h| h.score > 0.85 && !c.mention.head.is_procedure())
            .map(|h| h.code.as_str());
        let known = by_key
            .get(c.mention.key.as_str())
            .copied()
            .or_else(|| code.and_then(|code| by_code.get(code).copied()));
        let group = known.unwrap_or(i);
        by_key.entry(c.mention.key.as_str()).or_insert(group);
        if let Some(code) = code {
            by_code.entry(code).or_insert(group);
        }
        out.push(group);
    }
    out
}

/// The best mention of each thing for each way of mentioning it: as a condition of the patient's (diagnosis or
/// history), of a relative's, as absent, as a procedure.
pub(crate) fn choose(candidates: &[Candidate], probabilities: &[Vec<f32>]) -> Vec<Chosen> {
    let groups = groups(candidates);
    let mut best: HashMap<(usize, usize), (f32, Chosen)> = HashMap::new();
    for (i, p) in probabilities.iter().enumerate() {
        let own = if p[1] >= p[2] { 1 } else { 2 };
        for (slot, class, score) in [(0, own, p[1] + p[2]), (3, 3, p[3]), (4, 4, p[4]), (5, 5, p[5])] {
            let chosen = Chosen { candidate: i, class, probability: p[class] };
            let entry = best.entry((groups[i], slot)).or_insert((score, chosen));
            if score > entry.0 {
                *entry = (score, chosen);
            }
        }
    }
    let mut out: Vec<Chosen> = best.into_values().map(|(_, chosen)| chosen).collect();
    out.sort_by_key(|c| (candidates[c.candidate].mention.span.start, c.class));
    out
}

/// Whether two spans overlap by half of the shorter: how references are matched.
pub fn matches(a: &Range<usize>, b: &Range<usize>) -> bool {
    let shared = a.end.min(b.end).saturating_sub(a.start.max(b.start));
    shared > 0 && shared * 2 >= a.len().min(b.len())
}
