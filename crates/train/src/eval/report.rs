//! Tallies summed up to figures with intervals.

use std::collections::BTreeMap;

use serde::Serialize;

use super::calibration::Reliability;
use super::count::{Count, RANKS, Tally, share};
use super::interval::Draws;
use super::slices::Part;

/// The central 95 % of the bootstrap draws.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// One number with the count that it rests on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figure {
    pub value: f64,
    pub n: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

/// Precision, recall and F1, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Row {
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
    pub matched: usize,
    pub predicted: usize,
    pub reference: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision_interval: Option<Interval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recall_interval: Option<Interval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub f1_interval: Option<Interval>,
}

/// Share of reference conditions whose code is among the first `k` candidates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AtK {
    pub k: usize,
    #[serde(flatten)]
    pub figure: Figure,
}

/// Every figure over some notes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    pub notes: usize,
    pub notes_without_prediction: usize,
    pub quotes_that_do_not_match: usize,
    /// By field; also `value fields`, `condition`, `medication+dose`, `note codes`, `note codes 3 characters`.
    pub rows: BTreeMap<String, Row>,
    pub condition_code: Vec<AtK>,
    /// Of matched conditions.
    pub assertion_accuracy: Figure,
    pub note_codes_map: Figure,
    pub ece: Figure,
}

/// The same over a part of the notes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slice {
    pub name: String,
    #[serde(flatten)]
    pub summary: Summary,
}

/// Everything that evaluation says; holds no clinical text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    #[serde(flatten)]
    pub summary: Summary,
    pub threshold: f64,
    pub draws: usize,
    pub seed: u64,
    pub by_document_type: Vec<Slice>,
    pub by_length: Vec<Slice>,
    /// A note may be of several.
    pub by_specialty: Vec<Slice>,
    pub by_assertion: Vec<Part>,
    pub by_section: Vec<Part>,
    /// Each field's own confidences; [`Summary::ece`] takes all span fields together.
    pub calibration: Vec<Reliability>,
}

impl Report {
    /// Tables for a person to read.
    pub fn to_table(&self) -> String {
        super::table::table(self)
    }
}

pub(super) fn summary(tallies: &[&Tally], draws: &Draws) -> Summary {
    let everyone: Vec<u32> = (0..tallies.len() as u32).collect();
    let sum = |draw: &[u32], of: fn(&Tally) -> usize| -> usize { picked(tallies, draw).map(of).sum() };
    let ratio = |part: fn(&Tally) -> usize, whole: fn(&Tally) -> usize| Figure {
        value: share(sum(&everyone, part), sum(&everyone, whole)),
        n: sum(&everyone, whole),
        interval: draws.interval(|draw| share(sum(draw, part), sum(draw, whole))),
    };
    let found: [fn(&Tally) -> usize; RANKS.len()] = [|t| t.found_at[0], |t| t.found_at[1], |t| t.found_at[2]];
    Summary {
        notes: tallies.len(),
        notes_without_prediction: sum(&everyone, |t| usize::from(t.missing)),
        quotes_that_do_not_match: sum(&everyone, |t| t.wrong_quotes),
        rows: rows(tallies, &everyone, draws),
        condition_code: RANKS
            .into_iter()
            .zip(found)
            .map(|(k, found)| AtK { k, figure: ratio(found, |t| t.coded) })
            .collect(),
        assertion_accuracy: ratio(|t| t.asserted_right, |t| t.asserted),
        note_codes_map: Figure {
            value: mean_average_precision(tallies, &everyone),
            n: tallies.len(),
            interval: draws.interval(|draw| mean_average_precision(tallies, draw)),
        },
        ece: Figure {
            value: calibration_error(tallies, &everyone),
            n: sum(&everyone, |t| t.confidence.len()),
            interval: draws.interval(|draw| calibration_error(tallies, draw)),
        },
    }
}

pub(super) fn picked<'a>(tallies: &'a [&Tally], draw: &'a [u32]) -> impl Iterator<Item = &'a Tally> {
    draw.iter().map(|index| tallies[*index as usize])
}

fn rows(tallies: &[&Tally], everyone: &[u32], draws: &Draws) -> BTreeMap<String, Row> {
    let Some(first) = tallies.first() else { return BTreeMap::new() };
    let row = |name: &'static str| {
        let counts: Vec<Count> =
            tallies.iter().map(|tally| tally.rows.get(name).copied().unwrap_or_default()).collect();
        let total = |draw: &[u32]| {
            let mut total = Count::default();
            for index in draw {
                total.add(counts[*index as usize]);
            }
            total
        };
        let all = total(everyone);
        Row {
            precision: all.precision(),
            recall: all.recall(),
            f1: all.f1(),
            matched: all.matched,
            predicted: all.suggested,
            reference: all.reference,
            precision_interval: draws.interval(|draw| total(draw).precision()),
            recall_interval: draws.interval(|draw| total(draw).recall()),
            f1_interval: draws.interval(|draw| total(draw).f1()),
        }
    };
    first.rows.keys().map(|name| ((*name).to_owned(), row(name))).collect()
}

pub(super) fn mean_average_precision(tallies: &[&Tally], draw: &[u32]) -> f64 {
    if draw.is_empty() {
        return 0.0;
    }
    picked(tallies, draw).map(|t| t.average_precision).sum::<f64>() / draw.len() as f64
}

/// Ten bins of equal mass, each the distance of mean confidence from the share that matched, weighted by its size.
pub(super) fn calibration_error(tallies: &[&Tally], draw: &[u32]) -> f64 {
    const BINS: usize = 10;
    let mut all: Vec<(f64, bool)> =
        picked(tallies, draw).flat_map(|t| t.confidence.iter().copied()).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let n = all.len();
    (0..BINS)
        .map(|bin| &all[bin * n / BINS..(bin + 1) * n / BINS])
        .filter(|bin| !bin.is_empty())
        .map(|bin| {
            let size = bin.len() as f64;
            let confidence = bin.iter().map(|(c, _)| c).sum::<f64>() / size;
            let right = bin.iter().filter(|(_, right)| *right).count() as f64 / size;
            size / n as f64 * (confidence - right).abs()
        })
        .sum()
}
