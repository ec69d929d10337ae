//! Entry templates: which fields an entry has, as data that an administrator edits.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The template that ships: the abstract of an encounter.
pub const ENCOUNTER_ABSTRACT: &str = include_str!("../templates/encounter-abstract.json");

/// The field of the default template that holds the final code list of the encounter.
pub const FINAL_CODES: &str = "final_code";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Template {
    pub id: String,
    /// Counts up with every edit; entries keep the version they were made with.
    pub version: u32,
    pub name: String,
    pub groups: Vec<Group>,
}

/// Fields that stand together on the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub label: String,
    pub fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Field {
    /// Lower-case letters, digits and `_`; stable, exports speak of it.
    pub id: String,
    pub label: String,
    /// What belongs here, in words: the model reads it, and so does the reviewer.
    pub description: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
    #[serde(flatten)]
    pub kind: FieldKind,
    pub cardinality: Cardinality,
    /// An entry can't be finished before a required field has a value or is confirmed empty.
    #[serde(default)]
    pub required: bool,
    /// Whether values carry an assertion (present, absent, historical ...).
    #[serde(default)]
    pub assertion: bool,
    /// The code system that values of this field are coded in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_system: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
}

/// The normal form of a field's values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FieldKind {
    /// The words themselves.
    Text,
    /// "65 years"; months, weeks and days for the young.
    Age,
    /// ISO 8601, complete or to the month.
    Date,
    /// "128/76", mm Hg.
    BloodPressure,
    /// A number with one of these units (UCUM-like short forms); none for bare numbers.
    Quantity { units: Vec<String> },
    /// One of these words.
    Choice { options: Vec<String> },
    /// A condition: words, an assertion and a code.
    Condition,
    /// A code of the final list, with role and evidence.
    Code,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cardinality {
    One,
    Many,
}

/// A sub-value that belongs to a field's value: the dose of a medication, the reaction of an allergy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    pub id: String,
    pub label: String,
    #[serde(default)]
    pub description: String,
}

/// Id of the template for stays in hospital.
pub const INPATIENT: &str = "inpatient-abstract";

/// The abstract of a stay in hospital, from that of an encounter: with procedure codes (ICD-10-PCS), which are for
/// inpatients alone (45 CFR 162.1002).
#[must_use]
pub fn inpatient(encounter: &Template) -> Template {
    let mut template = encounter.clone();
    INPATIENT.clone_into(&mut template.id);
    "Inpatient abstract".clone_into(&mut template.name);
    template.version = 1;
    let coded = Field {
        id: "procedure_code".to_owned(),
        label: "Procedure code".to_owned(),
        description: "a code of a procedure that was done during the stay".to_owned(),
        examples: Vec::new(),
        kind: FieldKind::Code,
        cardinality: Cardinality::Many,
        required: false,
        assertion: false,
        code_system: Some("icd-10-pcs".to_owned()),
        attributes: Vec::new(),
    };
    let group = template.groups.iter_mut().find(|g| g.fields.iter().any(|f| f.id == FINAL_CODES));
    if let Some(group) = group {
        group.fields.push(coded);
    }
    template
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("the template has no fields")]
    NoFields,
    #[error("the template has {0} fields, more than the 500 allowed")]
    TooManyFields(usize),
    #[error(
        "\"{0}\" is not an id: lower-case letters, digits and _ only, starting with a letter, 64 at most"
    )]
    BadId(String),
    #[error("the id \"{0}\" stands twice")]
    DuplicateId(String),
    #[error("field \"{0}\" has an empty label")]
    EmptyLabel(String),
    #[error("field \"{0}\" is a choice without options")]
    NoOptions(String),
}

impl Template {
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.groups.iter().flat_map(|group| &group.fields)
    }

    pub fn field(&self, id: &str) -> Option<&Field> {
        self.fields().find(|field| field.id == id)
    }

    /// What must hold before a template may be saved.
    pub fn check(&self) -> Result<(), TemplateError> {
        check_id(&self.id)?;
        let count = self.fields().count();
        if count == 0 {
            return Err(TemplateError::NoFields);
        }
        if count > 500 {
            return Err(TemplateError::TooManyFields(count));
        }
        let mut seen = BTreeSet::new();
        for field in self.fields() {
            check_id(&field.id)?;
            if !seen.insert(field.id.as_str()) {
                return Err(TemplateError::DuplicateId(field.id.clone()));
            }
            if field.label.trim().is_empty() {
                return Err(TemplateError::EmptyLabel(field.id.clone()));
            }
            if matches!(&field.kind, FieldKind::Choice { options } if options.is_empty()) {
                return Err(TemplateError::NoOptions(field.id.clone()));
            }
            let mut attributes = BTreeSet::new();
            for attribute in &field.attributes {
                check_id(&attribute.id)?;
                if !attributes.insert(attribute.id.as_str()) {
                    return Err(TemplateError::DuplicateId(format!("{}.{}", field.id, attribute.id)));
                }
            }
        }
        Ok(())
    }
}

fn check_id(id: &str) -> Result<(), TemplateError> {
    let fine = (1..=64).contains(&id.len())
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
    if fine { Ok(()) } else { Err(TemplateError::BadId(id.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_template_is_legal() {
        let template: Template = serde_json::from_str(ENCOUNTER_ABSTRACT).unwrap();
        template.check().unwrap();
        assert_eq!(template.id, "encounter-abstract");
        assert!(matches!(template.field(FINAL_CODES).unwrap().kind, FieldKind::Code));
        let json = serde_json::to_string(&template).unwrap();
        assert_eq!(serde_json::from_str::<Template>(&json).unwrap(), template);
    }

    #[test]
    fn stays_in_hospital_have_procedure_codes() {
        let encounter: Template = serde_json::from_str(ENCOUNTER_ABSTRACT).unwrap();
        let stay = inpatient(&encounter);
        stay.check().unwrap();
        assert_eq!(stay.fields().count(), encounter.fields().count() + 1);
        assert_eq!(stay.field("procedure_code").unwrap().code_system.as_deref(), Some("icd-10-pcs"));
    }

    #[test]
    fn refuses_fields_without_label_or_with_the_same_id() {
        let mut template: Template = serde_json::from_str(ENCOUNTER_ABSTRACT).unwrap();
        template.groups[0].fields[0].label = "  ".into();
        assert!(matches!(template.check(), Err(TemplateError::EmptyLabel(_))));
        let twin = template.groups[1].fields[0].clone();
        template.groups[0].fields[0] = twin;
        assert!(matches!(template.check(), Err(TemplateError::DuplicateId(_))));
        template.groups.clear();
        assert_eq!(template.check(), Err(TemplateError::NoFields));
    }
}
