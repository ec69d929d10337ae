//! Mentions of one label: exact places, and places that overlap.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::ops::Range;

use overread_domain::Template;
use overread_domain::span::CodePoints;

use super::{Measured, Row, Table, one};
use crate::corpora::{Document, Mention, labels};
use crate::eval::{Count, Options};
use crate::prediction::Prediction;

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    pub title: &'a str,
    /// As in [`Mention::label`].
    pub label: &'a str,
    /// Field of the suggestions that answer it.
    pub field: &'a str,
}

/// A template of one field that asks for what a corpus calls `label`, in that label's own words. The field's id is the
/// label with `_` for every `.`.
pub fn template(label: &str) -> Option<Template> {
    let wording = labels::all().remove(label)?.wordings.swap_remove(0);
    let id = label.replace('.', "_");
    let template = serde_json::json!({
        "id": id, "version": 1, "name": wording.label,
        "groups": [{"label": wording.label, "fields": [{
            "id": id, "label": wording.label, "description": wording.description, "examples": wording.examples,
            "kind": "text", "cardinality": "many",
        }]}],
    });
    serde_json::from_value(template).ok()
}

/// Micro-averaged precision, recall and F1 of the shown suggestions, by exact place (as `BioCreative` V and the NCBI corpus
/// score it) and by any overlap, one to one; recall of phrases that `seen` holds (lower case) and of others.
/// Suggestions at one place count once. A document without a prediction has none suggested.
pub fn score<S: BuildHasher, T: BuildHasher>(
    task: &Task<'_>,
    documents: &[&Document],
    predictions: &HashMap<String, Prediction, S>,
    seen: &HashSet<String, T>,
    options: &Options,
) -> Table {
    let (mut exact, mut overlap) = (Vec::new(), Vec::new());
    let (mut known, mut new) = (Vec::new(), Vec::new());
    let mut missing = 0;
    for document in documents {
        let gold: Vec<Range<usize>> = places(document, task.label);
        let found = predictions.get(&document.id);
        missing += usize::from(found.is_none());
        let mut suggested: Vec<(Range<usize>, f64)> = found
            .into_iter()
            .flat_map(|p| &p.suggestions)
            .filter(|s| s.field == task.field && s.shown && s.confidence >= options.threshold)
            .map(|s| (s.start..s.end, s.confidence))
            .collect();
        suggested.sort_by(|a, b| b.1.total_cmp(&a.1).then((a.0.start, a.0.end).cmp(&(b.0.start, b.0.end))));
        let mut unique = HashSet::new();
        suggested.retain(|(range, _)| unique.insert(range.clone()));

        let hits: HashSet<&Range<usize>> = gold.iter().filter(|range| unique.contains(*range)).collect();
        let count = |matched| Count { matched, suggested: suggested.len(), reference: gold.len() };
        exact.push(count(hits.len()));
        overlap.push(count(overlapping(&gold, &suggested)));
        let (mut of_known, mut of_new) = ((0, 0), (0, 0));
        for mention in document.labelled(task.label) {
            let phrase = phrase(document, mention);
            let place = CodePoints::new(&document.text).to_point(mention.range.start);
            let hit = hits
                .iter()
                .any(|range| Some(range.start) == place && range.len() == length(document, mention));
            let of = if seen.contains(&phrase) { &mut of_known } else { &mut of_new };
            of.0 += usize::from(hit);
            of.1 += 1;
        }
        known.push(of_known);
        new.push(of_new);
    }
    let measured = Measured::new(documents.len(), options);
    let mut rows: Vec<Row> = vec![measured.counted("exact", &exact), measured.counted("overlap", &overlap)];
    rows.push(one("exact, phrase seen in training", "recall", measured.share(&known)));
    rows.push(one("exact, phrase not seen in training", "recall", measured.share(&new)));
    let title = format!("{}: {} documents, {missing} without prediction", task.title, documents.len());
    Table { title, rows }
}

/// Every phrase of a label in these documents, lower case: what training shows.
pub fn phrases<'a>(documents: impl IntoIterator<Item = &'a Document>, label: &str) -> HashSet<String> {
    let documents = documents.into_iter();
    documents.flat_map(|d| d.mentions.iter().filter(|m| m.label == label).map(|m| phrase(d, m))).collect()
}

fn phrase(document: &Document, mention: &Mention) -> String {
    let words: Vec<_> = document.text[mention.range.clone()].split_whitespace().collect();
    words.join(" ").to_lowercase()
}

fn length(document: &Document, mention: &Mention) -> usize {
    document.text[mention.range.clone()].chars().count()
}

/// Code points, each place once.
fn places(document: &Document, label: &str) -> Vec<Range<usize>> {
    let points = CodePoints::new(&document.text);
    document
        .labelled(label)
        .filter_map(|mention| {
            Some(points.to_point(mention.range.start)?..points.to_point(mention.range.end)?)
        })
        .collect()
}

/// Matched one to one, surest first, each with the free reference that shares most with it.
fn overlapping(gold: &[Range<usize>], suggested: &[(Range<usize>, f64)]) -> usize {
    let mut used = vec![false; gold.len()];
    let mut matched = 0;
    for (range, _) in suggested {
        let shared = |g: &Range<usize>| g.end.min(range.end).saturating_sub(g.start.max(range.start));
        let best = (0..gold.len())
            .filter(|at| !used[*at] && shared(&gold[*at]) > 0)
            .max_by_key(|at| (shared(&gold[*at]), std::cmp::Reverse(*at)));
        if let Some(at) = best {
            used[at] = true;
            matched += 1;
        }
    }
    matched
}
