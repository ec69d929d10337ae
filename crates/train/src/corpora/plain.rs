//! Corpora without marked places: texts, texts with codes, texts with the kind of their section.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::source::Ids;
use super::{Collection, Corpus, CorpusError, Document, Split, source};

/// All of these files' keys that say something here. An id is a word or a number.
#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    sample_id: Option<u64>,
    #[serde(default)]
    encounter_id: Option<String>,
    #[serde(default, rename = "ID")]
    number: Option<String>,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    text_en: Option<String>,
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    section_text: Option<String>,
    #[serde(default)]
    section_header: Option<String>,
    #[serde(default)]
    diagnosis: Vec<String>,
}

pub(super) fn read(path: &Path, corpus: Corpus) -> Result<Collection, CorpusError> {
    let (lines, source) = source::read::<Line>(path)?;
    let nothing = Arc::new(BTreeSet::new());
    let mut ids = Ids::new(path);
    let documents = lines
        .into_iter()
        .map(|(line, found)| {
            let (id, text) = match corpus {
                Corpus::CodiespTrain | Corpus::CodiespDev => (found.id, found.text_en),
                // The number by which the reference entries name the same note.
                Corpus::Mtsamples => (found.sample_id.map(|n| format!("mt{n:05}")), found.text),
                Corpus::AciBench => (found.encounter_id, found.note),
                Corpus::MtsDialog => (
                    found.number.zip(found.file).map(|(number, file)| format!("{file} {number}")),
                    found.section_text,
                ),
                _ => (found.id, found.text),
            };
            let missing = |what| CorpusError::Line { path: path.to_owned(), line, what };
            let id = id.ok_or_else(|| missing("the line has no id"))?;
            let text = text.ok_or_else(|| missing("the line has no text"))?;
            ids.add(line, &id)?;
            Ok(Document {
                id,
                corpus,
                split: if corpus == Corpus::CodiespDev { Split::Dev } else { Split::Train },
                fold: None,
                mentions: Vec::new(),
                links: Vec::new(),
                annotated: Arc::clone(&nothing),
                doubtful: Vec::new(),
                note_codes: codes(found.diagnosis),
                section: found.section_header,
                text,
            })
        })
        .collect::<Result<Vec<_>, CorpusError>>()?;
    Ok(Collection { corpus, source, documents, dropped: Vec::new() })
}

/// In upper case, each once, in the order of the file.
fn codes(found: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for code in found {
        let code = code.trim().to_uppercase();
        if !code.is_empty() && !out.contains(&code) {
            out.push(code);
        }
    }
    out
}
