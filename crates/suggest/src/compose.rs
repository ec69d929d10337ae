//! From finds to suggestions: fields, wire spans, confidence, thresholds, order.

use std::collections::BTreeMap;
use std::ops::Range;

use overread_domain::code::ICD_10_CM;
use overread_domain::span::CodePoints;
use overread_domain::suggestion::{Assertion, Content, Suggestion};
use overread_domain::template::{Cardinality, Field, FieldKind};
use overread_domain::{CodeCandidate, CodeRef, CodeRole, Quoted, Span, Template};

use crate::bind::Binding;
use crate::codeset::Condition;
use crate::concept::Concept;
use crate::note::Doc;
use crate::pipeline::{self, Analysis, Read};
use crate::{Suggested, Suggester, codeset, link};

/// Rows a field, at most: what a reviewer can still look through.
const MOST_PER_FIELD: usize = 60;
const MOST_ABSENT: usize = 8;
const MOST_LABS: usize = 15;

/// Probability from which a mention is looked at for a field, and for the final list, whose tail is ranked too.
const LEAST: f32 = 0.04;
const LEAST_FINAL: f32 = 0.015;
/// The same for a text without headings, whose mentions stand where no head learned to expect them.
const LEAST_PLAIN: f32 = 0.002;

/// Probability from which a mention's codes are weighed for the final list.
pub(crate) fn least_final(doc: &Doc<'_>) -> f32 {
    if doc.sections.len() <= 1 { LEAST_PLAIN } else { LEAST_FINAL }
}

/// Name of the threshold of final codes in texts without headings.
const PLAIN: &str = "final_code/plain";

/// A suggestion before its places are on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Index of the field in the template.
    pub field: usize,
    pub evidence: Vec<Range<usize>>,
    pub value: Option<String>,
    pub assertion: Option<Assertion>,
    pub role: Option<CodeRole>,
    pub code: Option<(String, String)>,
    pub codes: Vec<(String, String, f32)>,
    pub attributes: Vec<(String, Range<usize>)>,
    pub confidence: f32,
    pub threshold: f32,
    /// See [`Suggestion::remembered`].
    pub remembered: bool,
}

fn fields_of<'t>(template: &'t Template, binding: &Binding, concept: Concept) -> Vec<(usize, &'t Field)> {
    template
        .fields()
        .enumerate()
        .zip(&binding.fields)
        .filter(|(_, bound)| bound.concept == Some(concept))
        .map(|(field, _)| field)
        .collect()
}

/// Rows of all fields that a finder speaks for.
pub(crate) fn compose(
    model: &Suggester,
    read: &Read<'_>,
    analysis: &Analysis,
    template: &Template,
    binding: &Binding,
) -> Vec<Row> {
    let doc = &read.doc;
    let mut rows = Vec::new();
    for f in &analysis.found {
        for (index, field) in fields_of(template, binding, f.concept) {
            rows.extend(found_row(model, f, index, field));
        }
    }
    let conditions = conditions(model, read, analysis, template, binding, &mut rows);
    let finals = fields_of(template, binding, Concept::FinalCode);
    if !finals.is_empty() {
        // Case reports without a heading are coded otherwise than notes.
        let plain = doc.sections.len() <= 1 && model.heads.thresholds.contains_key(PLAIN);
        let name = if plain { PLAIN } else { "final_code" };
        let reports = model.reports.as_ref().filter(|reports| reports.is_report(doc));
        let (threshold, list) = match reports {
            Some(reports) => (reports.threshold(), reports.codes(doc, analysis, &model.release)),
            None => (
                model.heads.threshold(name),
                pipeline::final_codes(read, &model.release, &model.heads, &conditions, analysis, &[]),
            ),
        };
        for (index, _) in finals {
            for f in list.iter().take(model.tail) {
                let confidence = match reports {
                    Some(_) => f.probability,
                    None => model.heads.calibrated(name, f.probability),
                };
                let title = model.release.get(&f.code).map_or_else(String::new, |e| e.title().to_owned());
                rows.push(Row {
                    field: index,
                    evidence: f.evidence.clone(),
                    value: None,
                    assertion: None,
                    role: Some(f.role),
                    code: Some((f.code.clone(), title.clone())),
                    codes: vec![(f.code.clone(), title, confidence)],
                    attributes: Vec::new(),
                    confidence,
                    threshold,
                    remembered: false,
                });
            }
        }
    }
    rows
}

fn found_row(model: &Suggester, f: &crate::find::Found, index: usize, field: &Field) -> Option<Row> {
    let concept = f.concept.id();
    if let (FieldKind::Choice { options }, Some(value)) = (&field.kind, &f.value)
        && !options.contains(value)
    {
        return None;
    }
    let attributes = f
        .attributes
        .iter()
        .filter(|(id, _)| field.attributes.iter().any(|a| a.id == *id))
        .map(|(id, range)| ((*id).to_owned(), range.clone()))
        .collect();
    Some(Row {
        field: index,
        evidence: vec![f.span.clone()],
        value: f.value.clone(),
        assertion: f.assertion,
        role: None,
        code: None,
        codes: Vec::new(),
        attributes,
        confidence: model.heads.calibrated(concept, f.confidence),
        threshold: model.heads.threshold(concept),
        remembered: false,
    })
}

const CONCEPTS: [(usize, Concept); 5] = [
    (1, Concept::Diagnosis),
    (2, Concept::History),
    (3, Concept::FamilyHistory),
    (4, Concept::AbsentCondition),
    (5, Concept::Procedure),
];

fn conditions(
    model: &Suggester,
    read: &Read<'_>,
    analysis: &Analysis,
    template: &Template,
    binding: &Binding,
    rows: &mut Vec<Row>,
) -> Vec<Condition> {
    let doc = &read.doc;
    let mut out = Vec::new();
    let wants_codes = !fields_of(template, binding, Concept::FinalCode).is_empty();
    let mut rows_of = Vec::new();
    for chosen in &analysis.chosen {
        let Some(&(_, concept)) = CONCEPTS.iter().find(|(class, _)| *class == chosen.class) else { continue };
        let fields = fields_of(template, binding, concept);
        let threshold = model.heads.threshold(concept.id());
        // Far below any threshold nothing is worth the look-up of its codes.
        let worth = chosen.class <= 2 && wants_codes && chosen.probability >= least_final(doc)
            || !fields.is_empty() && chosen.probability >= LEAST;
        if !worth {
            continue;
        }
        let candidate = &analysis.candidates[chosen.candidate];
        let assertion = pipeline::final_assertion(&model.heads, candidate, chosen.class);
        rows_of.push((chosen, concept, fields, threshold, candidate, assertion));
    }
    let asks: Vec<pipeline::Ask<'_>> = rows_of
        .iter()
        .filter(|(chosen, ..)| chosen.class <= 3)
        .map(|(chosen, _, _, _, candidate, assertion)| pipeline::Ask {
            candidate,
            class: chosen.class,
            assertion: *assertion,
        })
        .collect();
    let mut answers = pipeline::codes(model, read, analysis, &asks).into_iter();
    for (chosen, concept, fields, threshold, candidate, assertion) in rows_of {
        let coded = chosen.class <= 3;
        let codes =
            if coded { link::rank(&model.heads, answers.next().unwrap_or_default()) } else { Vec::new() };
        if chosen.class <= 2 {
            out.push(Condition {
                span: candidate.mention.span.clone(),
                history: chosen.class == 2,
                assertion,
                section: candidate.section,
                probability: chosen.probability,
                codes: codes.clone(),
            });
        }
        let shown = link::shown(&model.heads, codes);
        let confidence = model.heads.calibrated(concept.id(), chosen.probability);
        for (index, field) in fields {
            let codes =
                if field.code_system.as_deref() == Some(ICD_10_CM) { shown.clone() } else { Vec::new() };
            rows.push(Row {
                field: index,
                evidence: vec![candidate.mention.span.clone()],
                value: None,
                assertion: field.assertion.then_some(assertion),
                role: None,
                code: codes.first().map(|c| (c.0.clone(), c.1.clone())),
                codes,
                attributes: relative(doc, candidate, field),
                confidence,
                threshold,
                remembered: false,
            });
        }
    }
    let mut combined = out.clone();
    codeset::combine_candidates(&model.release, &mut combined);
    for row in rows.iter_mut().filter(|r| !r.codes.is_empty()) {
        let same = combined.iter().find(|c| row.evidence.first() == Some(&c.span));
        if let Some(condition) = same.filter(|c| !c.codes.is_empty()) {
            row.codes = link::shown(&model.heads, condition.codes.clone());
            row.code = row.codes.first().map(|c| (c.0.clone(), c.1.clone()));
        }
    }
    out
}

/// The relative who has the condition: the last one named before it.
fn relative(doc: &Doc<'_>, c: &crate::mention::Candidate, field: &Field) -> Vec<(String, Range<usize>)> {
    const RELATIVES: &[&str] = &[
        "mother",
        "father",
        "brother",
        "sister",
        "brothers",
        "sisters",
        "siblings",
        "son",
        "daughter",
        "aunt",
        "uncle",
        "grandmother",
        "grandfather",
        "grandparents",
        "parents",
        "cousin",
        "family",
        "children",
        "mom",
        "dad",
    ];
    if !field.attributes.iter().any(|a| a.id == "relative") {
        return Vec::new();
    }
    let segment = &doc.segments[c.mention.segment];
    let words = doc.words_in(segment.range.start..c.mention.span.start);
    let later = doc.words_in(c.mention.span.end..segment.range.end);
    let is = |w: &&crate::note::Word| RELATIVES.contains(&w.of(doc.text).to_lowercase().as_str());
    let found = words.iter().rev().find(is).or_else(|| later.iter().find(is));
    found.map(|w| ("relative".to_owned(), w.start..w.end)).into_iter().collect()
}

/// Puts rows on the wire: code points, order, thresholds, one row for fields that hold one.
pub(crate) fn finish(text: &str, read: usize, rows: Vec<Row>, template: &Template) -> Suggested {
    let points = CodePoints::new(text);
    let fields: Vec<&Field> = template.fields().collect();
    let mut by_field: BTreeMap<usize, Vec<Row>> = BTreeMap::new();
    for row in rows {
        by_field.entry(row.field).or_default().push(row);
    }
    let mut suggestions = Vec::new();
    let mut lowest = f32::INFINITY;
    for (index, mut rows) in by_field {
        let Some(field) = fields.get(index) else { continue };
        rows.retain(|r| !r.evidence.is_empty() && r.confidence.is_finite());
        rows.sort_by(|a, b| {
            b.confidence.total_cmp(&a.confidence).then_with(|| a.evidence[0].start.cmp(&b.evidence[0].start))
        });
        let most = match (field.cardinality, field.id.as_str()) {
            (Cardinality::One, _) => 1,
            (_, "absent_condition") => MOST_ABSENT,
            (_, "lab_result") => MOST_LABS,
            _ => MOST_PER_FIELD,
        };
        rows.truncate(most);
        if matches!(field.kind, FieldKind::Code) {
            rows.sort_by_key(|r| claim_order(r.role));
        } else if field.cardinality == Cardinality::Many {
            rows.sort_by_key(|r| r.evidence[0].start);
        }
        for row in rows {
            lowest = lowest.min(row.threshold);
            suggestions.extend(wire(&points, field, row));
        }
    }
    let threshold = if lowest.is_finite() { lowest } else { 0.5 };
    let read_until = (read < text.trim_end().len()).then(|| points.to_point(read).unwrap_or(0));
    Suggested { threshold, suggestions, read_until }
}

/// The order in which a claim lists them; the surest first among equals.
fn claim_order(role: Option<CodeRole>) -> u8 {
    match role {
        Some(CodeRole::Principal) => 0,
        Some(CodeRole::Secondary) | None => 1,
        Some(CodeRole::Symptom) => 2,
        Some(CodeRole::History) => 3,
    }
}

fn quoted(points: &CodePoints<'_>, range: &Range<usize>) -> Option<Quoted> {
    Span::new(points.text(), range.start, range.end).ok().map(|span| points.quoted(span))
}

fn wire(points: &CodePoints<'_>, field: &Field, row: Row) -> Option<Suggestion> {
    let evidence: Vec<Quoted> = row.evidence.iter().filter_map(|range| quoted(points, range)).collect();
    if evidence.is_empty() {
        return None;
    }
    let reference = |code: &str| CodeRef { system: ICD_10_CM.to_owned(), code: code.to_owned() };
    let attributes =
        row.attributes.iter().filter_map(|(id, range)| Some((id.clone(), quoted(points, range)?))).collect();
    Some(Suggestion {
        content: Content {
            field: field.id.clone(),
            evidence,
            value: row.value,
            assertion: row.assertion,
            code: row.code.as_ref().map(|c| reference(&c.0)),
            role: row.role,
            attributes,
        },
        candidates: row
            .codes
            .into_iter()
            .map(|(code, title, confidence)| CodeCandidate {
                system: ICD_10_CM.to_owned(),
                code,
                title,
                confidence,
            })
            .collect(),
        confidence: row.confidence.clamp(0.0, 1.0),
        shown: row.confidence >= row.threshold,
        remembered: row.remembered,
    })
}
