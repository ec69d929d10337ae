//! Reference entries, one note a line: `{"id", "text", "spans": [...], "codes": [...]}`.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use overread_domain::Quoted;
use serde::{Deserialize, Serialize};

use crate::{ReadError, jsonl};

/// A note with what annotators found in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GoldNote {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_type: Option<String>,
    /// Of the note; may name one twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub specialties: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_date: Option<String>,
    /// The note is no real one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub invented: bool,
    pub text: String,
    pub spans: Vec<GoldSpan>,
    #[serde(default)]
    pub codes: Vec<GoldCode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remarks: Option<String>,
}

/// What the text states about one field. `start` and `end` are Unicode code points, half open.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GoldSpan {
    pub field: String,
    pub start: usize,
    pub end: usize,
    pub quote: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attrs: BTreeMap<String, Quoted>,
}

/// One code of the final set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GoldCode {
    pub code: String,
    pub role: String,
    #[serde(default)]
    pub evidence: Vec<Quoted>,
}

/// Reads a collection of reference entries, plain or packed (`.gz`).
pub fn read(path: &Path) -> Result<Vec<GoldNote>, ReadError> {
    let mut seen = HashSet::new();
    jsonl::read::<GoldNote>(path)?
        .into_iter()
        .map(|(line, note)| {
            if seen.insert(note.id.clone()) {
                Ok(note)
            } else {
                Err(ReadError::RepeatedId { path: path.to_owned(), line })
            }
        })
        .collect()
}
