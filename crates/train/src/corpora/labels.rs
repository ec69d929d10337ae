//! Every label in words: a name, a description and examples, as a template says its fields.
//!
//! A model that learns labels by one wording learns the wording. Each label therefore has others with the same meaning.

use std::collections::BTreeMap;

use overread_domain::Template;
use overread_domain::template::{ENCOUNTER_ABSTRACT, FINAL_CODES};
use overread_suggest::neural::label_text;
use serde::Deserialize;

/// One label with all its wordings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelText {
    /// As in [`super::Mention::label`].
    pub id: String,
    /// The first is the canonical one: for fields of the default template, the template's own words.
    pub wordings: Vec<Wording>,
}

/// One way to say what belongs under a label.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Wording {
    pub label: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub examples: Vec<String>,
}

impl Wording {
    /// What the model reads.
    pub fn text(&self) -> String {
        label_text(&self.label, &self.description, &self.examples)
    }
}

#[derive(Deserialize)]
struct File {
    /// Further wordings of template fields and attributes.
    fields: BTreeMap<String, Vec<Wording>>,
    corpora: Vec<Own>,
}

#[derive(Deserialize)]
struct Own {
    id: String,
    #[serde(flatten)]
    canonical: Wording,
    paraphrases: Vec<Wording>,
}

fn file() -> File {
    serde_json::from_str(include_str!("labels.json")).expect("the file beside this one is valid")
}

/// Every label of every corpus, by id.
pub fn all() -> BTreeMap<String, LabelText> {
    let File { mut fields, corpora } = file();
    let mut out = BTreeMap::new();
    let mut add = |id: String, canonical: Wording, others: Vec<Wording>| {
        let wordings = std::iter::once(canonical).chain(others).collect();
        out.insert(id.clone(), LabelText { id, wordings });
    };
    let template: Template = serde_json::from_str(ENCOUNTER_ABSTRACT).expect("the shipped template is valid");
    for field in template.fields().filter(|field| field.id != FINAL_CODES) {
        let canonical = Wording {
            label: field.label.clone(),
            description: field.description.clone(),
            examples: field.examples.clone(),
        };
        add(field.id.clone(), canonical, fields.remove(&field.id).unwrap_or_default());
        for attribute in &field.attributes {
            let id = format!("{}.{}", field.id, attribute.id);
            let canonical = Wording {
                label: attribute.label.clone(),
                description: attribute.description.clone(),
                examples: Vec::new(),
            };
            let others = fields.remove(&id).unwrap_or_default();
            add(id, canonical, others);
        }
    }
    for own in corpora {
        add(own.id, own.canonical, own.paraphrases);
    }
    out
}

/// Ids of the labels of MACCROBAT.
pub(super) fn of_maccrobat() -> impl Iterator<Item = String> {
    file().corpora.into_iter().map(|own| own.id).filter(|id| id.starts_with("maccrobat."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_has_three_wordings_that_differ() {
        let all = all();
        assert_eq!(of_maccrobat().count(), 41);
        for label in all.values() {
            let mut texts: Vec<_> = label.wordings.iter().map(Wording::text).collect();
            texts.sort();
            texts.dedup();
            assert!(texts.len() >= 3 && texts.len() == label.wordings.len(), "{}", label.id);
        }
    }

    #[test]
    fn wordings_name_only_fields_that_the_template_has() {
        let all = all();
        for id in file().fields.keys() {
            assert!(all.contains_key(id), "{id}");
        }
        assert_eq!(
            all["age"].wordings[0].text(),
            "Age: how old the patient is; e.g. 65-year-old, 3 months old"
        );
        assert!(all.contains_key("medication.dose") && !all.contains_key(FINAL_CODES));
    }

    #[test]
    fn text_leaves_out_what_is_missing() {
        let wording = |description: &str, examples: &[&str]| Wording {
            label: "Dose".into(),
            description: description.into(),
            examples: examples.iter().map(|&e| e.to_owned()).collect(),
        };
        assert_eq!(wording("", &[]).text(), "Dose");
        assert_eq!(wording("", &["1 g"]).text(), "Dose; e.g. 1 g");
        assert_eq!(wording("amount", &["1 g", "2 g"]).text(), "Dose: amount; e.g. 1 g, 2 g");
    }
}
