//! What a note says, before any template is asked: everything the finders found, once a note.

use overread_codes::Release;
use overread_codes::search::Patient;
use overread_domain::suggestion::Assertion;

use crate::codeset::{Condition, Final};
use crate::concept::Concept;
use crate::find::condition::HeadKind;
use crate::find::{Found, allergy, dates, habits, labs, medication, outcome, person, vitals};
use crate::heads::{CLASSES, Heads};
use crate::linear::Row;
use crate::mention::{Candidate, Chosen, candidates, choose};
use crate::note::{Doc, SectionKind};
use crate::states::States;
use crate::{Suggester, codeset, link};

/// Conditions that stay: a past mention of one of these is no history code's matter.
const LASTING: &[&str] = &[
    "E1", "E0", "E7", "E6", "I1", "I2", "I4", "I5", "I7", "J4", "N18", "N4", "M", "F", "G", "K2", "H", "D5",
    "B18", "B20", "Q", "L", "J3",
];

/// Everything known of a note's conditions and values.
#[derive(Debug)]
pub(crate) struct Analysis {
    pub candidates: Vec<Candidate>,
    pub chosen: Vec<Chosen>,
    pub found: Vec<Found>,
    pub patient: Patient,
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

/// What the finders and the mention head find.
pub(crate) fn analyse(doc: &Doc<'_>, states: Option<&States>, release: &Release, heads: &Heads) -> Analysis {
    let mut found = Vec::new();
    found.extend(person::age(doc));
    found.extend(person::sex(doc));
    found.extend(dates::find(doc));
    found.extend(vitals::find(doc));
    found.extend(medication::find(doc));
    found.extend(allergy::find(doc));
    found.extend(labs::find(doc));
    found.extend(habits::find(doc));
    found.extend(outcome::find(doc));
    // Heads with a dense block want the states that they were fitted on.
    let states = states.filter(|_| heads.mention.dense > 0);
    let patient = patient(doc, &found);
    let candidates = candidates(doc, states, release, patient);
    let chosen = if heads.mention.classes == CLASSES.len() {
        let probabilities: Vec<Vec<f32>> =
            candidates.iter().map(|c| heads.mention.probabilities(&c.row)).collect();
        choose(&candidates, &probabilities)
    } else {
        Vec::new()
    };
    Analysis { candidates, chosen, found, patient }
}

/// The assertion that an entry gets for a chosen mention.
pub(crate) fn final_assertion(heads: &Heads, candidate: &Candidate, class: usize) -> Assertion {
    match (class, candidate.assertion) {
        (3, _) => Assertion::Family,
        (4, _) => Assertion::Absent,
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

/// The words around a mention that may name its side, stage or cause: a short list item, or the mention with what
/// follows it up to the next stop.
pub(crate) fn around<'t>(doc: &Doc<'t>, candidate: &Candidate) -> Option<&'t str> {
    let segment = &doc.segments[candidate.mention.segment];
    let text = doc.str(&segment.range).trim_end_matches(['.', ',', ';', ' ']);
    let words = text.split_whitespace().count();
    let listing = candidate.section.concludes()
        || candidate.section.is_past()
        || candidate.section == SectionKind::AdmissionDiagnosis;
    (listing && segment.item && words <= 12).then_some(text)
}

/// Codes of a chosen mention.
pub(crate) fn codes(
    model: &Suggester,
    doc: &Doc<'_>,
    states: &States,
    analysis: &Analysis,
    candidate: &Candidate,
    class: usize,
    assertion: Assertion,
) -> Vec<link::Candidate> {
    let vectors = model.vectors.as_deref();
    let vector = vectors.map(|_| states.mean(candidate.mention.span.clone()));
    let wanted = link::Wanted {
        quote: doc.str(&candidate.mention.span),
        around: around(doc, candidate),
        alone: analysis.candidates.iter().filter(|c| c.mention.segment == candidate.mention.segment).count()
            == 1,
        patient: analysis.patient,
        assertion,
        head: candidate.mention.head,
        history: class == 2,
        vector: vector.as_deref(),
    };
    link::candidates(&model.release, vectors, &wanted)
}

/// The final list from what was chosen and found.
pub(crate) fn final_codes(
    doc: &Doc<'_>,
    release: &Release,
    heads: &Heads,
    conditions: &[Condition],
    found: &[Found],
) -> Vec<Final> {
    let shown: Vec<Found> = found
        .iter()
        .filter(|f| matches!(f.concept, Concept::Medication | Concept::Allergy | Concept::TobaccoUse))
        .cloned()
        .collect();
    codeset::build(doc, release, heads, conditions, &shown)
}
