//! One note: which suggestion answers which reference span. Both the figures and the list of errors come from here.

use super::fields::{CONDITIONS, DATES, SPANS, VALUES};
use super::norm::{normal_form, squeezed};
use crate::gold::{GoldNote, GoldSpan};
use crate::prediction::{Prediction, Suggested};

/// A suggestion with the reference span that it matches.
pub type Pair<'a> = (&'a Suggested, Option<&'a GoldSpan>);

/// The first reference value and the surest suggestion of a field with one value a note.
pub struct Value<'a> {
    pub field: &'static str,
    pub gold: Option<&'a GoldSpan>,
    pub suggested: Option<&'a Suggested>,
    pub right: bool,
}

/// A span field, or several taken as one.
pub struct Matches<'a> {
    pub gold: Vec<&'a GoldSpan>,
    /// Best confidence first.
    pub pairs: Vec<Pair<'a>>,
}

pub struct Judged<'a> {
    pub values: Vec<Value<'a>>,
    /// In the order of [`SPANS`].
    pub spans: Vec<(&'static str, Matches<'a>)>,
    pub conditions: Matches<'a>,
    /// Suggestions whose quote is not what the text holds at their place.
    pub wrong_quotes: usize,
}

pub fn judge<'a>(note: &'a GoldNote, prediction: Option<&'a Prediction>, threshold: f64) -> Judged<'a> {
    let shown: Vec<&Suggested> = prediction
        .map(|p| p.suggestions.iter().filter(|s| s.confidence >= threshold && s.shown).collect())
        .unwrap_or_default();
    let text: Vec<char> = note.text.chars().collect();
    let wrong_quotes = shown.iter().filter(|s| !holds(&text, s)).count();
    let values = VALUES.iter().chain(&DATES).map(|field| value(note, &shown, field)).collect();
    let spans = SPANS.iter().map(|field| (*field, matches(note, &shown, &[field]))).collect();
    let conditions = matches(note, &shown, &CONDITIONS);
    Judged { values, spans, conditions, wrong_quotes }
}

/// Every shown suggestion with the reference span that it answers, and the reference spans that none answers. A condition may
/// stand under either of its headings.
pub fn review_pairs<'a>(
    note: &'a GoldNote,
    prediction: Option<&'a Prediction>,
    threshold: f64,
) -> (Vec<Pair<'a>>, Vec<&'a GoldSpan>) {
    let judged = judge(note, prediction, threshold);
    let mut pairs: Vec<Pair<'a>> =
        judged.values.iter().filter_map(|v| v.suggested.map(|s| (s, v.gold))).collect();
    let own = judged.spans.into_iter().filter(|(field, _)| !CONDITIONS.contains(field));
    pairs.extend(own.flat_map(|(_, matches)| matches.pairs));
    pairs.extend(judged.conditions.pairs);
    // Of a field with one value a note the surest was judged; a reviewer takes the others out.
    let one_value = |field: &str| VALUES.contains(&field) || DATES.contains(&field);
    for s in prediction.into_iter().flat_map(|p| &p.suggestions) {
        let judged = pairs.iter().any(|(known, _)| std::ptr::eq(*known, s));
        if s.shown && s.confidence >= threshold && one_value(&s.field) && !judged {
            pairs.push((s, None));
        }
    }
    let answered =
        |g: &GoldSpan| pairs.iter().any(|(_, gold)| gold.is_some_and(|found| std::ptr::eq(found, g)));
    let missed = note.spans.iter().filter(|g| !answered(g)).collect();
    (pairs, missed)
}

/// Whether both name the same dose, or both none.
pub fn same_dose(suggested: &Suggested, gold: &GoldSpan) -> bool {
    let dose = |quoted: Option<&overread_domain::Quoted>| squeezed(quoted.map_or("", |q| &q.quote));
    dose(suggested.attrs.get("dose")) == dose(gold.attrs.get("dose"))
}

pub fn assertion(of: Option<&str>) -> &str {
    of.filter(|found| !found.is_empty()).unwrap_or("present")
}

fn holds(text: &[char], s: &Suggested) -> bool {
    let end = s.end.min(text.len());
    let there = text.get(s.start.min(end)..end).unwrap_or_default();
    there.iter().copied().eq(s.quote.chars())
}

fn value<'a>(note: &'a GoldNote, shown: &[&'a Suggested], field: &'static str) -> Value<'a> {
    let gold = note.spans.iter().find(|span| span.field == field);
    let suggested = by_confidence(shown.iter().copied().filter(|s| s.field == field)).first().copied();
    let form = |value: Option<&str>, quote| normal_form(value.filter(|v| !v.is_empty()).unwrap_or(quote));
    let right = match (gold, suggested) {
        (Some(g), Some(s)) => form(g.value.as_deref(), &g.quote) == form(s.value.as_deref(), &s.quote),
        _ => false,
    };
    Value { field, gold, suggested, right }
}

fn matches<'a>(note: &'a GoldNote, shown: &[&'a Suggested], fields: &[&str]) -> Matches<'a> {
    let gold: Vec<_> = note.spans.iter().filter(|span| fields.contains(&span.field.as_str())).collect();
    let mut used = vec![false; gold.len()];
    let suggested = by_confidence(shown.iter().copied().filter(|s| fields.contains(&s.field.as_str())));
    let pairs = suggested
        .into_iter()
        .map(|s| {
            let free = gold.iter().enumerate().filter(|(i, g)| !used[*i] && fits(g, s));
            let best = free.min_by_key(|(_, g)| g.start.abs_diff(s.start) + g.end.abs_diff(s.end));
            let found = best.map(|(i, g)| (i, *g));
            if let Some((i, _)) = found {
                used[i] = true;
            }
            (s, found.map(|(_, g)| g))
        })
        .collect();
    Matches { gold, pairs }
}

/// Overlap by at least half of the shorter, or two statements that no allergy is known.
fn fits(gold: &GoldSpan, s: &Suggested) -> bool {
    let none = |value: Option<&str>| value == Some("none known");
    if gold.field == "allergy" && none(gold.value.as_deref()) && none(s.value.as_deref()) {
        return true;
    }
    let common = gold.end.min(s.end).saturating_sub(gold.start.max(s.start));
    let shorter = gold.end.saturating_sub(gold.start).min(s.end.saturating_sub(s.start));
    common > 0 && common * 2 >= shorter
}

/// Best first; equals stay in their order.
fn by_confidence<'a>(suggested: impl Iterator<Item = &'a Suggested>) -> Vec<&'a Suggested> {
    let mut out: Vec<_> = suggested.collect();
    out.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    out
}
