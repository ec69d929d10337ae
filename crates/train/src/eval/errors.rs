//! What went wrong, for a person to read beside the notes.
//!
//! The list quotes notes: it goes to a file that the user names, never to a log.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Write};

use super::judge::{Judged, Matches, assertion, judge, same_dose};
use crate::gold::{GoldNote, GoldSpan};
use crate::prediction::{Prediction, Suggested};

/// Characters of the note shown before and behind a quote.
const CONTEXT: usize = 40;
/// Candidates shown where a code is wrong.
const CANDIDATES: usize = 5;

/// How many errors of each kind were written.
pub type ErrorCount = BTreeMap<&'static str, usize>;

/// Writes every error of every note: kind, field, place in code points, words in their context. Diagnosis and history
/// are compared as one field, so that a condition under the other heading is no error here.
pub fn write_errors<S: std::hash::BuildHasher>(
    gold: &[GoldNote],
    predictions: &HashMap<String, Prediction, S>,
    threshold: f64,
    out: &mut impl Write,
) -> io::Result<ErrorCount> {
    let mut count = ErrorCount::new();
    for note in gold {
        let prediction = predictions.get(&note.id);
        let text: Vec<char> = note.text.chars().collect();
        let mut list = List { text: &text, lines: Vec::new(), count: &mut count };
        if prediction.is_none() {
            list.add("no prediction", "", "");
        } else {
            let judged = judge(note, prediction, threshold);
            list.values(&judged);
            list.spans(&judged);
            list.codes(note, prediction, threshold);
        }
        if list.lines.is_empty() {
            continue;
        }
        writeln!(out, "=== {} {}", note.id, note.title.as_deref().unwrap_or(""))?;
        for line in &list.lines {
            writeln!(out, "{line}")?;
        }
        writeln!(out)?;
    }
    Ok(count)
}

struct List<'a> {
    text: &'a [char],
    lines: Vec<String>,
    count: &'a mut ErrorCount,
}

impl List<'_> {
    fn add(&mut self, kind: &'static str, field: &str, what: &str) {
        *self.count.entry(kind).or_default() += 1;
        self.lines.push(format!("{kind:16} {field:18} {what}").trim_end().to_owned());
    }

    fn values(&mut self, judged: &Judged<'_>) {
        for value in judged.values.iter().filter(|value| !value.right) {
            match (value.gold, value.suggested) {
                (Some(g), Some(s)) => {
                    let what = format!("{} instead of {}", self.suggested(s), gold_value(g));
                    self.add("wrong value", value.field, &what);
                }
                (Some(g), None) => self.missed(g),
                (None, Some(s)) => self.extra(s),
                (None, None) => {}
            }
        }
    }

    fn spans(&mut self, judged: &Judged<'_>) {
        let own = judged.spans.iter().filter(|(field, _)| !super::fields::CONDITIONS.contains(field));
        for matches in own.map(|(_, matches)| matches).chain([&judged.conditions]) {
            self.field(matches);
        }
    }

    fn field(&mut self, matches: &Matches<'_>) {
        for (s, gold) in &matches.pairs {
            let Some(g) = gold else {
                self.extra(s);
                continue;
            };
            if s.field == "medication" && !same_dose(s, g) {
                let dose = |quoted: Option<&overread_domain::Quoted>| {
                    quoted.map_or_else(|| "none".to_owned(), |q| format!("{:?}", q.quote))
                };
                let what = format!(
                    "{} has {} instead of {}",
                    self.place(g.start, g.end),
                    dose(s.attrs.get("dose")),
                    dose(g.attrs.get("dose"))
                );
                self.add("wrong dose", &g.field, &what);
            }
            let (said, meant) = (assertion(s.assertion.as_deref()), assertion(g.assertion.as_deref()));
            if matches!(g.field.as_str(), "diagnosis" | "history" | "procedure") && said != meant {
                let what = format!("{} is {said} instead of {meant}", self.place(g.start, g.end));
                self.add("wrong assertion", &g.field, &what);
            }
            if let Some(code) = &g.code
                && matches!(g.field.as_str(), "diagnosis" | "history")
                && s.codes.first().is_none_or(|first| first.code != *code)
            {
                let first: Vec<_> = s.codes.iter().take(CANDIDATES).map(|c| c.code.as_str()).collect();
                let what =
                    format!("{} has {} instead of {code}", self.place(g.start, g.end), first.join(" "));
                self.add("wrong code", &g.field, &what);
            }
        }
        for g in &matches.gold {
            if !matches.pairs.iter().any(|(_, found)| found.is_some_and(|found| std::ptr::eq(found, *g))) {
                self.missed(g);
            }
        }
    }

    fn codes(&mut self, note: &GoldNote, prediction: Option<&Prediction>, threshold: f64) {
        let shown: BTreeMap<&str, f64> = prediction
            .iter()
            .flat_map(|p| &p.codes)
            .filter(|c| c.shown && c.confidence >= threshold)
            .map(|c| (c.code.as_str(), c.confidence))
            .collect();
        let reference: BTreeSet<&str> = note.codes.iter().map(|c| c.code.as_str()).collect();
        for code in &note.codes {
            if !shown.contains_key(code.code.as_str()) {
                let why: Vec<_> = code.evidence.iter().map(|q| format!("{:?}", q.quote)).collect();
                self.add("missed code", &code.role, &format!("{} by {}", code.code, why.join(", ")));
            }
        }
        for (code, confidence) in shown {
            if !reference.contains(code) {
                self.add("extra code", "", &format!("{code} at {confidence:.2}"));
            }
        }
    }

    fn missed(&mut self, g: &GoldSpan) {
        let what = format!(
            "{}{}",
            self.place(g.start, g.end),
            g.code.iter().fold(String::new(), |_, c| format!(" {c}"))
        );
        self.add("missed", &g.field, &what);
    }

    fn extra(&mut self, s: &Suggested) {
        let what = self.suggested(s);
        self.add("extra", &s.field, &what);
    }

    fn suggested(&self, s: &Suggested) -> String {
        let value = s.value.as_ref().map_or_else(String::new, |value| format!(" = {value:?}"));
        format!("{}{value} at {:.2}", self.place(s.start, s.end), s.confidence)
    }

    /// `12..20 …before[words]behind…` on one line.
    fn place(&self, start: usize, end: usize) -> String {
        let end_in = end.min(self.text.len());
        let start_in = start.min(end_in);
        let piece = |range: std::ops::Range<usize>| -> String {
            self.text[range].iter().map(|c| if c.is_control() { ' ' } else { *c }).collect()
        };
        format!(
            "{start}..{end} …{}[{}]{}…",
            piece(start_in.saturating_sub(CONTEXT)..start_in),
            piece(start_in..end_in),
            piece(end_in..(end_in + CONTEXT).min(self.text.len()))
        )
    }
}

fn gold_value(g: &GoldSpan) -> String {
    format!("{:?} at {}..{}", g.value.as_deref().unwrap_or(&g.quote), g.start, g.end)
}
