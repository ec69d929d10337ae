//! Fields that no finder knows: the transformer compares what the note says with what the field is called.
//!
//! Candidates are typed by the field's kind (figures for quantities, dates for dates, phrases for text), scored by
//! the cosine between their states in context and the vectors of label, description and examples. The cost is one
//! product of candidates and fields.

use std::ops::Range;

use overread_codes::Release;
use overread_domain::Template;
use overread_domain::suggestion::Assertion;
use overread_domain::template::{Cardinality, Field, FieldKind};

use crate::bind::{Binding, Bound};
use crate::compose::Row;
use crate::find::{dates, pattern};
use crate::insight::Sense;
use crate::neural::SpanHit;
use crate::note::Doc;
use crate::pipeline::{Analysis, Read};
use crate::states::{States, dot, normalise};
use crate::{Suggester, asserted, link};

/// Segments and phrases that are compared, at most, a note.
const MOST: usize = 1500;
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

const THRESHOLD: f32 = 0.5;
/// Rows a field.
const ROWS: usize = 5;

/// Slope and offset for a kind that none were fitted for: a label never learned from is believed less than one that
/// was.
const ZERO_SHOT: (f32, f32) = (0.8, -0.6);
/// Rows of one field by the trained heads, and the least confidence of one.
const HEAD_ROWS: usize = 64;
const LEAST: f32 = 0.05;

pattern! {
    AGE = r"(?i)(\d{1,3})[ \t-]*(years?|yrs?|y/?o|months?|weeks?|days?)(?:[ \t-]*(?:old|of age))?";
    PRESSURE = r"(\d{2,3})[ \t]?(?:/|over)[ \t]?(\d{2,3})";
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
            let mut rows = by_heads(model, sense, read, analysis, &open, spans);
            // A label far from all that the heads learned finds nothing by them; what it means may still be near.
            let silent: Vec<Open<'_>> = open
                .into_iter()
                .filter(|((field, _), _)| {
                    !rows.iter().any(|r| r.field == *field && r.confidence >= THRESHOLD)
                })
                .collect();
            let near = by_likeness(model, read, analysis, &silent);
            rows.retain(|r| !near.iter().any(|n| n.field == r.field));
            rows.extend(near);
            rows
        }
        _ => by_likeness(model, read, analysis, &open),
    }
}

/// A field that no finder speaks for, with its place in the template.
type Open<'a> = ((usize, &'a Field), &'a Bound);

/// Spans that the trained heads find for a field, in the form that its kind wants.
fn by_heads(
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
        let most = if field.cardinality == Cardinality::One { 1 } else { HEAD_ROWS };
        let (slope, offset) = model.heads.slopes.get(kind_name(&field.kind)).copied().unwrap_or(ZERO_SHOT);
        let mut taken = 0;
        for hit in hits {
            let confidence = 1.0 / (1.0 + (-(slope * hit.logit + offset)).exp());
            if taken == most || confidence < LEAST {
                break;
            }
            let Some((span, value)) = typed(doc, &read.states, field, bound, &hit.bytes) else { continue };
            taken += 1;
            let codes = if field.code_system.is_some() && confidence >= THRESHOLD {
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
                threshold: THRESHOLD,
            });
        }
    }
    for (row, span) in asserted {
        let found = asserted::of_span(read, Some(sense), &model.release, &model.heads, &span);
        rows[row].assertion = Some(found);
    }
    rows
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
            let trimmed =
                text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':'));
            let start = span.start + (trimmed.as_ptr() as usize - text.as_ptr() as usize);
            trimmed.chars().any(char::is_alphanumeric).then(|| (start..start + trimmed.len(), None))
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

fn codes(
    release: &Release,
    quote: &str,
    patient: overread_codes::search::Patient,
) -> Vec<(String, String, f32)> {
    let hits = link::lookup(release, quote, overread_codes::Context::Current, patient, link::SHOWN);
    hits.into_iter().map(|h| (h.code, h.title, (h.score * 0.5).clamp(0.0, 1.0))).collect()
}

/// Rows by the cosine of places and labels.
fn by_likeness(model: &Suggester, read: &Read<'_>, analysis: &Analysis, open: &[Open<'_>]) -> Vec<Row> {
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
            });
        }
    }
    rows
}

fn assertion(analysis: &Analysis, span: &Range<usize>) -> Assertion {
    analysis.candidates.iter().find(|c| c.mention.span == *span).map_or(Assertion::Present, |c| c.assertion)
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

/// "7.5 mg" of "7.5mg": number, blank, unit as written.
fn quantity(text: &str) -> String {
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ','))).unwrap_or(text.len());
    let (figure, unit) = text.split_at(end);
    let unit = unit.trim();
    if unit.is_empty() { figure.to_owned() } else { format!("{figure} {unit}") }
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
