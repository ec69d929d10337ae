//! How well suggestions fit reference entries.
//!
//! - value fields (age, sex, vital signs, tobacco, alcohol): one value a note; right when the normal forms are equal.
//! - span fields: a suggestion matches a reference span of the same field when they overlap by at least half of the
//!   shorter; one to one, best confidence first. For diagnosis and history either field matches the other at
//!   `condition`, not at its own row. Two "no known allergies" match wherever they stand.
//! - `medication+dose`: the name matches and the dose phrases are equal but for case and spaces.
//! - condition code at k: of all reference conditions with a code, the share whose matched suggestion holds it among
//!   its first k candidates.
//! - note codes: micro-averaged over the set of codes a note, whole and at three characters; mean average precision
//!   (MAP) over all codes ranked by confidence.
//! - ECE: expected calibration error, ten equal-mass bins of confidence against "matched", over span fields.
//!
//! Every interval is a 95 % percentile bootstrap that draws whole notes (Efron & Tibshirani 1993, ch. 13), as the
//! spans of one note are not independent.

pub mod calibration;
pub mod compare;
mod count;
mod errors;
pub mod fields;
pub(crate) mod interval;
mod judge;
mod norm;
mod report;
mod sections;
pub mod slices;
mod table;

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use count::Count;
pub use errors::{ErrorCount, write_errors};
pub(crate) use judge::review_pairs;
pub use norm::normal_form;
pub use report::{AtK, Figure, Interval, Report, Row, Slice, Summary};

use crate::gold::GoldNote;
use crate::prediction::Prediction;
use count::Tally;
use interval::Draws;

/// How to score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Suggestions with less confidence are left out.
    pub threshold: f64,
    /// Bootstrap draws behind each interval; 0 for no intervals.
    pub draws: usize,
    /// Equal seeds give equal intervals.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { threshold: 0.0, draws: 1000, seed: 20_260_401 }
    }
}

/// [`score_with`] with 1,000 draws and a fixed seed.
pub fn score<S: std::hash::BuildHasher>(
    gold: &[GoldNote],
    predictions: &HashMap<String, Prediction, S>,
    threshold: f64,
) -> Report {
    score_with(gold, predictions, &Options { threshold, ..Options::default() })
}

/// Every figure over `gold`. A note without a prediction counts as one for which nothing was suggested; predictions
/// for other notes are passed over.
pub fn score_with<S: std::hash::BuildHasher>(
    gold: &[GoldNote],
    predictions: &HashMap<String, Prediction, S>,
    options: &Options,
) -> Report {
    let tallies: Vec<_> =
        gold.iter().map(|note| Tally::of(note, predictions.get(&note.id), options.threshold)).collect();
    let all: Vec<_> = tallies.iter().collect();
    let summary = report::summary(&all, &Draws::new(all.len(), options));
    let mut kinds = BTreeMap::<String, Vec<&Tally>>::new();
    let mut specialties = BTreeMap::<String, Vec<&Tally>>::new();
    let mut lengths = BTreeMap::<(usize, &str), Vec<&Tally>>::new();
    for (note, tally) in gold.iter().zip(&tallies) {
        let kind = note.document_type.clone().unwrap_or_else(|| "not stated".into());
        kinds.entry(kind).or_default().push(tally);
        let distinct: BTreeSet<&String> = note.specialties.iter().collect();
        for name in distinct {
            specialties.entry(name.clone()).or_default().push(tally);
        }
        lengths.entry(length_band(&note.text)).or_default().push(tally);
    }
    let slice = |name: String, part: Vec<&Tally>| Slice {
        name,
        summary: report::summary(&part, &Draws::new(part.len(), options)),
    };
    Report {
        summary,
        threshold: options.threshold,
        draws: options.draws,
        seed: options.seed,
        by_document_type: kinds.into_iter().map(|(name, part)| slice(name, part)).collect(),
        by_length: lengths.into_iter().map(|((_, name), part)| slice(name.into(), part)).collect(),
        by_specialty: specialties.into_iter().map(|(name, part)| slice(name, part)).collect(),
        by_assertion: slices::by_assertion(gold, predictions, options),
        by_section: slices::by_section(gold, predictions, options),
        calibration: calibration::by_field(gold, predictions, options),
    }
}

/// Rank and name of a note's length in words.
fn length_band(text: &str) -> (usize, &'static str) {
    match text.split_whitespace().count() {
        0..=199 => (0, "under 200 words"),
        200..=499 => (1, "200 to 499 words"),
        500..=999 => (2, "500 to 999 words"),
        _ => (3, "1,000 words and more"),
    }
}

#[cfg(test)]
mod tests;
