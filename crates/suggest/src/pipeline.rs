//! What a note says, before any template is asked: everything the finders found, once a note.

use std::ops::Range;

use overread_codes::Release;
use overread_codes::search::Patient;
use overread_domain::suggestion::Assertion;

use crate::codeset::{Condition, Final};
use crate::concept::Concept;
use crate::find::condition::HeadKind;
use crate::find::{Found, allergy, dates, habits, labs, medication, outcome, person, vitals};
use crate::heads::{CLASSES, Heads};
use crate::insight::{Insight, Sense};
use crate::linear::Row;
use crate::mention::{Candidate, Chosen, Dense, Trained, candidates, choose};
use crate::neural::ASSERTIONS;
use crate::note::{Doc, SectionKind};
use crate::states::States;
use crate::{Suggester, asserted, codeset, link, stack};

/// Conditions that stay: a past mention of one of these is no history code's matter.
pub(crate) const LASTING: &[&str] = &[
    "E1", "E0", "E7", "E6", "I1", "I2", "I4", "I5", "I7", "J4", "N18", "N4", "M", "F", "G", "K2", "H", "D5",
    "B18", "B20", "Q", "L", "J3",
];

/// A note taken apart and read by the transformer.
#[derive(Debug)]
pub(crate) struct Read<'t> {
    pub doc: Doc<'t>,
    pub states: States,
    /// What the trained heads say, where the model has them.
    pub insight: Option<Insight>,
}

/// Everything known of a note's conditions and values.
#[derive(Debug)]
pub(crate) struct Analysis {
    pub candidates: Vec<Candidate>,
    pub chosen: Vec<Chosen>,
    pub found: Vec<Found>,
    pub patient: Patient,
    /// Which encounter for an injury this is, as far as the note says.
    pub visit: Visit,
}

/// Who the patient is, as far as codes ask.
fn patient(doc: &Doc<'_>, found: &[Found]) -> Patient {
    let age = found.iter().find(|f| f.concept == Concept::Age).and_then(|f| f.value.as_deref()).unwrap_or("");
    let weeks: Option<u32> = age.strip_suffix(" weeks").and_then(|n| n.parse().ok());
    if age.ends_with(" days") || weeks.is_some_and(|n| n <= 4) {
        return Patient::Newborn;
    }
    let beginning = doc.before(doc.text.len().min(2500), 2500, 0).to_lowercase();
    let pregnant = [
        "intrauterine pregnancy",
        "weeks gestation",
        "weeks pregnant",
        "weeks' gestation",
        "gravida",
        "in labor",
        "estimated due date",
        "is pregnant",
    ];
    let newborn = ["newborn", "neonate", "nicu", "apgar"];
    if pregnant.iter().any(|w| beginning.contains(w))
        && !beginning.contains("not pregnant")
        && beginning.contains("week")
    {
        Patient::Pregnant
    } else if newborn.iter().any(|w| beginning.contains(w)) && !age.ends_with(" years") {
        Patient::Newborn
    } else {
        Patient::Anyone
    }
}

/// The encounter for an injury: 7th characters A, D and S (I.C.19.a).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visit {
    /// Active treatment: emergency room, operation, first evaluation.
    Initial,
    /// Routine healing: follow-up, cast change, aftercare.
    Subsequent,
}

/// Whether the note says that the patient comes back after active treatment.
fn visit(doc: &Doc<'_>) -> Visit {
    let beginning = doc.before(doc.text.len().min(1800), 1800, 0).to_lowercase();
    let back = [
        "follow-up visit",
        "followup visit",
        "for followup",
        "for follow-up",
        "for follow up",
        "returns for",
        "returns today",
        "here for recheck",
        "for a recheck",
        "postoperative visit",
        "postop visit",
        "weeks status post",
        "weeks out from",
        "weeks postop",
        "weeks after surgery",
        "cast removal",
        "suture removal",
        "physical therapy",
    ];
    let active =
        ["emergency", "taken to the operating room", "preoperative diagnosis", "postoperative diagnosis"];
    let says = |list: &[&str]| list.iter().any(|w| beginning.contains(w));
    if says(&back) && !says(&active) { Visit::Subsequent } else { Visit::Initial }
}

/// What the finders, the trained heads and the mention head find.
pub(crate) fn analyse(read: &Read<'_>, sense: Option<&Sense>, release: &Release, heads: &Heads) -> Analysis {
    let doc = &read.doc;
    let trained = sense.zip(read.insight.as_ref()).map(|(sense, insight)| Trained {
        sense,
        insight,
        states: &read.states,
    });
    let mut found = Vec::new();
    found.extend(person::age(doc));
    found.extend(person::sex(doc));
    found.extend(dates::find(doc));
    found.extend(vitals::find(doc));
    let drugs: Vec<Range<usize>> = trained.map_or_else(Vec::new, |t| stack::drugs(doc, t));
    found.extend(medication::find(doc, &drugs));
    found.extend(allergy::find(doc));
    found.extend(labs::find(doc));
    found.extend(habits::find(doc));
    found.extend(outcome::find(doc));
    if let Some(trained) = trained {
        stack::add(doc, trained, &mut found);
    }
    stack::weigh(trained, heads, &mut found);
    let patient = patient(doc, &found);
    // A head that was fitted on states wants states, one that was fitted on trained heads wants those.
    let dense = match trained {
        Some(trained) => Dense::Trained(trained),
        None if heads.mention.dense > 0 => Dense::States(&read.states),
        None => Dense::Nothing,
    };
    let mut candidates = candidates(doc, dense, release, patient);
    if heads.mention.dense == 0 && heads.mention.classes > 0 {
        for candidate in &mut candidates {
            candidate.row.dense.clear();
        }
    }
    let chosen = if heads.mention.classes == CLASSES.len() {
        let probabilities: Vec<Vec<f32>> =
            candidates.iter().map(|c| heads.mention.probabilities(&c.row)).collect();
        choose(&candidates, &probabilities)
    } else {
        Vec::new()
    };
    Analysis { candidates, chosen, found, patient, visit: visit(doc) }
}

/// The assertion that an entry gets for a chosen mention.
pub(crate) fn final_assertion(heads: &Heads, candidate: &Candidate, class: usize) -> Assertion {
    match (class, candidate.assertion) {
        (3, _) => return Assertion::Family,
        (4, _) => return Assertion::Absent,
        _ => {}
    }
    if heads.assertion.classes == ASSERTIONS {
        let allowed: &[Assertion] = match class {
            1 => &[Assertion::Present, Assertion::Possible],
            2 => &[Assertion::Present, Assertion::Historical],
            _ => &[Assertion::Present, Assertion::Planned, Assertion::Historical],
        };
        let p = heads.assertion.probabilities(&asserted::row(&asserted::Facts::of(candidate, class)));
        // What is past is asked twice: the head that knows nothing else has seen every case of it.
        let past = if class == 2 && heads.past.classes == 1 {
            heads.past.probabilities(&past_row(candidate))[0]
        } else {
            0.5
        };
        let likely = |a: &&Assertion| {
            let odds = if **a == Assertion::Historical { past } else { 1.0 - past };
            p[**a as usize] * odds
        };
        return allowed.iter().max_by(|a, b| likely(a).total_cmp(&likely(b))).copied().unwrap_or_default();
    }
    match (class, candidate.assertion) {
        (5, _) if candidate.planned => Assertion::Planned,
        (5, Assertion::Historical) => Assertion::Historical,
        (1, Assertion::Possible) => Assertion::Possible,
        (1 | 5, _) => Assertion::Present,
        _ => {
            let p = if heads.past.classes == 1 {
                heads.past.probabilities(&past_row(candidate))[0]
            } else {
                plain_past(candidate)
            };
            if p >= 0.5 { Assertion::Historical } else { Assertion::Present }
        }
    }
}

/// Width of [`past_row`].
pub(crate) const PAST_SPARSE: usize = 7 + 6 + SectionKind::COUNT + 26 + 2;

/// Features for whether something of the past is over.
pub(crate) fn past_row(c: &Candidate) -> Row {
    let code = c.hits.first().map_or("", |h| h.code.as_str());
    let letter = code.bytes().next().map_or(25, |b| usize::from(b.wrapping_sub(b'A')).min(25));
    let assertion = Assertion::ALL.iter().position(|a| *a == c.assertion).unwrap_or(0);
    let lasting = usize::from(LASTING.iter().any(|p| code.starts_with(p)));
    let at = [
        c.mention.head as usize,
        HeadKind::COUNT + assertion,
        13 + c.section as usize,
        13 + SectionKind::COUNT + letter,
        39 + SectionKind::COUNT + lasting,
    ];
    Row { active: at.iter().map(|&i| i as u32).collect(), dense: Vec::new() }
}

fn plain_past(c: &Candidate) -> f32 {
    let code = c.hits.first().map_or("", |h| h.code.as_str());
    if c.mention.head == HeadKind::Operation
        || c.assertion == Assertion::Historical && !LASTING.iter().any(|p| code.starts_with(p))
    {
        1.0
    } else {
        0.0
    }
}

/// The words around a mention that may name its side, stage, place or cause: a short list item, or the mention with what
/// follows it up to the next stop.
pub(crate) fn around<'t>(doc: &Doc<'t>, candidate: &Candidate) -> Option<&'t str> {
    let segment = &doc.segments[candidate.mention.segment];
    let text = doc.str(&segment.range).trim_end_matches(['.', ',', ';', ' ']);
    let words = text.split_whitespace().count();
    let listing = candidate.section.concludes()
        || candidate.section.is_past()
        || candidate.section == SectionKind::AdmissionDiagnosis;
    if listing && segment.item && words <= 12 {
        return Some(text);
    }
    let span = &candidate.mention.span;
    let rest = doc.text.get(span.end..segment.range.end)?;
    let stop = rest.find([',', ';', ':', '.', '(', ')', '\n']).unwrap_or(rest.len());
    // Not past another verb's worth of words: what stands farther off is another matter.
    let clause = rest[..stop].split_inclusive(char::is_whitespace).take(8).map(str::len).sum::<usize>();
    let clause = rest[..clause.min(stop)].trim_end();
    (clause.split_whitespace().count() >= 2).then(|| &doc.text[span.start..span.end + clause.len()])
}

/// A chosen mention whose code is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub candidate: &'a Candidate,
    pub class: usize,
    pub assertion: Assertion,
}

/// Code candidates of chosen mentions, all at once: the vectors of the release are gone through once a note.
pub(crate) fn codes(
    model: &Suggester,
    read: &Read<'_>,
    analysis: &Analysis,
    asks: &[Ask<'_>],
) -> Vec<Vec<link::Candidate>> {
    let vectors = model.vectors.as_deref();
    let spans: Vec<Range<usize>> = asks.iter().map(|a| a.candidate.mention.span.clone()).collect();
    let own: Vec<Vec<f32>> = match (&model.sense, vectors) {
        (_, None) => Vec::new(),
        (Some(sense), _) => sense.phrases(&read.states, &spans),
        (None, _) => spans.iter().map(|s| read.states.mean(s.clone())).collect(),
    };
    let mut finder = link::Finder::new(&model.release, vectors, analysis.patient);
    let doc = &read.doc;
    let near: Vec<(&str, Vec<f32>, bool)> = asks
        .iter()
        .zip(own)
        .map(|(a, v)| (doc.str(&a.candidate.mention.span), v, a.assertion == Assertion::Family))
        .collect();
    finder.near(&near);
    asks.iter()
        .enumerate()
        .map(|(i, ask)| {
            let candidate = ask.candidate;
            let segment = candidate.mention.segment;
            let alone = analysis.candidates.iter().filter(|c| c.mention.segment == segment).count() == 1;
            finder.candidates(
                &link::Wanted {
                    quote: doc.str(&candidate.mention.span),
                    hits: &candidate.hits,
                    around: around(doc, candidate),
                    sentence: doc.str(&doc.segments[segment].range),
                    alone,
                    assertion: ask.assertion,
                    head: candidate.mention.head,
                    history: ask.class == 2,
                    visit: analysis.visit,
                },
                i,
            )
        })
        .collect()
}

/// The final list from what was chosen and found. `own` holds the codes of this very note where the prior was counted
/// on it too.
pub(crate) fn final_codes(
    read: &Read<'_>,
    release: &Release,
    heads: &Heads,
    conditions: &[Condition],
    analysis: &Analysis,
    own: &[String],
) -> Vec<Final> {
    let asked = codeset::Asked { doc: &read.doc, release, conditions, found: &analysis.found, own };
    codeset::build(&asked, heads)
}
