//! What one note adds to each figure.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::fields::{CONDITIONS, DATES};
use super::judge::{Judged, assertion, judge, same_dose};
use crate::gold::GoldNote;
use crate::prediction::Prediction;

/// The candidate ranks at which condition codes are looked at.
pub const RANKS: [usize; 3] = [1, 3, 8];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub matched: usize,
    pub suggested: usize,
    pub reference: usize,
}

impl Count {
    pub fn add(&mut self, other: Self) {
        self.matched += other.matched;
        self.suggested += other.suggested;
        self.reference += other.reference;
    }

    pub fn precision(self) -> f64 {
        share(self.matched, self.suggested)
    }

    pub fn recall(self) -> f64 {
        share(self.matched, self.reference)
    }

    pub fn f1(self) -> f64 {
        let (p, r) = (self.precision(), self.recall());
        if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 }
    }
}

/// `part / whole`, 0 where there is no whole.
pub fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// One note's part of every figure.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub rows: BTreeMap<&'static str, Count>,
    /// Reference conditions with a code, and those whose code is among the first 1, 3, 8 candidates.
    pub coded: usize,
    pub found_at: [usize; RANKS.len()],
    /// Matched conditions, and those with the right assertion.
    pub asserted: usize,
    pub asserted_right: usize,
    /// Average precision of the note's ranked codes.
    pub average_precision: f64,
    /// Confidence of each suggested span and whether it matched.
    pub confidence: Vec<(f64, bool)>,
    pub missing: bool,
    pub wrong_quotes: usize,
}

impl Tally {
    pub fn of(note: &GoldNote, prediction: Option<&Prediction>, threshold: f64) -> Self {
        let judged = judge(note, prediction, threshold);
        let mut tally =
            Self { missing: prediction.is_none(), wrong_quotes: judged.wrong_quotes, ..Self::default() };
        tally.values(&judged);
        tally.spans(&judged);
        tally.conditions(&judged);
        tally.codes(note, prediction, threshold);
        tally
    }

    fn row(&mut self, name: &'static str, count: Count) {
        self.rows.entry(name).or_default().add(count);
    }

    fn values(&mut self, judged: &Judged<'_>) {
        for value in &judged.values {
            let count = Count {
                matched: usize::from(value.right),
                suggested: usize::from(value.suggested.is_some()),
                reference: usize::from(value.gold.is_some()),
            };
            self.row(value.field, count);
            if !DATES.contains(&value.field) {
                self.row("value fields", count);
            }
        }
    }

    fn spans(&mut self, judged: &Judged<'_>) {
        for (field, matches) in &judged.spans {
            let matched = matches.pairs.iter().filter(|(_, gold)| gold.is_some()).count();
            let mut count = Count { matched, suggested: matches.pairs.len(), reference: matches.gold.len() };
            self.row(field, count);
            self.confidence.extend(matches.pairs.iter().map(|(s, gold)| (s.confidence, gold.is_some())));
            if *field == "medication" {
                let same = matches.pairs.iter().filter(|(s, gold)| gold.is_some_and(|g| same_dose(s, g)));
                count.matched = same.count();
                self.row("medication+dose", count);
            }
        }
    }

    fn conditions(&mut self, judged: &Judged<'_>) {
        let matches = &judged.conditions;
        let hits: Vec<_> = matches.pairs.iter().filter_map(|(s, gold)| gold.map(|g| (s, g))).collect();
        let count =
            Count { matched: hits.len(), suggested: matches.pairs.len(), reference: matches.gold.len() };
        self.row("condition", count);
        self.coded = matches.gold.iter().filter(|g| g.code.as_ref().is_some_and(|c| !c.is_empty())).count();
        self.asserted = hits.len();
        for (s, g) in hits {
            let right = assertion(s.assertion.as_deref()) == assertion(g.assertion.as_deref());
            self.asserted_right += usize::from(right);
            let Some(code) = g.code.as_ref().filter(|code| !code.is_empty()) else { continue };
            if let Some(rank) = s.codes.iter().position(|candidate| candidate.code == *code) {
                for (found, k) in self.found_at.iter_mut().zip(RANKS) {
                    *found += usize::from(rank < k);
                }
            }
        }
        debug_assert!(matches.gold.iter().all(|g| CONDITIONS.contains(&g.field.as_str())));
    }

    fn codes(&mut self, note: &GoldNote, prediction: Option<&Prediction>, threshold: f64) {
        let all = prediction.map_or(&[][..], |p| &p.codes);
        let reference: BTreeSet<&str> = note.codes.iter().map(|c| c.code.as_str()).collect();
        let shown: BTreeSet<&str> =
            all.iter().filter(|c| c.shown && c.confidence >= threshold).map(|c| c.code.as_str()).collect();
        self.row("note codes", sets(&reference, &shown));
        let short = |codes: &BTreeSet<&'_ str>| -> BTreeSet<String> {
            codes.iter().map(|code| code.chars().take(3).collect()).collect()
        };
        self.row("note codes 3 characters", sets(&short(&reference), &short(&shown)));

        let mut ranked: Vec<_> = all.iter().collect();
        ranked.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        let mut seen = HashSet::new();
        ranked.retain(|c| seen.insert(c.code.as_str()));
        let mut hits = 0;
        let mut sum = 0.0;
        for (index, code) in ranked.iter().enumerate() {
            if reference.contains(code.code.as_str()) {
                hits += 1;
                sum += share(hits, index + 1);
            }
        }
        self.average_precision = if reference.is_empty() { 0.0 } else { sum / reference.len() as f64 };
    }
}

fn sets<T: Ord>(reference: &BTreeSet<T>, shown: &BTreeSet<T>) -> Count {
    Count {
        matched: reference.intersection(shown).count(),
        suggested: shown.len(),
        reference: reference.len(),
    }
}
