//! Abstracts with diseases and chemicals: BC5CDR and the NCBI disease corpus.
//!
//! No abstract is in both, nor in two parts of one.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::source::{Ids, Places};
use super::{Collection, Corpus, CorpusError, Document, Mention, Split, source};

#[derive(Deserialize)]
struct Line {
    id: String,
    text: String,
    spans: Vec<Annotation>,
    #[serde(default)]
    split: Option<String>,
}

#[derive(Deserialize)]
struct Annotation {
    start: usize,
    end: usize,
    quote: String,
    label: String,
    #[serde(default)]
    concept: String,
}

pub(super) fn read(path: &Path, corpus: Corpus) -> Result<Collection, CorpusError> {
    let (lines, source) = source::read::<Line>(path)?;
    let labels: &[&str] = if corpus == Corpus::NcbiDisease { &["disease"] } else { &["chemical", "disease"] };
    let annotated: Arc<BTreeSet<String>> = Arc::new(labels.iter().map(|&label| label.to_owned()).collect());
    let mut ids = Ids::new(path);
    let documents = lines
        .into_iter()
        .map(|(line, found)| {
            ids.add(line, &found.id)?;
            let places = Places::new(path, line, &found.text);
            let mentions = found.spans.iter().enumerate().map(|(index, s)| {
                let label = label(&s.label).filter(|label| labels.contains(label)).ok_or_else(|| {
                    let what = "the label is not one of this corpus";
                    CorpusError::Annotation { path: path.to_owned(), line, index, what }
                })?;
                Ok(Mention {
                    label: label.to_owned(),
                    range: places.range(index, s.start, s.end, Some(&s.quote))?,
                    assertion: None,
                    code: None,
                    concept: Some(s.concept.trim().to_owned())
                        .filter(|concept| !concept.is_empty() && concept != "-1"),
                    value: None,
                })
            });
            let mentions = mentions.collect::<Result<Vec<_>, CorpusError>>()?;
            let (mentions, links) = super::gold::arrange(
                &mentions.into_iter().map(|mention| (mention, None)).collect::<Vec<_>>(),
            );
            let split = match (corpus, found.split.as_deref()) {
                (Corpus::Bc5cdrDev, _) | (_, Some("dev")) => Split::Dev,
                (_, None | Some("train")) => Split::Train,
                _ => {
                    let what = "the split is neither train nor dev";
                    return Err(CorpusError::Line { path: path.to_owned(), line, what });
                }
            };
            Ok(Document {
                id: found.id,
                corpus,
                split,
                fold: None,
                mentions,
                links,
                annotated: Arc::clone(&annotated),
                doubtful: Vec::new(),
                note_codes: Vec::new(),
                section: None,
                text: found.text,
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Collection { corpus, source, documents, dropped: Vec::new() })
}

/// The NCBI corpus tells classes, modifiers and composites apart; all name diseases.
fn label(found: &str) -> Option<&'static str> {
    match found {
        "Disease" | "SpecificDisease" | "DiseaseClass" | "Modifier" | "CompositeMention" => Some("disease"),
        "Chemical" => Some("chemical"),
        _ => None,
    }
}
