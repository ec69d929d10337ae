//! Features of a mention, and which mentions become suggestions.

use std::collections::HashMap;
use std::ops::Range;

use overread_codes::search::Patient;
use overread_codes::{Hit, Release};
use overread_domain::suggestion::Assertion;

use crate::assertion::Scope;
use crate::find::condition::{HeadKind, Mention, mentions};
use crate::linear::Row;
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
    pub row: Row,
}

/// Number of binary features; see [`Bits`].
pub(crate) const SPARSE: usize = 900;
/// Scale of the unit state vector among the features.
const STATE_SCALE: f32 = 4.0;

const ASSERTIONS: [Assertion; 6] = Assertion::ALL;

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

/// All mentions of the note with their features.
pub(crate) fn candidates(
    doc: &Doc<'_>,
    states: Option<&States>,
    release: &Release,
    patient: Patient,
) -> Vec<Candidate> {
    let found = mentions(doc);
    let mut cache: HashMap<String, Vec<Hit>> = HashMap::new();
    let mut scope: Option<(usize, Scope<'_>)> = None;
    let mut out: Vec<Candidate> = Vec::with_capacity(found.len());
    for mention in found {
        if scope.as_ref().is_none_or(|(segment, _)| *segment != mention.segment) {
            scope = Some((mention.segment, Scope::new(doc, &doc.segments[mention.segment])));
        }
        let Some((_, cues)) = &scope else { continue };
        let hits = if searched(mention.head) {
            let query = doc.str(&mention.span).to_lowercase();
            cache
                .entry(query.clone())
                .or_insert_with(|| {
                    crate::link::lookup(release, &query, overread_codes::Context::Current, patient, 5)
                })
                .clone()
        } else {
            Vec::new()
        };
        let segment = &doc.segments[mention.segment];
        out.push(Candidate {
            assertion: cues.assertion(&mention.span),
            planned: cues.planned(&mention.span),
            section: doc.section(segment).kind,
            hits,
            row: Row::default(),
            mention,
        });
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
        let dense = states.map_or_else(Vec::new, |s| {
            let mut v = s.mean(candidate.mention.span.clone());
            for x in &mut v {
                *x *= STATE_SCALE;
            }
            v
        });
        candidate.row = Row { active, dense };
    }
    out
}

fn features(doc: &Doc<'_>, c: &Candidate, e: Elsewhere, index: usize, note: (bool, bool, bool)) -> Vec<u32> {
    let segment = &doc.segments[c.mention.segment];
    let words = doc.words_in(c.mention.span.clone()).len();
    let section = c.section as usize;
    let assertion = ASSERTIONS.iter().position(|a| *a == c.assertion).unwrap_or(0);
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
