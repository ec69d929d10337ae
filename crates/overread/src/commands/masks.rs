//! How many identifiers of notes the masks hide.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use overread_deid::{Found, Kind, find};
use overread_train::jsonl;
use serde::{Deserialize, Serialize};

/// Identifiers of one note, in code points. No words of it: the text says them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    id: String,
    /// Of the text, so that places of another text are not taken for those of this one.
    sha256: String,
    /// Whether all identifiers of the note are named: only then it can be said what was replaced without need.
    whole: bool,
    spans: Vec<(usize, usize, String)>,
}

/// A note of a public set, whatever it calls its id.
#[derive(Debug, Deserialize)]
struct Note {
    #[serde(alias = "sample_id", alias = "encounter_id")]
    id: serde_json::Value,
    #[serde(alias = "note")]
    text: String,
}

#[derive(Debug, Default, Serialize)]
struct Count {
    identifiers: u64,
    /// Hidden whole.
    hidden: u64,
    /// Hidden in part.
    partly: u64,
    missed: u64,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    notes: u64,
    /// Notes of which no identifier is left.
    clean: u64,
    kinds: BTreeMap<String, Count>,
    /// Notes whose identifiers are all named.
    whole: u64,
    /// Stretches that are replaced in them.
    replaced: u64,
    /// Of those, stretches that touch no identifier.
    needless: u64,
    /// Words of the notes, and words replaced without need.
    words: u64,
    words_lost: u64,
    /// Where something is left: note and code points. No words of the note.
    left: Vec<(String, usize, usize, String)>,
}

pub fn measure(notes: &Path, identifiers: &Path, json: bool) -> Result<()> {
    let named = |(_, note): (usize, Note)| {
        (note.id.as_str().map_or_else(|| note.id.to_string(), str::to_owned), note.text)
    };
    let texts: HashMap<String, String> =
        jsonl::read::<Note>(notes).context("notes")?.into_iter().map(named).collect();
    let lines = fs::read_to_string(identifiers).with_context(|| identifiers.display().to_string())?;
    let mut report = Report::default();
    for (nth, line) in lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = || format!("{}, line {}", identifiers.display(), nth + 1);
        let reference: Reference = serde_json::from_str(line).with_context(place)?;
        let text = texts.get(&reference.id).with_context(place).context("a note that is not there")?;
        let hash = overread_intake::sha256_hex(text.as_bytes());
        ensure!(hash == reference.sha256, "{}: the note's text is another one", place());
        note(text, &reference, &mut report).with_context(place)?;
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(())
}

fn note(text: &str, reference: &Reference, report: &mut Report) -> Result<()> {
    let bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let found = find(text, &[]);
    let covers = |at: usize| found.iter().any(|one| one.span.contains(&at));
    let mut clean = true;
    let mut spans = Vec::new();
    for (start, end, kind) in &reference.spans {
        ensure!(Kind::ALL.iter().any(|known| known.as_str() == kind), "{kind} is no kind of identifier");
        let (Some(from), Some(to)) = (bytes.get(*start), bytes.get(*end)) else {
            anyhow::bail!("{start}..{end} is outside of the text");
        };
        ensure!(from < to, "{start}..{end} is empty");
        spans.push(*from..*to);
        // What separates its parts hides nothing.
        let telling: Vec<usize> = text[*from..*to]
            .char_indices()
            .filter(|(_, c)| c.is_alphanumeric())
            .map(|(at, _)| from + at)
            .collect();
        let hidden = telling.iter().filter(|at| covers(**at)).count();
        let count = report.kinds.entry(kind.clone()).or_default();
        count.identifiers += 1;
        if hidden == telling.len() {
            count.hidden += 1;
            continue;
        }
        clean = false;
        if hidden > 0 {
            count.partly += 1;
        } else {
            count.missed += 1;
        }
        report.left.push((reference.id.clone(), *start, *end, kind.clone()));
    }
    let touches =
        |one: &&Found| spans.iter().any(|span| span.start < one.span.end && one.span.start < span.end);
    let words = |text: &str| text.split_whitespace().count() as u64;
    report.notes += 1;
    report.clean += u64::from(clean);
    if !reference.whole {
        return Ok(());
    }
    report.whole += 1;
    report.replaced += found.len() as u64;
    report.words += words(text);
    for one in found.iter().filter(|one| !touches(one)) {
        report.needless += 1;
        report.words_lost += words(&text[one.span.clone()]);
    }
    Ok(())
}

fn print(report: &Report) {
    println!(
        "{:<10} {:>12} {:>8} {:>7} {:>7} {:>7}  95 %",
        "kind", "identifiers", "hidden", "partly", "missed", "recall"
    );
    let mut all = Count::default();
    for (kind, count) in &report.kinds {
        line(kind, count);
        all.identifiers += count.identifiers;
        all.hidden += count.hidden;
        all.partly += count.partly;
        all.missed += count.missed;
    }
    line("all", &all);
    println!(
        "notes without anything left: {} of {}; replaced without need in {} notes: {} of {} stretches, {} of {} words",
        report.clean,
        report.notes,
        report.whole,
        report.needless,
        report.replaced,
        report.words_lost,
        report.words
    );
    for (note, start, end, kind) in &report.left {
        println!("left: {note} {start}..{end} {kind}");
    }
}

fn line(kind: &str, count: &Count) {
    let rate = overread_server::rate(count.hidden, count.identifiers, 1);
    let (value, low, high) = rate.map_or((0.0, 0.0, 0.0), |rate| (rate.value, rate.low, rate.high));
    println!(
        "{kind:<10} {:>12} {:>8} {:>7} {:>7} {value:>7.3}  {low:.3} to {high:.3}",
        count.identifiers, count.hidden, count.partly, count.missed
    );
}
