//! Measures look-up: `search_quality RELEASE.ovr [PHRASES.tsv | NOTES.jsonl | -]`, `-` being notes on standard input.
//! PHRASES: phrase, tab, code or codes parted by `|`. NOTES: the reference entries that `overread eval` reads; every
//! diagnosis and history span with a code is looked up by its quote. Without a file, the crate's own phrases.

use std::error::Error;
use std::io::Read as _;

use overread_codes::{Context, Options, Release};

struct Case {
    phrase: String,
    codes: Vec<String>,
    context: Context,
}

#[derive(Default)]
struct Figures {
    n: usize,
    reciprocal: f64,
    at: [usize; 5],
}

const RANKS: [usize; 5] = [1, 3, 5, 8, 10];

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let release =
        args.first().ok_or("usage: search_quality RELEASE.ovr [PHRASES.tsv | NOTES.jsonl | -] [--misses]")?;
    let release = Release::from_bytes(&std::fs::read(release)?)?;
    let misses = args.iter().any(|a| a == "--misses");
    let cases = match args.get(1).map(String::as_str).filter(|a| !a.starts_with("--")) {
        None => phrases(include_str!("../data/phrases.tsv")),
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            notes(&text)?
        }
        Some(path) if std::path::Path::new(path).extension().is_some_and(|e| e == "tsv") => {
            phrases(&std::fs::read_to_string(path)?)
        }
        Some(path) => notes(&std::fs::read_to_string(path)?)?,
    };
    for (name, use_context) in [("words alone", false), ("words and assertion", true)] {
        if use_context && cases.iter().all(|c| c.context == Context::Current) {
            continue;
        }
        let figures = measure(&release, &cases, use_context, misses);
        println!(
            "{name}: n {} MRR {:.3} {}",
            figures.n,
            figures.reciprocal / figures.n as f64,
            RANKS
                .iter()
                .zip(figures.at)
                .map(|(k, hits)| format!("@{k} {:.3}", hits as f64 / figures.n as f64))
                .collect::<Vec<_>>()
                .join(" ")
        );
    }
    Ok(())
}

fn measure(release: &Release, cases: &[Case], use_context: bool, misses: bool) -> Figures {
    let mut figures = Figures::default();
    for case in cases {
        let context = if use_context { case.context } else { Context::Current };
        let options =
            Options { limit: 10, billable_only: true, typing: false, context, ..Options::default() };
        let hits = release.search(&case.phrase, &options);
        figures.n += 1;
        let rank = hits.iter().position(|h| case.codes.contains(&h.code));
        if let Some(rank) = rank {
            figures.reciprocal += 1.0 / (rank + 1) as f64;
            for (k, at) in RANKS.iter().zip(&mut figures.at) {
                *at += usize::from(rank < *k);
            }
        }
        if misses && rank != Some(0) {
            let got: Vec<String> = hits
                .iter()
                .take(3)
                .map(|h| format!("{} {} ({:.2} {:?})", h.code, h.title, h.score, h.matched_term))
                .collect();
            println!(
                "{:?} wants {} rank {:?}\n    {}",
                case.phrase,
                case.codes.join("|"),
                rank.map(|r| r + 1),
                got.join("\n    ")
            );
        }
    }
    figures
}

fn phrases(text: &str) -> Vec<Case> {
    text.lines()
        .filter(|l| !l.starts_with('#'))
        .filter_map(|l| l.split_once('\t'))
        .map(|(phrase, codes)| Case {
            phrase: phrase.to_owned(),
            codes: codes.split('|').map(|c| c.trim().to_owned()).collect(),
            context: Context::Current,
        })
        .collect()
}

fn notes(text: &str) -> Result<Vec<Case>, Box<dyn Error>> {
    let mut cases = Vec::new();
    for (line, row) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let note: serde_json::Value =
            serde_json::from_str(row).map_err(|e| format!("line {}: {e}", line + 1))?;
        for span in note["spans"].as_array().into_iter().flatten() {
            let (Some(quote), Some(code), Some(field)) =
                (span["quote"].as_str(), span["code"].as_str(), span["field"].as_str())
            else {
                continue;
            };
            if field != "diagnosis" && field != "history" {
                continue;
            }
            let past = span["assertion"] == "historical";
            let context = if past { Context::PersonalHistory } else { Context::Current };
            cases.push(Case { phrase: quote.to_owned(), codes: vec![code.to_owned()], context });
        }
    }
    Ok(cases)
}
