//! Calibrates the labels of corpora on documents that no training read.

use std::collections::BTreeMap;

use overread_suggest::fitting::{self, Marked};
use overread_suggest::known::KnownLabels;
use overread_suggest::{SuggestError, Suggester};

use super::Recipe;
use crate::corpora::Document;
use crate::corpora::labels::{self, Wording};

/// How far spans of each label that `documents` are annotated with are to be believed; labels that `recipe` leaves out
/// were not learned.
///
/// # Errors
/// Where the encoder fails.
pub fn labels(
    model: &Suggester,
    recipe: &Recipe,
    documents: &[Document],
) -> Result<KnownLabels, SuggestError> {
    let wordings: BTreeMap<String, Vec<String>> = labels::all()
        .into_iter()
        .filter(|(id, _)| !recipe.without_labels.contains(id))
        .map(|(id, label)| (id, label.wordings.iter().map(Wording::text).collect()))
        .collect();
    let documents: Vec<Marked<'_>> = documents.iter().map(marked).collect();
    fitting::labels(model, &wordings, &documents)
}

fn marked(document: &Document) -> Marked<'_> {
    Marked {
        text: &document.text,
        annotated: document.annotated.iter().map(String::as_str).collect(),
        places: document.mentions.iter().map(|m| (m.label.as_str(), m.range.clone())).collect(),
        doubtful: document
            .doubtful
            .iter()
            .flat_map(|d| d.labels.iter().map(|label| (label.as_str(), d.range.clone())))
            .collect(),
    }
}
