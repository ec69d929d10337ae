//! Rows by the cosine of what the note says and what the field is called.

use std::ops::Range;

use overread_domain::suggestion::Assertion;
use overread_domain::template::{Cardinality, FieldKind};

use super::{Open, Place, QUANTITY, THRESHOLD, admits, codes, quantity, value_of};
use crate::Suggester;
use crate::compose::Row;
use crate::find::dates;
use crate::note::Doc;
use crate::pipeline::{Analysis, Read};
use crate::states::{States, dot, normalise};

/// Segments and phrases that are compared, at most, a note.
const MOST: usize = 1500;
/// Rows a field.
const ROWS: usize = 5;

/// Likeness at which a find is as often right as wrong, and how steeply that changes. Read off 80 notes with reference
/// entries by filling the shipped template's fields as if no finder knew them (`score_dev --by-meaning 1`): phrases
/// for text and conditions are seldom right whatever their likeness, and so are seldom shown.
fn slope(kind: &FieldKind) -> (f32, f32) {
    match kind {
        FieldKind::Quantity { .. } => (0.40, 17.0),
        FieldKind::Date => (0.43, 17.0),
        FieldKind::Choice { .. } => (0.40, 14.0),
        FieldKind::Condition => (0.73, 5.0),
        _ => (0.66, 7.5),
    }
}

/// Rows by the cosine of places and labels.
pub(super) fn rows(model: &Suggester, read: &Read<'_>, analysis: &Analysis, open: &[Open<'_>]) -> Vec<Row> {
    let (doc, states, release) = (&read.doc, &read.states, &*model.release);
    let needs = |wanted: fn(&FieldKind) -> bool| open.iter().any(|((_, f), _)| wanted(&f.kind));
    let segments = segments(doc, states);
    let text = if needs(|k| matches!(k, FieldKind::Text)) {
        phrases(states, analysis, &segments)
    } else {
        Vec::new()
    };
    let figures =
        if needs(|k| matches!(k, FieldKind::Quantity { .. })) { figures(doc, states) } else { Vec::new() };
    let days = if needs(|k| matches!(k, FieldKind::Date)) { days(doc, states) } else { Vec::new() };
    let conditions =
        if needs(|k| matches!(k, FieldKind::Condition)) { mentions(states, analysis) } else { Vec::new() };
    let mut rows = Vec::new();
    for &((index, field), bound) in open {
        let places: &[Place] = match &field.kind {
            FieldKind::Text => &text,
            FieldKind::Quantity { .. } => &figures,
            FieldKind::Date => &days,
            FieldKind::Condition => &conditions,
            FieldKind::Choice { .. } => &segments,
            // Ages and pressures are known by their form; a second field of the kind is the finder's neighbour.
            FieldKind::Age | FieldKind::BloodPressure | FieldKind::Code => continue,
        };
        let mut scored: Vec<(f32, &Place)> = places
            .iter()
            .filter(|p| admits(&field.kind, p, doc))
            .map(|p| (bound.vectors.iter().map(|v| dot(v, &p.vector)).fold(0.0, f32::max), p))
            .collect();
        scored.sort_by(|a, b| {
            b.0.total_cmp(&a.0)
                .then(a.1.span.start.cmp(&b.1.span.start))
                .then(a.1.span.end.cmp(&b.1.span.end))
        });
        let most = if field.cardinality == Cardinality::One { 1 } else { ROWS };
        let mut taken: Vec<Range<usize>> = Vec::new();
        for (like, place) in scored {
            if taken.len() >= most {
                break;
            }
            if taken.iter().any(|t| t.start < place.span.end && place.span.start < t.end) {
                continue;
            }
            taken.push(place.span.clone());
            let (even, steep) = slope(&field.kind);
            let confidence = 1.0 / (1.0 + (-steep * (like - even)).exp());
            let Some(value) = value_of(&field.kind, place, &bound.options) else { continue };
            let codes = if field.code_system.is_some() && confidence >= THRESHOLD {
                codes(release, doc.str(&place.span), analysis.patient)
            } else {
                Vec::<(String, String, f32)>::new()
            };
            rows.push(Row {
                field: index,
                evidence: vec![place.span.clone()],
                value,
                assertion: field.assertion.then(|| assertion(analysis, &place.span)),
                role: None,
                code: codes.first().map(|c| (c.0.clone(), c.1.clone())),
                codes,
                attributes: Vec::new(),
                confidence,
                threshold: THRESHOLD,
                remembered: false,
            });
        }
    }
    rows
}

fn assertion(analysis: &Analysis, span: &Range<usize>) -> Assertion {
    analysis.candidates.iter().find(|c| c.mention.span == *span).map_or(Assertion::Present, |c| c.assertion)
}

fn segments(doc: &Doc<'_>, states: &States) -> Vec<Place> {
    doc.segments
        .iter()
        .filter(|s| s.range.end <= states.until)
        .take(MOST)
        .map(|s| Place { vector: states.mean(s.range.clone()), span: s.range.clone(), value: None })
        .collect()
}

fn phrases(states: &States, analysis: &Analysis, segments: &[Place]) -> Vec<Place> {
    let mut out: Vec<Place> = Vec::new();
    for c in analysis.candidates.iter().filter(|c| c.mention.span.end <= states.until).take(MOST) {
        out.push(Place {
            vector: states.mean(c.mention.span.clone()),
            span: c.mention.span.clone(),
            value: None,
        });
    }
    out.extend(segments.iter().filter(|s| s.span.len() <= 160).map(|s| Place {
        span: s.span.clone(),
        vector: s.vector.clone(),
        value: None,
    }));
    out
}

/// A figure is what the words before it in its sentence call it.
fn in_context(states: &States, doc: &Doc<'_>, span: &Range<usize>) -> Vec<f32> {
    let floor = doc.segment_at(span.start).map_or(span.start, |s| s.range.start.min(span.start));
    let before = doc.before(span.start, 40, floor);
    let mut vector = states.mean(span.start - before.len()..span.end);
    normalise(&mut vector);
    vector
}

fn figures(doc: &Doc<'_>, states: &States) -> Vec<Place> {
    QUANTITY
        .find_iter(doc.text)
        .filter(|m| m.end() <= states.until)
        .take(MOST)
        .map(|m| Place {
            vector: in_context(states, doc, &m.range()),
            value: Some(quantity(m.as_str())),
            span: m.range(),
        })
        .collect()
}

fn days(doc: &Doc<'_>, states: &States) -> Vec<Place> {
    dates::all(doc)
        .into_iter()
        .filter(|(span, _)| span.end <= states.until)
        .take(MOST)
        .map(|(span, value)| Place { vector: in_context(states, doc, &span), span, value: Some(value) })
        .collect()
}

fn mentions(states: &States, analysis: &Analysis) -> Vec<Place> {
    analysis
        .candidates
        .iter()
        .filter(|c| !c.mention.head.is_procedure() && c.mention.span.end <= states.until)
        .take(MOST)
        .map(|c| Place {
            vector: states.mean(c.mention.span.clone()),
            span: c.mention.span.clone(),
            value: None,
        })
        .collect()
}
