//! Two models on the same notes.
//!
//! Both are drawn together (paired bootstrap over notes): what makes a note hard cancels out, so that small differences
//! show that two separate intervals would hide.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use serde::Serialize;

use super::count::{Count, RANKS, Tally, share};
use super::interval::Draws;
use super::report::{calibration_error, mean_average_precision, picked};
use super::{Figure, Options};
use crate::gold::GoldNote;
use crate::prediction::Prediction;

/// One figure of both models.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// `condition F1`, `condition code @8`, `note codes MAP`, `ECE` ...
    pub name: String,
    pub before: f64,
    pub after: f64,
    /// `after - before` with its interval; `n` are the reference items, or what was judged.
    pub difference: Figure,
    /// Share of draws in which `after` is the greater one; ties count half. 0.5 says nothing, for ECE small is good.
    pub greater: f64,
}

/// What became of one code of the final list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CodeChange {
    pub code: String,
    /// Notes whose reference has it.
    pub reference: usize,
    /// Of these, found by the first model and by the second.
    pub found_before: usize,
    pub found_after: usize,
    /// Notes for which it was suggested without being in the reference.
    pub extra_before: usize,
    pub extra_after: usize,
}

impl CodeChange {
    /// Notes put right less notes put wrong.
    pub fn gain(&self) -> i64 {
        let right = self.found_after as i64 - self.found_before as i64;
        right - (self.extra_after as i64 - self.extra_before as i64)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    pub notes: usize,
    pub figures: Vec<Difference>,
    /// Codes for which the two models differ, the greatest loss first.
    pub codes: Vec<CodeChange>,
}

impl Comparison {
    pub fn figure(&self, name: &str) -> Option<&Difference> {
        self.figures.iter().find(|figure| figure.name == name)
    }
}

/// A figure over the notes of a draw.
type Measure<'a> = Box<dyn Fn(&[&Tally], &[u32]) -> f64 + 'a>;

/// Compares `after` with `before`, whole figures and code by code.
pub fn compare<S: std::hash::BuildHasher, T: std::hash::BuildHasher>(
    gold: &[GoldNote],
    before: &HashMap<String, Prediction, S>,
    after: &HashMap<String, Prediction, T>,
    options: &Options,
) -> Comparison {
    let tally = |note: &GoldNote, prediction| Tally::of(note, prediction, options.threshold);
    let first: Vec<Tally> = gold.iter().map(|note| tally(note, before.get(&note.id))).collect();
    let second: Vec<Tally> = gold.iter().map(|note| tally(note, after.get(&note.id))).collect();
    let (first, second): (Vec<&Tally>, Vec<&Tally>) = (first.iter().collect(), second.iter().collect());
    let draws = Draws::new(gold.len(), options);
    let everyone: Vec<u32> = (0..gold.len() as u32).collect();
    let figures = measures(&first)
        .into_iter()
        .filter_map(|(name, n, measure)| {
            let n = n(&first, &everyone).max(n(&second, &everyone));
            if n == 0 {
                return None;
            }
            let difference = |draw: &[u32]| measure(&second, draw) - measure(&first, draw);
            let drawn = draws.values(difference);
            let greater: f64 = drawn
                .iter()
                .map(|d| {
                    if *d > 0.0 {
                        1.0
                    } else if *d < 0.0 {
                        0.0
                    } else {
                        0.5
                    }
                })
                .sum();
            Some(Difference {
                name,
                before: measure(&first, &everyone),
                after: measure(&second, &everyone),
                difference: Figure { value: difference(&everyone), n, interval: draws.interval(difference) },
                greater: if drawn.is_empty() { 0.5 } else { greater / drawn.len() as f64 },
            })
        })
        .collect();
    Comparison { notes: gold.len(), figures, codes: codes(gold, before, after, options.threshold) }
}

type Size = Box<dyn Fn(&[&Tally], &[u32]) -> usize>;

/// Every figure by name, with what it rests on.
fn measures<'a>(tallies: &[&Tally]) -> Vec<(String, Size, Measure<'a>)> {
    let mut out: Vec<(String, Size, Measure<'a>)> = Vec::new();
    let names: Vec<&'static str> =
        tallies.first().map(|tally| tally.rows.keys().copied().collect()).unwrap_or_default();
    for name in names {
        let total = move |tallies: &[&Tally], draw: &[u32]| {
            let mut total = Count::default();
            for tally in picked(tallies, draw) {
                total.add(tally.rows.get(name).copied().unwrap_or_default());
            }
            total
        };
        let size = move |tallies: &[&Tally], draw: &[u32]| {
            let total = total(tallies, draw);
            total.reference + total.suggested
        };
        out.push((format!("{name} F1"), Box::new(size), Box::new(move |t, d| total(t, d).f1())));
    }
    let sum = |tallies: &[&Tally], draw: &[u32], of: fn(&Tally) -> usize| -> usize {
        picked(tallies, draw).map(of).sum()
    };
    for (at, k) in RANKS.into_iter().enumerate() {
        let found = move |tallies: &[&Tally], draw: &[u32]| {
            let hits: usize = picked(tallies, draw).map(|tally| tally.found_at[at]).sum();
            share(hits, sum(tallies, draw, |tally| tally.coded))
        };
        let size = move |t: &[&Tally], d: &[u32]| sum(t, d, |tally| tally.coded);
        out.push((format!("condition code @{k}"), Box::new(size), Box::new(found)));
    }
    out.push((
        "assertion accuracy".into(),
        Box::new(move |t, d| sum(t, d, |tally| tally.asserted)),
        Box::new(move |t, d| {
            share(sum(t, d, |tally| tally.asserted_right), sum(t, d, |tally| tally.asserted))
        }),
    ));
    out.push(("note codes MAP".into(), Box::new(|_, draw| draw.len()), Box::new(mean_average_precision)));
    let size = |t: &[&Tally], d: &[u32]| picked(t, d).map(|tally| tally.confidence.len()).sum();
    out.push(("ECE".into(), Box::new(size), Box::new(calibration_error)));
    out
}

fn codes<S: std::hash::BuildHasher, T: std::hash::BuildHasher>(
    gold: &[GoldNote],
    before: &HashMap<String, Prediction, S>,
    after: &HashMap<String, Prediction, T>,
    threshold: f64,
) -> Vec<CodeChange> {
    fn shown(prediction: Option<&Prediction>, threshold: f64) -> Vec<&str> {
        let all = prediction.into_iter().flat_map(|p| &p.codes);
        let mut out: Vec<&str> =
            all.filter(|c| c.shown && c.confidence >= threshold).map(|c| c.code.as_str()).collect();
        out.sort_unstable();
        out.dedup();
        out
    }
    let mut out = BTreeMap::<&str, CodeChange>::new();
    for note in gold {
        let mut reference: Vec<&str> = note.codes.iter().map(|code| code.code.as_str()).collect();
        reference.sort_unstable();
        reference.dedup();
        for code in &reference {
            out.entry(code).or_default().reference += 1;
        }
        for code in shown(before.get(&note.id), threshold) {
            let change = out.entry(code).or_default();
            let right = reference.binary_search(&code).is_ok();
            *(if right { &mut change.found_before } else { &mut change.extra_before }) += 1;
        }
        for code in shown(after.get(&note.id), threshold) {
            let change = out.entry(code).or_default();
            let right = reference.binary_search(&code).is_ok();
            *(if right { &mut change.found_after } else { &mut change.extra_after }) += 1;
        }
    }
    let changed = |c: &CodeChange| c.found_before != c.found_after || c.extra_before != c.extra_after;
    let mut out: Vec<CodeChange> = out
        .into_iter()
        .map(|(code, change)| CodeChange { code: code.to_owned(), ..change })
        .filter(changed)
        .collect();
    out.sort_by(|a, b| a.gain().cmp(&b.gain()).then(a.code.cmp(&b.code)));
    out
}

/// For a person to read.
pub fn table(comparison: &Comparison) -> String {
    let mut out =
        format!("{:34} {:>7} {:>7} {:>8}  {:18} {:>7}\n", "", "before", "after", "change", "95 %", "greater");
    for figure in &comparison.figures {
        let between = figure
            .difference
            .interval
            .map_or_else(String::new, |i| format!("{:+.3} to {:+.3}", i.low, i.high));
        let _ = writeln!(
            out,
            "{:34} {:>7.4} {:>7.4} {:>+8.4}  {between:18} {:>7.3}  n {}",
            figure.name,
            figure.before,
            figure.after,
            figure.difference.value,
            figure.greater,
            figure.difference.n
        );
    }
    if !comparison.codes.is_empty() {
        let _ = writeln!(out, "\ncode        notes   found before, after   extra before, after   gain");
        for code in &comparison.codes {
            let _ = writeln!(
                out,
                "{:10} {:>6} {:>14} {:>6} {:>14} {:>6} {:>+6}",
                code.code,
                code.reference,
                code.found_before,
                code.found_after,
                code.extra_before,
                code.extra_after,
                code.gain()
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gold::GoldCode;
    use crate::prediction::SuggestedCode;

    fn note(id: usize, codes: &[&str]) -> GoldNote {
        let code =
            |code: &&str| GoldCode { code: (*code).into(), role: "secondary".into(), evidence: vec![] };
        GoldNote {
            id: id.to_string(),
            text: "x".into(),
            codes: codes.iter().map(code).collect(),
            ..GoldNote::default()
        }
    }

    fn said(id: usize, codes: &[&str]) -> (String, Prediction) {
        let code = |code: &&str| SuggestedCode { code: (*code).into(), confidence: 0.9, shown: true };
        let codes = codes.iter().map(code).collect();
        (id.to_string(), Prediction { id: id.to_string(), suggestions: vec![], codes })
    }

    #[test]
    fn gains_and_losses_stand_code_by_code() {
        let gold: Vec<_> = (0..10).map(|n| note(n, &["I10", "E11.9"])).collect();
        let before: HashMap<_, _> = (0..10).map(|n| said(n, &["I10", "Z00.00"])).collect();
        let after: HashMap<_, _> =
            (0..10).map(|n| if n < 4 { said(n, &["E11.9"]) } else { said(n, &["I10", "E11.9"]) }).collect();
        let found = compare(&gold, &before, &after, &Options { draws: 200, ..Options::default() });
        let change = |code: &str| found.codes.iter().find(|c| c.code == code).unwrap();
        assert_eq!((change("I10").gain(), change("E11.9").gain(), change("Z00.00").gain()), (-4, 10, 10));
        assert_eq!(found.codes[0].code, "I10", "losses first");

        let f1 = found.figure("note codes F1").unwrap();
        assert!((f1.before - 0.5).abs() < 1e-12 && f1.after > 0.8);
        let interval = f1.difference.interval.unwrap();
        assert!(interval.low > 0.2 && interval.high < 0.5 && (f1.greater - 1.0).abs() < 1e-12);
        assert!(found.figure("condition F1").is_none(), "nothing to compare");
        assert!(table(&found).contains("Z00.00"));
    }

    #[test]
    fn pairs_see_what_separate_intervals_hide() {
        // Half of the notes are hard for both; the second model is better by little on every one.
        let gold: Vec<_> =
            (0..20).map(|n| note(n, &["A00.0", "B00.0", "C00.0", "D00.00", "E00.0"])).collect();
        let easy = ["A00.0", "B00.0", "C00.0", "D00.00"];
        let answer = |n: usize, more: usize| {
            said(n, if n.is_multiple_of(2) { &easy[..3 + more] } else { &easy[..more] })
        };
        let before: HashMap<_, _> = (0..20).map(|n| answer(n, 0)).collect();
        let after: HashMap<_, _> = (0..20).map(|n| answer(n, 1)).collect();
        let found = compare(&gold, &before, &after, &Options::default());
        let f1 = found.figure("note codes F1").unwrap();
        assert!(f1.difference.interval.unwrap().low > 0.0);
    }

    #[test]
    fn model_against_itself_has_no_difference() {
        let gold: Vec<_> = (0..6).map(|n| note(n, &["I10"])).collect();
        let same: HashMap<_, _> = (0..6).map(|n| said(n, &["I10"])).collect();
        let found = compare(&gold, &same, &same, &Options::default());
        assert!(found.codes.is_empty());
        for figure in &found.figures {
            assert!(figure.difference.value.abs() < 1e-12 && (figure.greater - 0.5).abs() < 1e-12);
        }
    }
}
