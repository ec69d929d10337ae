//! The final code list of an encounter: from mentions, drugs, allergies, habits and the note's own words by guideline
//! logic, then weighed by a fitted head. Sections are those of the ICD-10-CM Official Guidelines.

mod combine;
mod features;
mod prior;
mod text;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use overread_codes::Release;
use overread_domain::CodeRole;
use overread_domain::suggestion::Assertion;

pub(crate) use combine::candidates as combine_candidates;
pub(crate) use features::{DENSE, SPARSE};
pub use prior::Prior;
pub(crate) use text::status_named;

use crate::concept::Concept;
use crate::find::Found;
use crate::heads::Heads;
use crate::linear::Row;
use crate::note::{Doc, SectionKind};

/// Codes that are ranked, at most; how many are shown is the threshold's matter.
const MOST: usize = 60;
/// Probability of a code for its mention from which it is the second-best rather than one of many.
const SECOND: f32 = 0.25;

/// A condition that was chosen, with its codes.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub span: Range<usize>,
    pub history: bool,
    pub assertion: Assertion,
    pub section: SectionKind,
    /// Probability that it belongs into the entry.
    pub probability: f32,
    /// Code, title, probability; best first.
    pub codes: Vec<(String, String, f32)>,
}

/// A code for the final list.
#[derive(Clone, Debug)]
pub(crate) struct Final {
    pub code: String,
    pub role: CodeRole,
    pub evidence: Vec<Range<usize>>,
    pub probability: f32,
    pub row: Row,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Diagnosis,
    History,
    Drug,
    Allergy,
    Tobacco,
    Combination,
    /// Not the best code of its condition.
    Second,
    /// Words of the note ask for it, not a condition: external causes, reasons for an encounter, status.
    Text,
}

static STATUS: LazyLock<HashMap<(&'static str, &'static str), &'static str>> = LazyLock::new(|| {
    let mut table = HashMap::new();
    for line in include_str!("../../data/status_codes.tsv").lines().filter(|l| !l.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        if let &[kind, code, names] = columns.as_slice() {
            table.extend(names.split(';').map(|name| ((kind, name), code)));
        }
    }
    table
});

#[derive(Clone, Debug)]
struct Draft {
    code: String,
    source: Source,
    /// Place among the codes of its condition.
    rank: usize,
    assertion: Assertion,
    section: SectionKind,
    evidence: Vec<Range<usize>>,
    mention: f32,
    link: f32,
}

/// What is known of the note when its codes are weighed.
pub(crate) struct Asked<'a, 't> {
    pub doc: &'a Doc<'t>,
    pub release: &'a Release,
    pub conditions: &'a [Condition],
    pub found: &'a [Found],
    /// Codes of this very note in the lists that the prior was counted on: they must not know themselves.
    pub own: &'a [String],
}

/// The list with the head's probabilities, likeliest first.
pub(crate) fn build(asked: &Asked<'_, '_>, heads: &Heads) -> Vec<Final> {
    let mut drafts = drafts(Some(asked.doc), asked.conditions, asked.found);
    combine::combine(&mut drafts);
    drafts.retain(|d| asked.release.is_billable(&d.code));
    let setting = features::Setting::of(asked, &drafts);
    let head = heads.final_head(asked.doc.sections.len() <= 1);
    let mut order: Vec<&str> = Vec::new();
    let mut by_code: HashMap<&str, Vec<&Draft>> = HashMap::new();
    for draft in &drafts {
        by_code
            .entry(&draft.code)
            .or_insert_with(|| {
                order.push(&draft.code);
                Vec::new()
            })
            .push(draft);
    }
    let mut list: Vec<Final> = order
        .into_iter()
        .map(|code| {
            let mut group = by_code.remove(code).unwrap_or_default();
            group.sort_by(|a, b| (b.mention * b.link).total_cmp(&(a.mention * a.link)));
            let row = features::row(&group, &setting, asked, &heads.prior);
            let best = group[0];
            let doubt = if best.assertion == Assertion::Possible { 0.3 } else { 1.0 };
            let plain = best.mention * best.link * doubt;
            let probability = if head.classes == 1 { head.probabilities(&row)[0] } else { plain };
            let mut evidence: Vec<Range<usize>> = Vec::new();
            for span in group.iter().flat_map(|d| &d.evidence) {
                if !evidence.contains(span) {
                    evidence.push(span.clone());
                }
            }
            evidence.truncate(6);
            Final { role: role(best), code: code.to_owned(), evidence, probability, row }
        })
        .collect();
    list.sort_by(|a, b| b.probability.total_cmp(&a.probability).then_with(|| a.code.cmp(&b.code)));
    list.truncate(MOST);
    principal(asked.doc, &mut list);
    list
}

fn role(draft: &Draft) -> CodeRole {
    match (draft.source, draft.code.as_bytes().first()) {
        (_, Some(b'R')) => CodeRole::Symptom,
        (_, Some(b'Z')) => CodeRole::History,
        _ => CodeRole::Secondary,
    }
}

/// The first-listed condition of the conclusion, else the first diagnosis (sections II and IV.G).
fn principal(doc: &Doc<'_>, list: &mut [Final]) {
    let place = |f: &Final| {
        f.evidence
            .iter()
            .map(|e| (!doc.kind_at(e.start).concludes(), e.start))
            .min()
            .unwrap_or((true, usize::MAX))
    };
    let wanted =
        |f: &Final, symptoms: bool| f.role == CodeRole::Secondary || symptoms && f.role == CodeRole::Symptom;
    for symptoms in [false, true] {
        let likely = |f: &&mut Final| f.probability >= 0.3 && wanted(f, symptoms);
        if let Some(first) = list.iter_mut().filter(likely).min_by_key(|f| place(f)) {
            first.role = CodeRole::Principal;
            return;
        }
    }
    if let Some(first) = list.iter_mut().find(|f| wanted(f, true)) {
        first.role = CodeRole::Principal;
    }
}

fn drafts(doc: Option<&Doc<'_>>, conditions: &[Condition], found: &[Found]) -> Vec<Draft> {
    let mut out = Vec::new();
    for c in conditions.iter().filter(|c| !matches!(c.assertion, Assertion::Absent | Assertion::Family)) {
        for (rank, (code, _, link)) in c.codes.iter().enumerate() {
            let source = match (rank, c.history) {
                (0, false) => Source::Diagnosis,
                (0, true) => Source::History,
                _ => Source::Second,
            };
            out.push(Draft {
                code: code.clone(),
                source,
                rank,
                assertion: c.assertion,
                section: c.section,
                evidence: vec![c.span.clone()],
                mention: c.probability,
                link: *link,
            });
        }
    }
    let Some(doc) = doc else { return out };
    for f in found {
        let Some((source, code)) = status(doc, f) else { continue };
        out.push(Draft {
            code: code.to_owned(),
            source,
            rank: 0,
            assertion: Assertion::Present,
            section: doc.kind_at(f.span.start),
            evidence: vec![f.span.clone()],
            mention: 0.7,
            link: 1.0,
        });
    }
    out.extend(text::drafts(doc, conditions));
    out
}

/// Status codes for long-term drugs, allergies and tobacco (I.C.21.c.3).
fn status(doc: &Doc<'_>, f: &Found) -> Option<(Source, &'static str)> {
    let name = doc.str(&f.span).to_lowercase();
    match f.concept {
        Concept::Medication if matches!(f.value.as_deref(), Some("current" | "discharge")) => {
            Some((Source::Drug, *STATUS.get(&("drug", name.as_str()))?))
        }
        Concept::Allergy if f.value.is_none() => {
            Some((Source::Allergy, *STATUS.get(&("allergy", name.as_str()))?))
        }
        Concept::TobaccoUse => {
            let code = match f.value.as_deref()? {
                "former" => "Z87.891",
                "current" if name.contains("abuse") || name.contains("use") && !name.contains("used") => {
                    "Z72.0"
                }
                "current" if name.contains("cigarette") || name.contains("pack") => "F17.210",
                "current" => "F17.200",
                _ => return None,
            };
            Some((Source::Tobacco, code))
        }
        _ => None,
    }
}
