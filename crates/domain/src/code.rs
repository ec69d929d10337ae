//! Codes as they are named on entries. What a code means is the `codes` crate's matter.

use serde::{Deserialize, Serialize};

/// A code of a named system, as printed (`icd-10-cm`, `E11.22`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CodeRef {
    pub system: String,
    pub code: String,
}

impl CodeRef {
    pub fn icd10cm(code: impl Into<String>) -> Self {
        Self { system: ICD_10_CM.to_owned(), code: code.into() }
    }
}

pub const ICD_10_CM: &str = "icd-10-cm";

/// A code that the model or the look-up offers, best first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeCandidate {
    pub system: String,
    pub code: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Calibrated probability that this is the code, 0 to 1.
    pub confidence: f32,
}

/// What a code stands for in the final list of an encounter (UHDDS; ICD-10-CM Official Guidelines, sections II to IV).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CodeRole {
    /// The principal (inpatient) or first-listed (outpatient) diagnosis.
    Principal,
    Secondary,
    /// Status and past conditions (Z codes).
    History,
    /// A symptom that no definitive diagnosis explains.
    Symptom,
}
