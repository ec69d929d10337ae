//! Codes of whole case reports.
//!
//! A published case report is coded by another custom than an encounter. The corpus that these codes are learned from
//! (`CodiEsp`, see the model card) gives a code to every finding that the text names, once: symptoms beside their cause,
//! history, suspicions, and findings that are denied ("no history of kidney stones" has the code of kidney stones). That
//! is useful to index and to search literature. It is not what the Official Guidelines ask for on a claim, so it holds
//! for texts in the register of a report alone ([`Reports::is_report`]); every other text keeps the guideline logic of
//! final codes.
//!
//! Phrases are looked up exactly among learned phrases (kept as hashes, no text) and the terms of the release, and by
//! search; a logistic regression weighs what speaks for each code.

mod fit;
mod fold;
mod learned;
mod register;
mod rows;

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use overread_codes::Release;
use overread_domain::CodeRole;
use overread_encoder::sha256_hex;
use serde::{Deserialize, Serialize};

use crate::LoadError;
use crate::codeset::Final;
use crate::linear::Linear;
use crate::note::Doc;
use crate::pipeline::Analysis;

pub use fit::{Progress, Scores, fit};

/// File of a model folder that holds what was learned of reports.
pub const FILE: &str = "reports.json";
const FORMAT: u32 = 2;
/// Codes of one report that are ranked, at most, and that are shown.
const RANKED: usize = 60;
const SHOWN: usize = 40;

/// A report to learn from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub text: String,
    /// Codes of the whole report; each of the release that will be suggested from.
    pub codes: Vec<String>,
    /// Phrases that stand for a code: bytes of [`Report::text`], code.
    pub marked: Vec<(Range<usize>, String)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Content {
    format: u32,
    /// What it was learned from.
    fitted_on: String,
    learned: learned::Learned,
    /// Whether a code belongs to the report.
    head: Linear,
    /// Whether a text is a report.
    register: Linear,
    /// Probability over which it is.
    report_from: f32,
    /// Probability from which a code is shown.
    threshold: f32,
}

/// What was learned of reports. Never changes; share it behind an `Arc`.
#[derive(Clone, Debug)]
pub struct Reports {
    content: Content,
    version: String,
    terms: OnceLock<(String, Arc<learned::Terms>)>,
}

impl Reports {
    fn new(content: Content) -> Self {
        let version = sha256_hex(serde_json::to_string(&content).unwrap_or_default().as_bytes());
        Self { content, version, terms: OnceLock::new() }
    }

    /// Reads [`FILE`] of a model folder; `None` where there is none.
    pub fn load(folder: &Path) -> Result<Option<Self>, LoadError> {
        match std::fs::read(folder.join(FILE)) {
            Ok(bytes) => Self::from_json(&bytes).map(Some),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(LoadError::Reports { reason: e.to_string() }),
        }
    }

    /// Reads what [`Reports::to_json`] wrote.
    pub fn from_json(bytes: &[u8]) -> Result<Self, LoadError> {
        let bad = |reason: String| LoadError::Reports { reason };
        let content: Content = serde_json::from_slice(bytes).map_err(|e| bad(e.to_string()))?;
        if content.format != FORMAT {
            return Err(bad(format!("format {} is not {FORMAT}", content.format)));
        }
        let shaped = |head: &Linear, sparse, dense| {
            head.is_sound() && (head.classes, head.sparse, head.dense) == (1, sparse, dense)
        };
        if !content.learned.is_sound()
            || !shaped(&content.head, rows::SPARSE, rows::DENSE)
            || !shaped(&content.register, 0, register::DENSE)
            || !(0.5..=1.0).contains(&content.report_from)
        {
            return Err(bad("it has another shape than this program's features".to_owned()));
        }
        Ok(Self::new(content))
    }

    /// As [`FILE`].
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.content).unwrap_or_default() + "\n"
    }

    /// Hash of all that it says.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Probability from which a code is shown.
    pub fn threshold(&self) -> f32 {
        self.content.threshold
    }

    /// Whether a text is written as a case report and not as a note of an encounter: by headings, list items, who
    /// speaks, and in which tense.
    pub(crate) fn is_report(&self, doc: &Doc<'_>) -> bool {
        self.content.register.probabilities(&register::row(doc))[0] > self.content.report_from
    }

    fn terms(&self, release: &Release) -> Arc<learned::Terms> {
        let made = self
            .terms
            .get_or_init(|| (release.content_hash().to_owned(), Arc::new(learned::Terms::new(release))));
        // One model serves one release; should it ever serve another, that one's terms are made each time.
        if made.0 == release.content_hash() {
            Arc::clone(&made.1)
        } else {
            Arc::new(learned::Terms::new(release))
        }
    }

    /// Codes of a report, likeliest first. Those from [`SHOWN`] on are kept below the threshold.
    pub(crate) fn codes(&self, doc: &Doc<'_>, analysis: &Analysis, release: &Release) -> Vec<Final> {
        let terms = self.terms(release);
        let candidates = rows::candidates(doc, analysis, release, &self.content.learned, &terms);
        let mut out: Vec<Final> = candidates
            .into_iter()
            .filter(|c| !c.places.is_empty())
            .map(|c| Final {
                role: match c.code.as_bytes().first() {
                    Some(b'R') => CodeRole::Symptom,
                    Some(b'Z') => CodeRole::History,
                    _ => CodeRole::Secondary,
                },
                probability: self.content.head.probabilities(&c.row)[0],
                code: c.code,
                evidence: c.places,
                row: c.row,
            })
            .collect();
        out.sort_by(|a, b| b.probability.total_cmp(&a.probability).then_with(|| a.code.cmp(&b.code)));
        out.truncate(RANKED);
        for tail in out.iter_mut().skip(SHOWN) {
            tail.probability = tail.probability.min(self.content.threshold * 0.99);
        }
        // The report's own subject: the surest disease.
        if let Some(first) = out.iter_mut().find(|f| f.role == CodeRole::Secondary) {
            first.role = CodeRole::Principal;
        }
        out
    }
}
