//! CodiEsp-D: the diagnosis codes of a case report, ranked (Miranda-Escalada et al. 2020).
//!
//! As the shared task counts: codes compared in one case; average precision a document over the whole ranking, each code
//! once, divided by the document's number of codes; the mean over documents. The task's codes are of the 2018
//! edition: some can't come out of a later release, and the ceiling says how many.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::BuildHasher;

use overread_codes::Release;

use super::{Measured, Row, Table, one};
use crate::corpora::Document;
use crate::eval::{Count, Options};
use crate::prediction::Prediction;

/// MAP over the ranking of all codes, micro F1 over the shown ones, whole and at three characters; recall and MAP of codes that
/// `seen` holds (upper case) and of others; what the release lets out at best.
pub fn score<S: BuildHasher, T: BuildHasher>(
    documents: &[&Document],
    predictions: &HashMap<String, Prediction, S>,
    release: &Release,
    seen: &HashSet<String, T>,
    options: &Options,
) -> Table {
    let mut notes = Vec::new();
    let mut missing = 0;
    for document in documents {
        let found = predictions.get(&document.id);
        missing += usize::from(found.is_none());
        notes.push(Note::of(document, found, options.threshold));
    }
    let measured = Measured::new(notes.len(), options);
    let short = |codes: &[String]| -> Vec<String> { unique(codes.iter().map(|code| category(code))) };
    let all = |_: &str| true;
    let is_seen = |code: &str| seen.contains(code);
    let is_new = |code: &str| !seen.contains(code);

    let precision = |of: &dyn Fn(&str) -> bool| -> Vec<Vec<f64>> {
        notes.iter().map(|n| n.average_precision(of).into_iter().collect()).collect()
    };
    let category_precision: Vec<Vec<f64>> = notes
        .iter()
        .map(|n| {
            average_precision(&short(&n.ranked), &short(&n.gold).into_iter().collect()).into_iter().collect()
        })
        .collect();
    let counts = |of: &dyn Fn(&[String]) -> Vec<String>| -> Vec<Count> {
        notes.iter().map(|n| count(&of(&n.gold), &of(&n.shown))).collect()
    };
    let recalled = |of: &dyn Fn(&str) -> bool| -> Vec<(usize, usize)> {
        notes
            .iter()
            .map(|n| {
                let gold: Vec<_> = n.gold.iter().filter(|code| of(code)).collect();
                (gold.iter().filter(|code| n.shown.contains(code)).count(), gold.len())
            })
            .collect()
    };
    let possible = |of: &dyn Fn(&str) -> bool| -> Vec<(usize, usize)> {
        notes.iter().map(|n| (n.gold.iter().filter(|code| of(code)).count(), n.gold.len())).collect()
    };

    let rows: Vec<Row> = vec![
        one("ranking, exact", "MAP", measured.mean(&precision(&all))),
        one("ranking, 3 characters", "MAP", measured.mean(&category_precision)),
        measured.counted("shown, exact", &counts(&|codes| codes.to_vec())),
        measured.counted("shown, 3 characters", &counts(&short)),
        one("ranking, codes seen in training", "MAP", measured.mean(&precision(&is_seen))),
        one("ranking, codes not seen", "MAP", measured.mean(&precision(&is_new))),
        one("shown, codes seen in training", "recall", measured.share(&recalled(&is_seen))),
        one("shown, codes not seen", "recall", measured.share(&recalled(&is_new))),
        one(
            "ceiling: codes that the release has",
            "share",
            measured.share(&possible(&|code| release.get(code).is_some())),
        ),
        one(
            "ceiling: billable in the release",
            "share",
            measured.share(&possible(&|code| release.is_billable(code))),
        ),
        one("codes seen in training", "share", measured.share(&possible(&is_seen))),
    ];
    let title = format!(
        "CodiEsp-D: {} documents, {missing} without prediction, release {}",
        documents.len(),
        release.id()
    );
    Table { title, rows }
}

/// The codes of these documents: what training shows.
pub fn codes<'a>(documents: impl IntoIterator<Item = &'a Document>) -> HashSet<String> {
    documents.into_iter().flat_map(|d| d.note_codes.iter().map(|code| code.to_uppercase())).collect()
}

/// One document's codes in one case.
struct Note {
    gold: Vec<String>,
    /// Best first, each once.
    ranked: Vec<String>,
    shown: Vec<String>,
}

impl Note {
    fn of(document: &Document, found: Option<&Prediction>, threshold: f64) -> Self {
        let mut codes: Vec<_> = found.into_iter().flat_map(|p| &p.codes).collect();
        codes.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        let shown = codes.iter().filter(|c| c.shown && c.confidence >= threshold);
        Self {
            gold: unique(document.note_codes.iter().map(|code| code.to_uppercase())),
            shown: unique(shown.map(|c| c.code.to_uppercase())),
            ranked: unique(codes.iter().map(|c| c.code.to_uppercase())),
        }
    }

    /// Over the reference codes that `of` takes; others are taken out of the ranking as well. `None` where there is none.
    fn average_precision(&self, of: &dyn Fn(&str) -> bool) -> Option<f64> {
        let (gold, other): (BTreeSet<&String>, BTreeSet<&String>) =
            self.gold.iter().partition(|code| of(code));
        let ranked: Vec<String> = self.ranked.iter().filter(|code| !other.contains(code)).cloned().collect();
        average_precision(&ranked, &gold.into_iter().cloned().collect())
    }
}

fn average_precision(ranked: &[String], gold: &BTreeSet<String>) -> Option<f64> {
    let (mut hits, mut sum) = (0usize, 0.0);
    for (at, code) in ranked.iter().enumerate() {
        if gold.contains(code) {
            hits += 1;
            sum += hits as f64 / (at + 1) as f64;
        }
    }
    (!gold.is_empty()).then(|| sum / gold.len() as f64)
}

fn category(code: &str) -> String {
    code.chars().take(3).collect()
}

fn unique(codes: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    codes.into_iter().filter(|code| seen.insert(code.clone())).collect()
}

fn count(gold: &[String], shown: &[String]) -> Count {
    let matched = gold.iter().filter(|code| shown.contains(code)).count();
    Count { matched, suggested: shown.len(), reference: gold.len() }
}
