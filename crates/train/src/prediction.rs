//! What `overread suggest` writes, one note a line. Keys that evaluation does not need are passed over.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use overread_domain::Quoted;
use overread_domain::template::FINAL_CODES;
use serde::{Deserialize, Deserializer, Serialize};

use crate::corpora::Document;
use crate::{ReadError, jsonl};

/// The suggestions for one note.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    pub id: String,
    #[serde(default, deserialize_with = "absent_if_null")]
    pub suggestions: Vec<Suggested>,
    #[serde(default, deserialize_with = "absent_if_null")]
    pub codes: Vec<SuggestedCode>,
}

impl Prediction {
    /// What a model suggests for the note `id`. Rows without evidence have no place and are left out.
    pub fn of(id: &str, suggested: overread_suggest::Suggested) -> Self {
        let mut out = Self { id: id.to_owned(), ..Self::default() };
        for row in suggested.suggestions {
            let content = row.content;
            if content.field == FINAL_CODES {
                out.codes.extend(content.code.map(|code| SuggestedCode {
                    code: code.code,
                    confidence: f64::from(row.confidence),
                    shown: row.shown,
                }));
                continue;
            }
            let Some(first) = content.evidence.into_iter().next() else { continue };
            out.suggestions.push(Suggested {
                field: content.field,
                start: first.start,
                end: first.end,
                quote: first.quote,
                value: content.value,
                assertion: content.assertion.map(|assertion| assertion.as_str().to_owned()),
                confidence: f64::from(row.confidence),
                shown: row.shown,
                attrs: content.attributes,
                codes: row.candidates.into_iter().map(|c| Candidate { code: c.code }).collect(),
            });
        }
        out
    }
}

/// One suggested span. `start` and `end` are Unicode code points, half open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suggested {
    pub field: String,
    pub start: usize,
    pub end: usize,
    pub quote: String,
    #[serde(default)]
    pub value: Option<String>,
    #[serde(default)]
    pub assertion: Option<String>,
    #[serde(default, deserialize_with = "absent_if_null")]
    pub confidence: f64,
    #[serde(default = "yes")]
    pub shown: bool,
    #[serde(default, deserialize_with = "absent_if_null")]
    pub attrs: BTreeMap<String, Quoted>,
    /// Candidates, the best first.
    #[serde(default, deserialize_with = "absent_if_null")]
    pub codes: Vec<Candidate>,
}

/// A code that a span may mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub code: String,
}

/// A code suggested for the final set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuggestedCode {
    pub code: String,
    #[serde(default, deserialize_with = "absent_if_null")]
    pub confidence: f64,
    #[serde(default = "yes")]
    pub shown: bool,
}

fn yes() -> bool {
    true
}

fn absent_if_null<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// What `say` answers for each document, by its id; the id with the error where it fails.
///
/// # Errors
/// The first one of `say`.
pub fn ask<E>(
    documents: &[&Document],
    mut say: impl FnMut(&str) -> Result<overread_suggest::Suggested, E>,
) -> Result<HashMap<String, Prediction>, (String, E)> {
    documents
        .iter()
        .map(|document| match say(&document.text) {
            Ok(suggested) => Ok((document.id.clone(), Prediction::of(&document.id, suggested))),
            Err(error) => Err((document.id.clone(), error)),
        })
        .collect()
}

/// Reads predictions by note id, plain or packed (`.gz`).
pub fn read(path: &Path) -> Result<HashMap<String, Prediction>, ReadError> {
    let mut out = HashMap::new();
    for (line, prediction) in jsonl::read::<Prediction>(path)? {
        if out.insert(prediction.id.clone(), prediction).is_some() {
            return Err(ReadError::RepeatedId { path: path.to_owned(), line });
        }
    }
    Ok(out)
}
