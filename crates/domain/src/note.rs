//! A note is its text as it came and what its sender said about it. The text is never altered after intake.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Sensitivity;

/// What came with a note. All of it may be absent: a note is its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct NoteMeta {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Such as "Discharge summary" (FHIR `DocumentReference.type`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_type: Option<String>,
    /// ISO 8601 date; codes are looked up in the release in force on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encounter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// Facility whose note it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Work queue that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Why it is guarded more than others (FHIR `meta.security`).
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub sensitivity: BTreeSet<Sensitivity>,
}

/// Words as a person counts them: runs between white space.
pub fn word_count(text: &str) -> usize {
    text.split_whitespace().count()
}
