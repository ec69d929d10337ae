//! Case reports with codes (CodiEsp, Miranda-Escalada et al. 2020): from what its annotators marked in Spanish to the
//! words of the English translation.
//!
//! The corpus says of each code which Spanish words stand for it; its English text is a machine translation without
//! marks. [`align`] finds the English words: sentences by length and shared words, words by a lexicon learned from the
//! very same texts, phrases by that lexicon, by the meaning of the code's terms and by what the same Spanish words came
//! out as elsewhere. What it finds is right most of the time, not always: [`Aligned::score`] says how surely.

mod lexicon;
mod phrases;
mod sentences;
mod words;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use overread_codes::{Entry, Release};
use overread_domain::span::CodePoints;
use overread_encoder::Encode;
use overread_suggest::report::Report;
use serde::Deserialize;

pub use phrases::align;

use crate::corpora::{Corpus, CorpusError, Document, Doubt, Mention, Split};
use crate::jsonl;

/// The label of every mention: anything that was found, asked for or told, whether it was there or not.
pub const FINDING: &str = "finding";

/// Score from which a mention is taken as one. Read by eye, 20 a band: of those above 0.9 nearly all are right, of 0.8
/// to 0.9 nine in ten, of 0.7 to 0.8 eight in ten (the others name a part, "right ear" for a loss of hearing), of 0.5
/// to 0.7 six or seven in ten.
pub const SURE: f32 = 0.7;

/// Why no alignment could be made.
#[derive(Debug, thiserror::Error)]
pub enum AlignError {
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    #[error(transparent)]
    Encoder(#[from] overread_encoder::Error),
}

/// A case report in both languages.
#[derive(Clone, Debug)]
pub struct Case {
    pub id: String,
    pub spanish: String,
    pub english: String,
    /// Codes of the whole report, ICD-10-CM of 2018, in upper case, each once.
    pub codes: Vec<String>,
    pub evidence: Vec<Evidence>,
}

/// Spanish words that stand for a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// ICD-10-CM of 2018.
    pub code: String,
    /// Bytes of [`Case::spanish`]; several where the words stand apart.
    pub ranges: Vec<Range<usize>>,
}

/// English words that stand for a code.
#[derive(Clone, Debug, PartialEq)]
pub struct Aligned {
    /// Index in [`Case::evidence`].
    pub evidence: usize,
    /// ICD-10-CM of 2018.
    pub code: String,
    /// Bytes of [`Case::english`].
    pub range: Range<usize>,
    /// 0 to 1; see [`SURE`].
    pub score: f32,
    /// How much of it rests on words that translate each other, 0 to 1.
    pub words: f32,
    /// How near its meaning is to the nearest term of the code, -1 to 1.
    pub meaning: f32,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    text_en: String,
    text_es: String,
    #[serde(default)]
    diagnosis: Vec<String>,
    #[serde(default)]
    evidence_es: Vec<EvidenceLine>,
}

#[derive(Deserialize)]
struct EvidenceLine {
    #[serde(rename = "type")]
    kind: String,
    code: String,
    offsets: Vec<(usize, usize)>,
}

/// The case reports of [`Corpus::CodiespTrain`] or [`Corpus::CodiespDev`] in `folder`. Evidence of procedures is left out.
pub fn cases(folder: &Path, corpus: Corpus) -> Result<Vec<Case>, CorpusError> {
    let path = file(folder, corpus)?;
    let lines: Vec<(usize, Line)> = jsonl::read(&path)?;
    lines
        .into_iter()
        .map(|(number, line)| {
            let points = CodePoints::new(&line.text_es);
            let mut evidence = Vec::new();
            for (index, found) in line.evidence_es.iter().enumerate().filter(|(_, e)| e.kind == "diagnosis") {
                let ranges = found
                    .offsets
                    .iter()
                    .map(|&(start, end)| {
                        points.to_byte(start).zip(points.to_byte(end)).map(|(a, b)| a..b).ok_or_else(|| {
                            let what = "the place reaches beyond the text";
                            CorpusError::Annotation { path: path.clone(), line: number, index, what }
                        })
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                evidence.push(Evidence { code: found.code.trim().to_uppercase(), ranges });
            }
            let mut codes: Vec<String> = Vec::new();
            for code in line.diagnosis {
                let code = code.trim().to_uppercase();
                if !codes.contains(&code) {
                    codes.push(code);
                }
            }
            Ok(Case { id: line.id, spanish: line.text_es, english: line.text_en, codes, evidence })
        })
        .collect()
}

fn file(folder: &Path, corpus: Corpus) -> Result<PathBuf, CorpusError> {
    let stem = corpus.file_stem();
    ["jsonl.gz", "jsonl"]
        .iter()
        .map(|ending| folder.join(format!("{stem}.{ending}")))
        .find(|path| path.is_file())
        .ok_or_else(|| CorpusError::Missing { folder: folder.to_owned(), stem })
}

/// The code of `release` that says what `code` said in 2018: itself where it still stands on a claim, else the one below
/// it (or below the nearest code above it with four characters or more) that says no more. `None` where nothing does.
pub fn current<'r>(release: &'r Release, code: &str) -> Option<&'r str> {
    known(release, code).map(Entry::default_leaf).filter(|e| e.billable()).map(Entry::code)
}

/// The nearest entry at or above `code`.
fn known<'r>(release: &'r Release, code: &str) -> Option<Entry<'r>> {
    let mut cut = code.trim();
    loop {
        if let Some(entry) = release.get(cut).filter(|e| e.is_code()) {
            return Some(entry);
        }
        cut = cut.get(..cut.len().checked_sub(1)?)?;
        if cut.len() < 5 && cut.len() < code.len() {
            return None;
        }
    }
}

/// The training reports of `folder` with their English mentions labelled [`FINDING`]. Every other place is doubtful: no
/// report says all of what its text names. Of mentions that cross or hold one another the surest stays, of equally sure
/// ones the longer. Codes are those of `release` ([`current`]); [`Document::note_codes`] stay as the corpus writes them.
pub fn aligned(folder: &Path, encoder: &dyn Encode, release: &Release) -> Result<Vec<Document>, AlignError> {
    let cases = cases(folder, Corpus::CodiespTrain)?;
    let found = align(&cases, encoder, release)?;
    Ok(cases.iter().zip(&found).map(|(case, found)| document(case, found, release)).collect())
}

/// Score from which a phrase is learned as one that may stand for its code: how often it does is counted, so that wrong
/// ones cost little.
const LEARNED: f32 = 0.45;

/// The training reports of `folder` as [`overread_suggest::report::fit`] learns from them, with codes of `release`.
pub fn reports(folder: &Path, encoder: &dyn Encode, release: &Release) -> Result<Vec<Report>, AlignError> {
    let cases = cases(folder, Corpus::CodiespTrain)?;
    let found = align(&cases, encoder, release)?;
    let reports = cases.into_iter().zip(found).map(|(case, found)| {
        let mut codes: Vec<String> =
            case.codes.iter().filter_map(|c| current(release, c)).map(str::to_owned).collect();
        codes.sort_unstable();
        codes.dedup();
        let marked = found
            .into_iter()
            .filter(|a| a.score >= LEARNED)
            .filter_map(|a| Some((a.range, current(release, &a.code)?.to_owned())))
            .collect();
        Report { text: case.english, codes, marked }
    });
    Ok(reports.collect())
}

fn document(case: &Case, found: &[Aligned], release: &Release) -> Document {
    let mut order: Vec<&Aligned> = found.iter().filter(|a| a.score >= SURE).collect();
    order.sort_by(|a, b| {
        b.range
            .len()
            .cmp(&a.range.len())
            .then(b.score.total_cmp(&a.score))
            .then(a.range.start.cmp(&b.range.start))
    });
    let mut mentions: Vec<Mention> = Vec::new();
    for a in order {
        if mentions.iter().any(|m| m.range.start < a.range.end && a.range.start < m.range.end) {
            continue;
        }
        mentions.push(Mention {
            label: FINDING.to_owned(),
            range: a.range.clone(),
            assertion: None,
            code: current(release, &a.code).map(str::to_owned),
            concept: None,
            value: None,
        });
    }
    mentions.sort_by_key(|m| (m.range.start, m.range.end));
    let labels: BTreeSet<String> = std::iter::once(FINDING.to_owned()).collect();
    let mut doubtful = Vec::new();
    let mut from = 0;
    let ends = mentions
        .iter()
        .map(|m| m.range.clone())
        .chain(std::iter::once(case.english.len()..case.english.len()));
    for range in ends {
        if from < range.start {
            doubtful.push(Doubt { range: from..range.start, labels: labels.clone() });
        }
        from = range.end;
    }
    Document {
        id: case.id.clone(),
        corpus: Corpus::CodiespTrain,
        split: Split::Train,
        fold: None,
        text: case.english.clone(),
        mentions,
        links: Vec::new(),
        annotated: Arc::new(labels),
        doubtful,
        note_codes: case.codes.clone(),
        section: None,
    }
}
