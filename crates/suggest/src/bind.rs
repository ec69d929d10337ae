//! Which finder speaks for which field of a template: by the shipped ids, else by what the label says, read by the
//! transformer. What no finder knows keeps the vectors of its label, description and examples.

use overread_domain::Template;
use overread_domain::template::{Field, FieldKind};
use overread_encoder::{Encode, sha256_hex};

use crate::SuggestError;
use crate::concept::Concept;
use crate::insight::{Sense, field_text, text_means};
use crate::known::{Belief, KnownLabels};
use crate::neural::Labels;
use crate::states::dot;

/// Likeness (cosine) from which a label is taken to mean what a finder finds.
const SAME: f32 = 0.72;

/// What the model knows of one field.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    /// The finder that speaks for it.
    pub concept: Option<Concept>,
    /// Vectors of "label: description" and of each example; empty where a finder speaks.
    pub vectors: Vec<Vec<f32>>,
    /// Vectors of the options of a choice.
    pub options: Vec<Vec<f32>>,
    /// How far the trained heads are to be believed, where they learned what the label means.
    pub known: Option<Belief>,
}

/// What the model knows of a template's fields, in their order.
#[derive(Debug)]
pub(crate) struct Binding {
    pub fields: Vec<Bound>,
    /// Labels of the fields that no finder speaks for, in their order, where the model has trained heads.
    pub labels: Option<Labels>,
}

/// Hash of all that the model reads of a template.
pub(crate) fn key(template: &Template) -> String {
    sha256_hex(&serde_json::to_vec(&template.groups).unwrap_or_default())
}

impl Binding {
    /// Embeds the labels of the fields that no id settles.
    /// Without `finders` every field is left to the transformer.
    pub fn new(
        encoder: &dyn Encode,
        sense: Option<&Sense>,
        known: Option<&KnownLabels>,
        template: &Template,
        finders: bool,
    ) -> Result<Self, SuggestError> {
        let mut open: Vec<&Field> = Vec::new();
        let settled: Vec<Option<Concept>> = template
            .fields()
            .map(|field| {
                let concept =
                    Concept::ALL.into_iter().find(|c| finders && c.id() == field.id && c.fits(&field.kind));
                if concept.is_none() {
                    open.push(field);
                }
                concept
            })
            .collect();
        let names: Vec<&str> = Concept::ALL.iter().flat_map(|c| c.names().iter().copied()).collect();
        let name_vectors = if open.is_empty() { Vec::new() } else { encoder.embed(&names)? };
        let mut texts: Vec<String> = Vec::new();
        for field in &open {
            texts.push(field.label.clone());
            texts.push(format!("{}: {}", field.label, field.description));
            texts.extend(field.examples.iter().take(8).cloned());
            if let FieldKind::Choice { options } = &field.kind {
                texts.extend(options.iter().take(32).map(|option| format!("{}: {option}", field.label)));
            }
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let vectors = if texts.is_empty() { Vec::new() } else { encoder.embed(&texts)? };
        let mut rest = vectors.into_iter();
        let mut fields: Vec<Bound> = template
            .fields()
            .zip(settled)
            .map(|(field, concept)| {
                if concept.is_some() {
                    return Bound { concept, vectors: Vec::new(), options: Vec::new(), known: None };
                }
                let label = rest.next().unwrap_or_default();
                let mut own: Vec<Vec<f32>> = rest.by_ref().take(1 + field.examples.len().min(8)).collect();
                let count =
                    if let FieldKind::Choice { options } = &field.kind { options.len().min(32) } else { 0 };
                let options = rest.by_ref().take(count).collect();
                let concept = if finders { meant(field, &label, &own[0], &name_vectors) } else { None };
                own.push(label);
                Bound { concept, vectors: own, options, known: None }
            })
            .collect();
        let labels = match sense {
            Some(sense) => {
                let open = template.fields().zip(&fields).filter(|(_, bound)| bound.concept.is_none());
                let texts: Vec<String> = open.map(|(field, _)| field_text(field)).collect();
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                let means = text_means(encoder, &texts)?;
                if let Some(known) = known {
                    let beliefs = known.of(encoder, &texts, &means)?;
                    let open = fields.iter_mut().filter(|bound| bound.concept.is_none());
                    open.zip(beliefs).for_each(|(bound, belief)| bound.known = belief);
                }
                Some(sense.heads.labels(&means))
            }
            None => None,
        };
        Ok(Self { fields, labels })
    }
}

/// The concept that a label means, where it means one and the field can hold it.
fn meant(field: &Field, label: &[f32], described: &[f32], names: &[Vec<f32>]) -> Option<Concept> {
    let mut at = 0;
    let mut best: Option<(f32, Concept)> = None;
    for concept in Concept::ALL {
        let own = &names[at..at + concept.names().len()];
        at += own.len();
        if !concept.fits(&field.kind) || !holds(concept, field) {
            continue;
        }
        let like = own.iter().map(|v| dot(v, label).max(dot(v, described))).fold(0.0, f32::max);
        if like >= SAME && best.is_none_or(|(b, _)| like > b) {
            best = Some((like, concept));
        }
    }
    best.map(|b| b.1)
}

/// A choice must offer the values that the finder gives.
fn holds(concept: Concept, field: &Field) -> bool {
    let FieldKind::Choice { options } = &field.kind else { return true };
    let offers = |value: &str| options.iter().any(|o| o == value);
    match concept {
        Concept::Sex => offers("female") && offers("male"),
        Concept::TobaccoUse => offers("never") && offers("current"),
        Concept::AlcoholUse => offers("none") && offers("current"),
        Concept::Medication => offers("current"),
        _ => true,
    }
}
