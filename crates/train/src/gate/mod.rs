//! The promotion gate: a candidate model takes the place of the current one only where figures say that it is better.
//!
//! Both models read the same notes. The candidate is refused unless it is better on corrections that no training saw (by
//! paired bootstrap over notes, Efron & Tibshirani 1993, ch. 16), no headline of any frozen set falls by more than a point,
//! its calibration is not worse by more than a margin, and it is not slower than the budget allows. Without corrections the
//! frozen sets themselves must show the gain. The gate only judges: promotion is signed by a person.

mod decided;
mod report;

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

pub use decided::{Decided, decided};

use crate::corrections::Reviewed;
use crate::eval::compare::{CodeChange, Comparison, Difference, compare};
use crate::eval::interval::Draws;
use crate::eval::{Interval, Options};
use crate::gold::GoldNote;
use crate::prediction::Prediction;

/// What a candidate must keep to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Limits {
    /// Share of bootstrap draws in which the candidate must be the better one.
    pub sure: f64,
    /// How far a headline of a frozen set may fall, 0 to 1.
    pub fall: f64,
    /// How far the expected calibration error may rise.
    pub calibration: f64,
    /// Milliseconds a note (95th percentile) that are always fast enough.
    pub milliseconds: f64,
    /// Beyond these, how many times slower than the current model it may be.
    pub slower: f64,
    pub draws: usize,
    pub seed: u64,
}

impl Default for Limits {
    /// `milliseconds` is the first bar of the product for a 600-word note.
    fn default() -> Self {
        Self {
            sure: 0.95,
            fall: 0.01,
            calibration: 0.02,
            milliseconds: 250.0,
            slower: 1.1,
            draws: 2000,
            seed: 20_260_401,
        }
    }
}

impl Limits {
    fn options(&self) -> Options {
        Options { threshold: 0.0, draws: self.draws, seed: self.seed }
    }
}

/// A model and what it said about the notes of one set.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub predictions: HashMap<String, Prediction>,
    /// Milliseconds each note took.
    pub milliseconds: Vec<f64>,
}

/// A frozen set of reference entries, read by both models.
#[derive(Clone, Debug)]
pub struct Set {
    pub name: String,
    pub notes: Vec<GoldNote>,
    pub current: Said,
    pub candidate: Said,
}

/// Held-out corrections, read by both models. Predictions go by entry id.
#[derive(Clone, Debug)]
pub struct Corrections {
    pub entries: Vec<Reviewed>,
    pub current: Said,
    pub candidate: Said,
}

/// One thing that was asked of the candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    pub name: String,
    pub passed: bool,
    /// What was found, in words.
    pub found: String,
}

/// Decisions that a model says the same as people did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OnDecisions {
    pub decisions: usize,
    /// Of people who did not see the suggestion; the others may have followed it.
    pub blind: usize,
    pub current: f64,
    pub candidate: f64,
    /// Of what the current model has wrong: the share that the candidate has right; and the reverse.
    pub gained: usize,
    pub lost: usize,
    pub difference: f64,
    pub interval: Option<Interval>,
    /// Share of bootstrap draws in which the candidate is better; ties count half.
    pub better: f64,
    /// By field, then by code: decisions, right before, right after.
    pub fields: BTreeMap<String, [usize; 3]>,
    pub codes: BTreeMap<String, [usize; 3]>,
}

/// The figures of one frozen set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OnSet {
    pub name: String,
    pub comparison: Comparison,
}

/// What the gate says, with all that it rests on. Holds no clinical text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    pub promoted: bool,
    pub current: String,
    pub candidate: String,
    pub limits: Limits,
    pub checks: Vec<Check>,
    pub corrections: Option<OnDecisions>,
    pub sets: Vec<OnSet>,
    /// 95th percentile of milliseconds a note.
    pub milliseconds: [f64; 2],
}

/// Figures of a frozen set that must not fall.
const HEADLINES: [&str; 7] = [
    "value fields F1",
    "condition F1",
    "medication+dose F1",
    "condition code @1",
    "condition code @8",
    "note codes F1",
    "note codes MAP",
];
/// Figures of which one must rise where there are no corrections to judge by.
const GAINS: [&str; 3] = ["condition F1", "condition code @1", "note codes F1"];

/// Judges. `names` are the versions of the current model and the candidate.
pub fn judge(names: [&str; 2], sets: &[Set], corrections: Option<&Corrections>, limits: &Limits) -> Verdict {
    let options = limits.options();
    let on_sets: Vec<OnSet> = sets
        .iter()
        .map(|set| OnSet {
            name: set.name.clone(),
            comparison: compare(&set.notes, &set.current.predictions, &set.candidate.predictions, &options),
        })
        .collect();
    let on_corrections = corrections.map(|corrections| on_decisions(corrections, &options));
    let said = |of: fn(&Set) -> &Said, held: Option<&Said>| -> Vec<f64> {
        let sets = sets.iter().flat_map(|set| &of(set).milliseconds);
        sets.chain(held.into_iter().flat_map(|said| &said.milliseconds)).copied().collect()
    };
    let milliseconds = [
        percentile(&said(|set| &set.current, corrections.map(|c| &c.current))),
        percentile(&said(|set| &set.candidate, corrections.map(|c| &c.candidate))),
    ];
    let mut checks = vec![match &on_corrections {
        Some(found) => Check {
            name: "better on held-out corrections".into(),
            passed: found.decisions > 0 && found.difference > 0.0 && found.better >= limits.sure,
            found: format!(
                "{:.1} % of {} decisions instead of {:.1} %; better in {:.1} % of draws, {:.1} % asked",
                100.0 * found.candidate,
                found.decisions,
                100.0 * found.current,
                100.0 * found.better,
                100.0 * limits.sure
            ),
        },
        None => gain_on_sets(&on_sets, limits),
    }];
    for set in &on_sets {
        checks.push(no_fall(set, limits));
        checks.extend(calibration(set, limits));
    }
    let slow = milliseconds[1] > limits.milliseconds && milliseconds[1] > limits.slower * milliseconds[0];
    checks.push(Check {
        name: "fast enough".into(),
        passed: !slow,
        found: format!(
            "{:.0} ms a note (95th percentile) instead of {:.0} ms; {:.0} ms are always fast enough",
            milliseconds[1], milliseconds[0], limits.milliseconds
        ),
    });
    Verdict {
        promoted: checks.iter().all(|check| check.passed),
        current: names[0].to_owned(),
        candidate: names[1].to_owned(),
        limits: *limits,
        checks,
        corrections: on_corrections,
        sets: on_sets,
        milliseconds,
    }
}

fn gain_on_sets(sets: &[OnSet], limits: &Limits) -> Check {
    let best = sets
        .iter()
        .flat_map(|set| GAINS.iter().filter_map(move |name| Some((set, set.comparison.figure(name)?))))
        .max_by(|a, b| a.1.greater.total_cmp(&b.1.greater));
    let name = "better on a frozen set (no corrections given)".to_owned();
    match best {
        Some((set, figure)) => Check {
            name,
            passed: figure.difference.value > 0.0 && figure.greater >= limits.sure,
            found: format!(
                "{} of {}: {} in {:.1} % of draws, {:.1} % asked",
                figure.name,
                set.name,
                points(figure),
                100.0 * figure.greater,
                100.0 * limits.sure
            ),
        },
        None => Check { name, passed: false, found: "there is nothing to judge by".into() },
    }
}

fn no_fall(set: &OnSet, limits: &Limits) -> Check {
    let fallen: Vec<&Difference> = HEADLINES
        .iter()
        .filter_map(|name| set.comparison.figure(name))
        .filter(|figure| figure.difference.value < -limits.fall)
        .collect();
    let told: Vec<String> = fallen.iter().map(|f| format!("{} by {}", f.name, points(f))).collect();
    Check {
        name: format!("no headline of {} falls by more than {:.1} points", set.name, 100.0 * limits.fall),
        passed: fallen.is_empty(),
        found: if told.is_empty() { "none does".to_owned() } else { told.join("; ") },
    }
}

fn calibration(set: &OnSet, limits: &Limits) -> Option<Check> {
    let ece = set.comparison.figure("ECE")?;
    Some(Check {
        name: format!("calibration on {} not worse by more than {:.3}", set.name, limits.calibration),
        passed: ece.difference.value <= limits.calibration,
        found: format!("ECE {:.3} instead of {:.3}", ece.after, ece.before),
    })
}

fn points(figure: &Difference) -> String {
    format!("{:+.1} points", 100.0 * figure.difference.value)
}

/// The 95th percentile, by nearest rank; 0 of nothing.
fn percentile(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * 95).div_ceil(100);
    rank.checked_sub(1).and_then(|rank| sorted.get(rank)).copied().unwrap_or(0.0)
}

fn on_decisions(corrections: &Corrections, options: &Options) -> OnDecisions {
    // Per entry: decisions, right before, right after.
    let mut counts: Vec<[usize; 3]> = Vec::new();
    let mut out = OnDecisions {
        decisions: 0,
        blind: 0,
        current: 0.0,
        candidate: 0.0,
        gained: 0,
        lost: 0,
        difference: 0.0,
        interval: None,
        better: 0.5,
        fields: BTreeMap::new(),
        codes: BTreeMap::new(),
    };
    for entry in &corrections.entries {
        let id = entry.entry.as_str();
        let (before, after) =
            (corrections.current.predictions.get(id), corrections.candidate.predictions.get(id));
        let mut count = [0; 3];
        for one in decided(entry) {
            let (was, is) = (one.is_met(before), one.is_met(after));
            let add = |count: &mut [usize; 3]| {
                count[0] += 1;
                count[1] += usize::from(was);
                count[2] += usize::from(is);
            };
            add(&mut count);
            add(out.fields.entry(one.field.clone()).or_default());
            if let Some(code) = &one.code {
                add(out.codes.entry(code.clone()).or_default());
            }
            out.decisions += 1;
            out.blind += usize::from(!one.seen);
            out.gained += usize::from(is && !was);
            out.lost += usize::from(was && !is);
        }
        counts.push(count);
    }
    let everyone: Vec<u32> = (0..counts.len() as u32).collect();
    let share = |draw: &[u32], which: usize| {
        let sum = |at: usize| draw.iter().map(|note| counts[*note as usize][at]).sum::<usize>();
        if sum(0) == 0 { 0.0 } else { sum(which) as f64 / sum(0) as f64 }
    };
    let difference = |draw: &[u32]| share(draw, 2) - share(draw, 1);
    let draws = Draws::new(counts.len(), options);
    let drawn = draws.values(difference);
    if !drawn.is_empty() {
        let wins: f64 =
            drawn.iter().map(|d| if *d > 0.0 { 1.0 } else { f64::from(u8::from(*d == 0.0)) / 2.0 }).sum();
        out.better = wins / drawn.len() as f64;
    }
    out.current = share(&everyone, 1);
    out.candidate = share(&everyone, 2);
    out.difference = out.candidate - out.current;
    out.interval = draws.interval(difference);
    out
}

/// Codes for which a set's two models differ.
pub fn code_changes(verdict: &Verdict) -> impl Iterator<Item = (&str, &CodeChange)> {
    verdict.sets.iter().flat_map(|set| set.comparison.codes.iter().map(|code| (set.name.as_str(), code)))
}

#[cfg(test)]
mod tests;
