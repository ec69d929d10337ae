//! Rows by the trained heads, in the form that the field's kind wants.

use std::ops::Range;

use overread_domain::template::{Cardinality, Field, FieldKind};

use super::{Open, Place, QUANTITY, THRESHOLD, admits, codes, quantity, value_of};
use crate::bind::Bound;
use crate::compose::Row;
use crate::find::{dates, pattern};
use crate::insight::Sense;
use crate::known::Belief;
use crate::neural::SpanHit;
use crate::note::Doc;
use crate::pipeline::{Analysis, Read};
use crate::states::{States, normalise};
use crate::{Heads, Suggester, asserted};

/// Slope and offset for a kind that none were fitted for: a label never learned from is believed less than one that
/// was.
const ZERO_SHOT: (f32, f32) = (0.8, -0.6);
/// Rows of one field, and the least confidence of one.
const ROWS: usize = 64;
const LEAST: f32 = 0.05;

pattern! {
    AGE = r"(?i)(\d{1,3})[ \t-]*(years?|yrs?|y/?o|months?|weeks?|days?)(?:[ \t-]*(?:old|of age))?";
    PRESSURE = r"(\d{2,3})[ \t]?(?:/|over)[ \t]?(\d{2,3})";
}

/// Spans that the trained heads find for a field, in the form that its kind wants.
pub(super) fn rows(
    model: &Suggester,
    sense: &Sense,
    read: &Read<'_>,
    analysis: &Analysis,
    open: &[Open<'_>],
    spans: Vec<Vec<SpanHit>>,
) -> Vec<Row> {
    let doc = &read.doc;
    let mut rows = Vec::new();
    let mut asserted: Vec<(usize, Range<usize>)> = Vec::new();
    for (&((index, field), bound), hits) in open.iter().zip(spans) {
        let most = if field.cardinality == Cardinality::One { 1 } else { ROWS };
        let belief = bound.known.unwrap_or_else(|| of_kind(&model.heads, &field.kind));
        let mut taken = 0;
        for hit in hits {
            let confidence = belief.confidence(hit.logit);
            if taken == most || confidence < LEAST {
                break;
            }
            let Some((span, value)) = typed(doc, &read.states, field, bound, &hit.bytes) else { continue };
            taken += 1;
            let codes = if field.code_system.is_some() && confidence >= belief.threshold {
                codes(&model.release, doc.str(&span), analysis.patient)
            } else {
                Vec::new()
            };
            if field.assertion {
                asserted.push((rows.len(), span.clone()));
            }
            rows.push(Row {
                field: index,
                evidence: vec![span],
                value,
                assertion: None,
                role: None,
                code: codes.first().map(|c| (c.0.clone(), c.1.clone())),
                codes,
                attributes: Vec::new(),
                confidence,
                threshold: belief.threshold,
                remembered: false,
            });
        }
    }
    for (row, span) in asserted {
        let found = asserted::of_span(read, Some(sense), &model.release, &model.heads, &span);
        rows[row].assertion = Some(found);
    }
    rows
}

/// How far spans of a label that was never learned from are to be believed, by its field's kind.
fn of_kind(heads: &Heads, kind: &FieldKind) -> Belief {
    let (slope, offset) = heads.slopes.get(kind_name(kind)).copied().unwrap_or(ZERO_SHOT);
    Belief { slope, offset, threshold: THRESHOLD }
}

/// A span without the blanks and stops at its ends.
pub(crate) fn trimmed(text: &str, span: &Range<usize>) -> Range<usize> {
    let whole = &text[span.clone()];
    let words = whole.trim_matches(|c: char| c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':'));
    let start = span.start + (words.as_ptr() as usize - whole.as_ptr() as usize);
    start..start + words.len()
}

fn kind_name(kind: &FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "text",
        FieldKind::Age => "age",
        FieldKind::Date => "date",
        FieldKind::BloodPressure => "blood_pressure",
        FieldKind::Quantity { .. } => "quantity",
        FieldKind::Choice { .. } => "choice",
        FieldKind::Condition => "condition",
        FieldKind::Code => "code",
    }
}

/// The part of a span that the field's kind holds, and its normal form; `None` where it holds none.
fn typed(
    doc: &Doc<'_>,
    states: &States,
    field: &Field,
    bound: &Bound,
    span: &Range<usize>,
) -> Option<(Range<usize>, Option<String>)> {
    let within = |inner: Range<usize>| span.start + inner.start..span.start + inner.end;
    let text = doc.text.get(span.clone())?;
    match &field.kind {
        FieldKind::Text | FieldKind::Condition => {
            let words = trimmed(doc.text, span);
            doc.str(&words).chars().any(char::is_alphanumeric).then_some((words, None))
        }
        FieldKind::Quantity { .. } => {
            // The unit may stand just beyond the span.
            let wide = doc.after(span.start, span.len() + 12, doc.text.len());
            let figure = QUANTITY.find_iter(wide).find(|m| m.start() < span.len())?;
            let place = Place {
                span: span.start + figure.start()..span.start + figure.end(),
                vector: Vec::new(),
                value: Some(quantity(figure.as_str())),
            };
            if admits(&field.kind, &place, doc) {
                return Some((place.span, place.value));
            }
            let bare: usize =
                figure.as_str().find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',')))?;
            let range = place.span.start..place.span.start + bare;
            let plain = bare > 0 && figure.as_str()[bare..].starts_with(char::is_whitespace);
            plain.then(|| (range.clone(), Some(doc.str(&range).trim_end_matches(['.', ',']).to_owned())))
        }
        FieldKind::Date => {
            let near = dates::all(doc)
                .into_iter()
                .find(|(date, _)| date.start < span.end && span.start < date.end)?;
            Some((near.0, Some(near.1)))
        }
        FieldKind::Choice { options } => {
            let lower = text.to_lowercase();
            let named: Vec<&String> = options.iter().filter(|o| lower.contains(&o.to_lowercase())).collect();
            if let [only] = named.as_slice() {
                return Some((span.clone(), Some((*only).clone())));
            }
            let mut vector = states.mean(span.clone());
            normalise(&mut vector);
            let place = Place { span: span.clone(), vector, value: None };
            Some((span.clone(), value_of(&field.kind, &place, &bound.options)??.into()))
        }
        FieldKind::Age => {
            let hit = AGE.captures(text)?;
            let (number, unit) = (hit.get(1)?, hit.get(2)?);
            let unit = unit.as_str().to_lowercase();
            let unit = ["day", "week", "month"].into_iter().find(|u| unit.starts_with(u)).unwrap_or("year");
            let value = format!("{} {unit}s", number.as_str());
            Some((within(hit.get(0)?.range()), Some(value)))
        }
        FieldKind::BloodPressure => {
            let hit = PRESSURE.captures(text)?;
            let value = format!("{}/{}", &hit[1], &hit[2]);
            Some((within(hit.get(0)?.range()), Some(value)))
        }
        FieldKind::Code => None,
    }
}
