//! Reference entries, one note a line: `{"id", "text", "spans": [...], "codes": [...]}`.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use overread_domain::Quoted;
use overread_suggest::fitting;
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

impl GoldNote {
    /// The same with places in bytes, as linear heads are fitted to it. Spans and attributes beyond the text are left
    /// out.
    pub fn reference(&self) -> fitting::Note {
        let bytes: Vec<usize> = self.text.char_indices().map(|(at, _)| at).chain([self.text.len()]).collect();
        let place = |start: usize, end: usize| Some(*bytes.get(start)?..*bytes.get(end)?);
        let spans = self.spans.iter().filter_map(|span| {
            let attributes = span.attrs.iter();
            Some(fitting::Gold {
                field: span.field.clone(),
                span: place(span.start, span.end)?,
                value: span.value.clone(),
                assertion: span.assertion.clone(),
                code: span.code.clone(),
                attributes: attributes
                    .filter_map(|(name, at)| Some((name.clone(), place(at.start, at.end)?)))
                    .collect(),
            })
        });
        fitting::Note {
            id: self.id.clone(),
            spans: spans.collect(),
            codes: self.codes.iter().map(|code| code.code.clone()).collect(),
            text: self.text.clone(),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_become_bytes_and_attributes_come_along() {
        let quoted = |start, end, quote: &str| Quoted { start, end, quote: quote.into() };
        let note = GoldNote {
            text: "Café: aspirin 81 mg".into(),
            spans: vec![
                GoldSpan {
                    field: "medication".into(),
                    start: 6,
                    end: 13,
                    quote: "aspirin".into(),
                    attrs: BTreeMap::from([("dose".to_owned(), quoted(14, 19, "81 mg"))]),
                    ..GoldSpan::default()
                },
                GoldSpan { field: "diagnosis".into(), start: 6, end: 99, ..GoldSpan::default() },
            ],
            ..GoldNote::default()
        };
        let found = note.reference();
        let [span] = &found.spans[..] else { panic!("{:?}", found.spans) };
        assert_eq!(&found.text[span.span.clone()], "aspirin");
        assert_eq!(
            (span.attributes[0].0.as_str(), &found.text[span.attributes[0].1.clone()]),
            ("dose", "81 mg")
        );
    }
}
