//! Fields that no finder knows: the transformer compares what the note says with what the field is called.
//!
//! Candidates are typed by the field's kind (figures for quantities, dates for dates, phrases for text) and scored by
//! the trained heads, or by the cosine between their states in context and the vectors of label, description and
//! examples. The cost is one product of candidates and fields.

pub(crate) mod heads;
mod likeness;

use std::ops::Range;

use overread_codes::Release;
use overread_domain::Template;
use overread_domain::template::{Field, FieldKind};

use crate::bind::{Binding, Bound};
use crate::compose::Row;
use crate::find::pattern;
use crate::note::Doc;
use crate::pipeline::{Analysis, Read};
use crate::states::dot;
use crate::{Suggester, link};

/// Confidence from which a row is shown, where none was fitted.
const THRESHOLD: f32 = 0.5;

pattern! {
    QUANTITY = r"(?i)\b\d+(?:[.,]\d+)?(?:[ \t]?(?:%|[a-zµ]{1,6}(?:/[a-z0-9]{1,5})?))?";
}

struct Place {
    span: Range<usize>,
    /// Where the words stand that say what it is.
    vector: Vec<f32>,
    value: Option<String>,
}

/// Rows of all fields that no finder speaks for: by the trained heads where the model has them and they are sure of
/// something, else by likeness.
pub(crate) fn fill(
    model: &Suggester,
    read: &Read<'_>,
    analysis: &Analysis,
    template: &Template,
    binding: &Binding,
) -> Vec<Row> {
    let open: Vec<_> =
        template.fields().enumerate().zip(&binding.fields).filter(|(_, b)| b.concept.is_none()).collect();
    if open.is_empty() || read.doc.segments.is_empty() {
        return Vec::new();
    }
    match (&model.sense, &binding.labels) {
        (Some(sense), Some(labels)) => {
            let spans = sense.spans(&read.states, labels);
            let mut rows = heads::rows(model, sense, read, analysis, &open, spans);
            // A label that the heads never learned may find nothing by them; what it means may still be near.
            let silent: Vec<Open<'_>> = open
                .into_iter()
                .filter(|(_, bound)| bound.known.is_none())
                .filter(|((field, _), _)| {
                    !rows.iter().any(|r| r.field == *field && r.confidence >= THRESHOLD)
                })
                .collect();
            let near = likeness::rows(model, read, analysis, &silent);
            rows.retain(|r| !near.iter().any(|n| n.field == r.field));
            rows.extend(near);
            rows
        }
        _ => likeness::rows(model, read, analysis, &open),
    }
}

/// A field that no finder speaks for, with its place in the template.
type Open<'a> = ((usize, &'a Field), &'a Bound);

fn codes(
    release: &Release,
    quote: &str,
    patient: overread_codes::search::Patient,
) -> Vec<(String, String, f32)> {
    let hits = link::lookup(release, quote, overread_codes::Context::Current, patient, link::SHOWN);
    hits.into_iter().map(|h| (h.code, h.title, (h.score * 0.5).clamp(0.0, 1.0))).collect()
}

/// The normal form; `None` where a choice has no option that the words are near to.
#[expect(clippy::option_option, reason = "no row, a row without a normal form, a row with one")]
fn value_of(kind: &FieldKind, place: &Place, options: &[Vec<f32>]) -> Option<Option<String>> {
    let FieldKind::Choice { options: names } = kind else { return Some(place.value.clone()) };
    let best = options
        .iter()
        .enumerate()
        .map(|(i, v)| (dot(v, &place.vector), i))
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    names.get(best.1).map(|name| Some(name.clone()))
}

fn admits(kind: &FieldKind, place: &Place, doc: &Doc<'_>) -> bool {
    match kind {
        FieldKind::Quantity { units } if !units.is_empty() => {
            let text = doc.str(&place.span).to_lowercase();
            let unit =
                text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | ' ' | '\t'));
            unit.is_empty()
                || units.iter().any(|u| u.to_lowercase() == unit || unit.starts_with(&u.to_lowercase()))
        }
        _ => true,
    }
}

/// "7.5 mg" of "7.5mg": number, blank, unit as written.
fn quantity(text: &str) -> String {
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ','))).unwrap_or(text.len());
    let (figure, unit) = text.split_at(end);
    let unit = unit.trim();
    if unit.is_empty() { figure.to_owned() } else { format!("{figure} {unit}") }
}
