//! The final code list of an encounter: from mentions, drugs, allergies and habits by guideline logic, then weighed
//! by a fitted head. Sections are those of the ICD-10-CM Official Guidelines.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use overread_codes::Release;
use overread_domain::CodeRole;
use overread_domain::suggestion::Assertion;

use crate::concept::Concept;
use crate::find::Found;
use crate::heads::Heads;
use crate::linear::Row;
use crate::note::{Doc, SectionKind};

/// Codes of the final list, at most.
const MOST: usize = 15;
/// Widths of a row's features.
pub(crate) const SPARSE: usize = 160;
pub(crate) const DENSE: usize = 4;

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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Diagnosis,
    History,
    Drug,
    Allergy,
    Tobacco,
    Combination,
    /// The second-best code of a condition whose first is doubtful.
    Second,
}

static STATUS: LazyLock<HashMap<(&'static str, &'static str), &'static str>> = LazyLock::new(|| {
    let mut table = HashMap::new();
    for line in include_str!("../data/status_codes.tsv").lines().filter(|l| !l.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        if let &[kind, code, names] = columns.as_slice() {
            table.extend(names.split(';').map(|name| ((kind, name), code)));
        }
    }
    table
});

struct Draft {
    code: String,
    source: Source,
    assertion: Assertion,
    section: SectionKind,
    evidence: Vec<Range<usize>>,
    mention: f32,
    link: f32,
}

/// The list with the head's probabilities, likeliest principal first.
pub(crate) fn build(
    doc: &Doc<'_>,
    release: &Release,
    heads: &Heads,
    conditions: &[Condition],
    found: &[Found],
) -> Vec<Final> {
    let mut drafts = drafts(Some(doc), conditions, found);
    combine(&mut drafts);
    drafts.retain(|d| release.is_billable(&d.code));
    let definitive = drafts.iter().any(|d| {
        d.source == Source::Diagnosis && d.assertion == Assertion::Present && !d.code.starts_with(['R', 'Z'])
    });
    let concluded = doc.sections.iter().any(|s| s.kind.concludes());
    let mut merged: Vec<Final> = Vec::new();
    let count = drafts.len();
    for draft in drafts {
        let row = features(&draft, definitive, concluded, count);
        let plain =
            draft.mention * draft.link * if draft.assertion == Assertion::Possible { 0.3 } else { 1.0 };
        let probability =
            if heads.final_code.classes == 1 { heads.final_code.probabilities(&row)[0] } else { plain };
        match merged.iter_mut().find(|f| f.code == draft.code) {
            Some(f) => {
                f.evidence.extend(draft.evidence);
                if probability > f.probability {
                    (f.probability, f.row) = (probability, row);
                }
            }
            None => merged.push(Final {
                role: role(&draft),
                code: draft.code,
                evidence: draft.evidence,
                probability,
                row,
            }),
        }
    }
    merged.sort_by(|a, b| b.probability.total_cmp(&a.probability).then_with(|| a.code.cmp(&b.code)));
    merged.truncate(MOST);
    principal(doc, &mut merged);
    merged
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
        for (rank, (code, _, link)) in c.codes.iter().take(2).enumerate() {
            if rank == 1 && *link < 0.25 {
                break;
            }
            let source = match (rank, c.history) {
                (0, false) => Source::Diagnosis,
                (0, true) => Source::History,
                _ => Source::Second,
            };
            out.push(Draft {
                code: code.clone(),
                source,
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
        let name = doc.str(&f.span).to_lowercase();
        let (source, code) = match f.concept {
            Concept::Medication if matches!(f.value.as_deref(), Some("current" | "discharge")) => {
                (Source::Drug, STATUS.get(&("drug", name.as_str())).copied())
            }
            Concept::Allergy if f.value.is_none() => {
                (Source::Allergy, STATUS.get(&("allergy", name.as_str())).copied())
            }
            Concept::TobaccoUse => (
                Source::Tobacco,
                match f.value.as_deref() {
                    Some("former") => Some("Z87.891"),
                    Some("current")
                        if name.contains("abuse") || name.contains("use") && !name.contains("used") =>
                    {
                        Some("Z72.0")
                    }
                    Some("current") if name.contains("cigarette") || name.contains("pack") => Some("F17.210"),
                    Some("current") => Some("F17.200"),
                    _ => None,
                },
            ),
            _ => continue,
        };
        let Some(code) = code else { continue };
        out.push(Draft {
            code: code.to_owned(),
            source,
            assertion: Assertion::Present,
            section: doc.kind_at(f.span.start),
            evidence: vec![f.span.clone()],
            mention: 0.7,
            link: 1.0,
        });
    }
    out
}

/// Puts the combination code first among the candidates of the conditions that it combines, so that the mention and
/// the final list speak alike.
pub(crate) fn combine_candidates(release: &Release, conditions: &mut [Condition]) {
    let mut drafts = drafts(None, conditions, &[]);
    drafts.retain(|d| d.source != Source::Second);
    let before: Vec<String> = drafts.iter().map(|d| d.code.clone()).collect();
    combine(&mut drafts);
    for draft in drafts.iter().filter(|d| d.source == Source::Combination) {
        let Some(entry) = release.get(&draft.code).filter(|e| e.billable()) else { continue };
        for condition in conditions.iter_mut().filter(|c| draft.evidence.contains(&c.span)) {
            let Some(first) = condition.codes.first() else { continue };
            // The stage of a kidney disease and the kind of a heart failure stay codes of their own.
            if first.0.starts_with(['N', 'G', 'H'])
                || first.0.starts_with("I50")
                || !before.contains(&first.0)
            {
                continue;
            }
            let p = first.2;
            condition.codes.retain(|c| c.0 != draft.code);
            condition.codes.insert(0, (draft.code.clone(), entry.title().to_owned(), p));
            if let Some(second) = condition.codes.get_mut(1) {
                second.2 *= 0.3;
            }
            condition.codes.truncate(crate::link::SHOWN);
        }
    }
}

/// Combination codes: hypertension with heart failure and kidney disease (I.C.9.a), diabetes with its complications
/// (I.C.4.a). The parts that the combination says drop out.
fn combine(drafts: &mut Vec<Draft>) {
    let sure = |d: &Draft| {
        matches!(d.source, Source::Diagnosis | Source::History)
            && !matches!(d.assertion, Assertion::Possible | Assertion::Historical)
    };
    let find = |drafts: &[Draft], prefix: &[&str]| {
        drafts.iter().position(|d| sure(d) && prefix.iter().any(|p| d.code.starts_with(p)))
    };
    let pressure = find(drafts, &["I10"]);
    let heart = find(drafts, &["I50"]);
    let kidney = find(drafts, &["N18"]);
    let stage = kidney.map(|k| drafts[k].code.clone());
    if let Some(at) = pressure {
        let late = stage.as_deref().is_some_and(|s| matches!(s, "N18.5" | "N18.6"));
        let combined = match (heart, kidney) {
            (Some(_), Some(_)) if late => Some("I13.2"),
            (Some(_), Some(_)) => Some("I13.0"),
            (Some(_), None) => Some("I11.0"),
            (None, Some(_)) if late => Some("I12.0"),
            (None, Some(_)) => Some("I12.9"),
            (None, None) => None,
        };
        if let Some(code) = combined {
            let parts = [Some(at), heart, kidney];
            merge(drafts, at, code, &parts);
        }
    }
    if let Some(at) = find(drafts, &["E11.9", "E10.9"]) {
        let kind = drafts[at].code[..3].to_owned();
        let with =
            [("N18", "22"), ("E1", "21"), ("G62.9", "42"), ("H35", "319"), ("G60", "40"), ("G99", "40")];
        for (prefix, tail) in with {
            let part = drafts.iter().position(|d| {
                sure(d) && (d.code.starts_with(prefix) && (prefix != "E1" || d.code == format!("{kind}.21")))
            });
            if let Some(part) = part {
                merge(drafts, at, &format!("{kind}.{tail}"), &[Some(at), Some(part)]);
                return;
            }
        }
        let specific = drafts.iter().any(|d| sure(d) && d.code.starts_with(&kind) && !d.code.ends_with(".9"));
        if specific {
            drafts.retain(|d| d.code != format!("{kind}.9"));
        }
    }
}

/// Replaces the draft at `at` by a combination code with the evidence of `parts`.
fn merge(drafts: &mut [Draft], at: usize, code: &str, parts: &[Option<usize>]) {
    let indices: Vec<usize> = parts.iter().copied().flatten().collect();
    let evidence: Vec<Range<usize>> = indices.iter().flat_map(|&i| drafts[i].evidence.clone()).collect();
    let mention = indices.iter().map(|&i| drafts[i].mention).fold(1.0, f32::min);
    let link = indices.iter().map(|&i| drafts[i].link).fold(1.0, f32::min);
    let draft = &mut drafts[at];
    (draft.code, draft.source, draft.mention, draft.link) =
        (code.to_owned(), Source::Combination, mention, link);
    draft.evidence = evidence;
}

fn features(d: &Draft, definitive: bool, concluded: bool, count: usize) -> Row {
    let mut active = Vec::new();
    let mut base = 0usize;
    let mut one_of = |index: usize, width: usize| {
        if index < width {
            active.push((base + index) as u32);
        }
        base += width;
    };
    let source = d.source as usize;
    let assertion = Assertion::ALL.iter().position(|a| *a == d.assertion).unwrap_or(0);
    let letter = usize::from(d.code.as_bytes().first().copied().unwrap_or(b'A').wrapping_sub(b'A')).min(25);
    one_of(source, 7);
    one_of(assertion, 6);
    one_of(d.section as usize, SectionKind::COUNT);
    one_of(letter, 26);
    one_of(source * 6 + assertion, 42);
    let symptom = usize::from(letter == 17);
    one_of(symptom * 4 + usize::from(definitive) * 2 + usize::from(d.section.concludes()), 8);
    one_of(usize::from(concluded) * 2 + usize::from(d.section.concludes()), 4);
    one_of((count / 5).min(5), 6);
    one_of(usize::from(!d.code.starts_with("Z98.890")), 1);
    debug_assert!(base <= SPARSE);
    let dense = vec![d.mention * 2.0, d.link * 2.0, d.mention * d.link * 4.0, (d.link.max(0.01)).ln() * 0.5];
    Row { active, dense }
}
