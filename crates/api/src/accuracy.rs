//! How good the suggestions were, judged by what people decided on finished entries.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams))]
#[serde(default, deny_unknown_fields)]
pub struct AccuracyQuery {
    pub model: Option<String>,
    pub document_type: Option<String>,
    /// Finished at or after, milliseconds since 1970.
    pub since: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccuracyView {
    pub entries: u64,
    /// Fewer decisions than this and no rate is shown.
    pub least_n: u64,
    pub total: AccuracyRow,
    pub fields: Vec<AccuracyRow>,
    pub codes: Vec<AccuracyRow>,
    /// Confidence against how often people agreed, in bins of equal mass.
    pub calibration: Vec<CalibrationBin>,
    /// Model versions that made suggestions, newest first.
    pub models: Vec<String>,
}

/// `key` is a field id, a code, or `total`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccuracyRow {
    pub key: String,
    pub label: String,
    /// Suggestions that were shown and decided.
    pub shown: u64,
    pub accepted: u64,
    pub corrected: u64,
    pub rejected: u64,
    /// The model missed it.
    pub added: u64,
    /// accepted / shown.
    pub precision: Option<Rate>,
    /// accepted / (accepted + corrected + added): of what belongs in the entry, what the model had right.
    pub recall: Option<Rate>,
}

/// A proportion with its 95 % Wilson score interval (Wilson 1927).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rate {
    pub value: f64,
    pub low: f64,
    pub high: f64,
    pub n: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CalibrationBin {
    pub mean_confidence: f64,
    pub accepted: Rate,
}
