//! Corrections as training data: what `overread export corrections` writes (`overread-corrections`, version 1), one
//! decided row or field a line.
//!
//! A line says what was shown (`outcome.suggested`, with its candidates and confidence), what became of it (`outcome.kind`,
//! `outcome.changes`, `outcome.content`), by which model and which memory it was suggested, and whether the person saw the
//! suggestion. Places are Unicode code points, half open, with their quote. The first line of an entry carries the note's
//! text, all carry its SHA-256. What was never shown is unknown, not negative: there is no line about it, and nothing here
//! makes a negative of its absence.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use overread_domain::lesson::{Lesson, lessons};
use overread_domain::span::CodePoints;
use overread_domain::{CodeRole, Content, EntryId, FieldKind, NoteId, Outcome, Template, Timestamp};
use serde::Deserialize;

use crate::gold::{GoldCode, GoldNote, GoldSpan};
use crate::{ReadError, jsonl};

mod teach;

pub use teach::memory;

/// The name and the versions that are read here.
pub const FORMAT: &str = "overread-corrections";
pub const VERSION: u32 = 1;

/// Why corrections could not be read. Says the line and never the content, which is clinical text.
#[derive(Debug, thiserror::Error)]
pub enum CorrectionsError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{} line {line}: {what}", path.display())]
    Line { path: PathBuf, line: usize, what: &'static str },
}

/// One line of the file; keys that training does not need are passed over.
#[derive(Clone, Debug, Deserialize)]
struct Line {
    format: String,
    version: u32,
    note: NoteId,
    text_sha256: String,
    #[serde(default)]
    text: Option<String>,
    entry: EntryId,
    template: String,
    finished: bool,
    model: Option<String>,
    #[serde(default)]
    memory: Option<String>,
    outcome: Outcome,
    at: Timestamp,
    suggestions_shown: bool,
}

/// One decision on a row or field that stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    pub outcome: Outcome,
    pub at: Timestamp,
    /// Whether the person saw the suggestion before deciding: figures from those who did not are unbiased.
    pub seen: bool,
    /// Versions of the model and the memory that suggested.
    pub model: Option<String>,
    pub memory: Option<String>,
}

/// An entry that people worked on.
#[derive(Clone, Debug, PartialEq)]
pub struct Reviewed {
    pub note: NoteId,
    pub entry: EntryId,
    pub template: String,
    pub text: String,
    /// Whether the entry was finished: everything shown is decided then.
    pub finished: bool,
    pub corrections: Vec<Correction>,
}

/// Reads an export, plain or packed (`.gz`), in the order of its entries. An export without texts can't teach and is refused.
pub fn read(path: &Path) -> Result<Vec<Reviewed>, CorrectionsError> {
    let mut texts: HashMap<String, String> = HashMap::new();
    let mut by_entry: HashMap<EntryId, usize> = HashMap::new();
    let mut out: Vec<Reviewed> = Vec::new();
    for (number, line) in jsonl::read::<Line>(path)? {
        let bad = |what| CorrectionsError::Line { path: path.to_owned(), line: number, what };
        if line.format != FORMAT {
            return Err(bad("the format is not overread-corrections"));
        }
        if line.version != VERSION {
            return Err(bad("the version is not one that this program reads"));
        }
        if let Some(text) = line.text {
            if overread_encoder::sha256_hex(text.as_bytes()) != line.text_sha256 {
                return Err(bad("the text does not have its hash"));
            }
            texts.insert(line.text_sha256.clone(), text);
        }
        let text = texts
            .get(&line.text_sha256)
            .ok_or_else(|| bad("no line before has the note's text; export with texts"))?;
        let points = CodePoints::new(text);
        let suggested = line.outcome.suggested.as_ref().map(|suggestion| &suggestion.content);
        if suggested.into_iter().chain(&line.outcome.content).any(|content| !holds(&points, content)) {
            return Err(bad("a quote is not what the text holds there"));
        }
        let index = *by_entry.entry(line.entry.clone()).or_insert_with(|| {
            out.push(Reviewed {
                note: line.note,
                entry: line.entry,
                template: line.template,
                text: text.clone(),
                finished: line.finished,
                corrections: Vec::new(),
            });
            out.len() - 1
        });
        out[index].corrections.push(Correction {
            outcome: line.outcome,
            at: line.at,
            seen: line.suggestions_shown,
            model: line.model,
            memory: line.memory,
        });
    }
    Ok(out)
}

fn holds(points: &CodePoints<'_>, content: &Content) -> bool {
    content.evidence.iter().chain(content.attributes.values()).all(|quoted| points.resolve(quoted).is_ok())
}

impl Reviewed {
    /// What it teaches about phrases.
    pub fn lessons(&self, template: &Template) -> Vec<Lesson> {
        let outcomes: Vec<Outcome> = self.corrections.iter().map(|c| c.outcome.clone()).collect();
        lessons(&outcomes, template)
    }

    /// The entry as a reference entry: what people kept, corrected or added. Only a finished entry is one; of another it is
    /// not known what else belongs there.
    pub fn reference(&self, template: &Template) -> Option<GoldNote> {
        if !self.finished {
            return None;
        }
        let mut note =
            GoldNote { id: self.entry.to_string(), text: self.text.clone(), ..GoldNote::default() };
        for content in self.corrections.iter().filter_map(|c| c.outcome.content.as_ref()) {
            let final_list = template.field(&content.field).is_some_and(|f| f.kind == FieldKind::Code);
            if final_list {
                note.codes.extend(content.code.as_ref().map(|code| GoldCode {
                    code: code.code.clone(),
                    role: role(content.role).to_owned(),
                    evidence: content.evidence.clone(),
                }));
            } else if let Some(first) = content.evidence.first() {
                note.spans.push(GoldSpan {
                    field: content.field.clone(),
                    start: first.start,
                    end: first.end,
                    quote: first.quote.clone(),
                    value: content.value.clone(),
                    assertion: content.assertion.map(|assertion| assertion.as_str().to_owned()),
                    code: content.code.as_ref().map(|code| code.code.clone()),
                    attrs: content.attributes.clone(),
                });
            }
        }
        Some(note)
    }
}

fn role(role: Option<CodeRole>) -> &'static str {
    match role {
        Some(CodeRole::Principal) => "principal",
        Some(CodeRole::History) => "history",
        Some(CodeRole::Symptom) => "symptom",
        Some(CodeRole::Secondary) | None => "secondary",
    }
}

#[cfg(test)]
mod tests;
