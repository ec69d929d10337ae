//! Learning from reports with their codes.

use overread_codes::Release;

use super::learned::{Learned, Terms};
use super::rows::{self, Candidate};
use super::{Content, FORMAT, Report, Reports, register};
use crate::linear::{Fit, Linear, Row};
use crate::note::Doc;
use crate::pipeline::{self, Analysis};
use crate::{SuggestError, Suggester};

const HEAD: Fit = Fit { steps: 300, rate: 0.05, l2_sparse: 4.0, l2_dense: 1.0 };
/// Share of other notes that may be taken for reports: nearly all that a site reads are notes, and one that is coded as a
/// report loses the guideline logic.
const MISTAKEN: f32 = 0.015;
const REGISTER: Fit = Fit { steps: 400, rate: 0.05, l2_sparse: 1.0, l2_dense: 0.5 };
/// Parts that the reports are split into: what is learned of a phrase must come from other reports than the one in
/// which it is weighed.
const PARTS: usize = 5;

/// How well codes are found in parts that were left out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    /// Mean average precision of the ranking.
    pub map: f32,
    /// Micro-averages of what is shown.
    pub precision: f32,
    pub recall: f32,
    pub f1: f32,
    /// Share of the codes that are among the candidates at all.
    pub reachable: f32,
    /// Share of reports that are told for what they are.
    pub register: f32,
}

/// Called with how many texts are read of how many.
pub type Progress<'p> = &'p mut dyn FnMut(usize, usize);

struct Seen<'r> {
    doc: Doc<'r>,
    analysis: Analysis,
}

/// Learns from `reports`, read by `model`; `others` are notes that are no reports. `model` should not have been trained on
/// the words of `reports` as answers, else give the same reports to nobody else.
pub fn fit(
    model: &Suggester,
    reports: &[Report],
    others: &[&str],
    fitted_on: &str,
    progress: Progress<'_>,
) -> Result<(Reports, Scores), SuggestError> {
    let release = &*model.release;
    let terms = Terms::new(release);
    let mut seen = Vec::with_capacity(reports.len());
    for (i, report) in reports.iter().enumerate() {
        let read = model.read(&report.text)?;
        let analysis = pipeline::analyse(&read, model.sense.as_deref(), release, &model.heads);
        seen.push(Seen { doc: read.doc, analysis });
        progress(i + 1, reports.len());
    }
    let all: Vec<Vec<Candidate>> = {
        let mut all: Vec<Vec<Candidate>> = vec![Vec::new(); reports.len()];
        for part in 0..PARTS {
            let rest: Vec<&Report> =
                reports.iter().enumerate().filter(|(i, _)| i % PARTS != part).map(|(_, r)| r).collect();
            let learned = Learned::from_reports(&rest);
            for (i, seen) in seen.iter().enumerate().filter(|(i, _)| i % PARTS == part) {
                all[i] = candidates(seen, release, &learned, &terms);
            }
        }
        all
    };
    let rows: Vec<Vec<(Row, usize, f32)>> = all
        .iter()
        .zip(reports)
        .map(|(list, report)| {
            list.iter().map(|c| (c.row.clone(), usize::from(report.codes.contains(&c.code)), 1.0)).collect()
        })
        .collect();
    let fitted = |keep: &dyn Fn(usize) -> bool| {
        let rows: Vec<_> = rows
            .iter()
            .enumerate()
            .filter(|(i, _)| keep(*i))
            .flat_map(|(_, rows)| rows.iter().cloned())
            .collect();
        Linear::fit(1, rows::SPARSE, rows::DENSE, &rows, &HEAD)
    };
    let mut ranked: Vec<Vec<(f32, bool)>> = vec![Vec::new(); reports.len()];
    for part in 0..PARTS {
        let head = fitted(&|i| i % PARTS != part);
        for (i, rows) in rows.iter().enumerate().filter(|(i, _)| i % PARTS == part) {
            ranked[i] =
                rows.iter().map(|(row, right, _)| (head.probabilities(row)[0], *right == 1)).collect();
            ranked[i].sort_by(|a, b| b.0.total_cmp(&a.0));
        }
    }
    let wanted: Vec<usize> = reports.iter().map(|r| r.codes.len()).collect();
    let (threshold, mut scores) = score(&ranked, &wanted);
    let (register, report_from, share) = register(&seen, others);
    scores.register = share;
    let content = Content {
        format: FORMAT,
        fitted_on: fitted_on.to_owned(),
        learned: Learned::from_reports(&reports.iter().collect::<Vec<_>>()),
        head: fitted(&|_| true),
        register,
        report_from,
        threshold,
    };
    Ok((Reports::new(content), scores))
}

fn candidates(seen: &Seen<'_>, release: &Release, learned: &Learned, terms: &Terms) -> Vec<Candidate> {
    rows::candidates(&seen.doc, &seen.analysis, release, learned, terms)
}

/// The threshold with the best micro-F1, and the figures there.
fn score(ranked: &[Vec<(f32, bool)>], wanted: &[usize]) -> (f32, Scores) {
    let total: usize = wanted.iter().sum();
    let mut all: Vec<(f32, bool)> = ranked.iter().flatten().copied().collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut scores = Scores::default();
    let (mut threshold, mut right) = (0.5, 0usize);
    for (shown, (p, ok)) in all.iter().enumerate() {
        right += usize::from(*ok);
        let f1 = 2.0 * right as f32 / (shown + 1 + total).max(1) as f32;
        if f1 > scores.f1 {
            threshold = *p;
            scores.f1 = f1;
            scores.precision = right as f32 / (shown + 1) as f32;
            scores.recall = right as f32 / total.max(1) as f32;
        }
    }
    scores.reachable = right as f32 / total.max(1) as f32;
    let mut sum = 0.0;
    for (list, &wanted) in ranked.iter().zip(wanted).filter(|(_, w)| **w > 0) {
        let mut hits = 0;
        let precisions: f32 = list
            .iter()
            .take(super::RANKED)
            .enumerate()
            .filter(|(_, (_, ok))| *ok)
            .map(|(i, _)| {
                hits += 1;
                hits as f32 / (i + 1) as f32
            })
            .sum();
        sum += precisions / wanted as f32;
    }
    scores.map = sum / wanted.iter().filter(|w| **w > 0).count().max(1) as f32;
    (threshold, scores)
}

/// Tells reports from other notes: the head, the probability that all but few others stay under, and the share of
/// reports that reach it, each text by a head that did not see it.
fn register(reports: &[Seen<'_>], others: &[&str]) -> (Linear, f32, f32) {
    let mut rows: Vec<(Row, usize, f32)> =
        reports.iter().map(|seen| (register::row(&seen.doc), 1, 1.0)).collect();
    // Both kinds weigh the same, however many there are.
    let weight = reports.len() as f32 / others.len().max(1) as f32;
    rows.extend(others.iter().map(|text| (register::row(&Doc::new(text, 131_072)), 0, weight)));
    let mut told: [Vec<f32>; 2] = [Vec::new(), Vec::new()];
    for part in 0..PARTS {
        let train: Vec<_> =
            rows.iter().enumerate().filter(|(i, _)| i % PARTS != part).map(|(_, r)| r.clone()).collect();
        let head = Linear::fit(1, 0, register::DENSE, &train, &REGISTER);
        for (row, class, _) in rows.iter().skip(part).step_by(PARTS) {
            told[*class].push(head.probabilities(row)[0]);
        }
    }
    let [mut others, reports] = told;
    others.sort_by(f32::total_cmp);
    let few = (others.len() as f32 * (1.0 - MISTAKEN)) as usize;
    let from = others.get(few).map_or(0.5, |p| p.max(0.5));
    let right = reports.iter().filter(|p| **p > from).count();
    (Linear::fit(1, 0, register::DENSE, &rows, &REGISTER), from, right as f32 / reports.len().max(1) as f32)
}
