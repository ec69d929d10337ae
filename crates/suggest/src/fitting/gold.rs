//! Reference entries.

use std::ops::Range;

/// A span that a reference entry has.
#[derive(Clone, Debug)]
pub struct Gold {
    pub field: String,
    /// Bytes of the text.
    pub span: Range<usize>,
    pub value: Option<String>,
    pub assertion: Option<String>,
    pub code: Option<String>,
    /// Attribute and its bytes.
    pub attributes: Vec<(String, Range<usize>)>,
}

/// A note with its reference entry.
#[derive(Clone, Debug)]
pub struct Note {
    pub id: String,
    pub text: String,
    pub spans: Vec<Gold>,
    /// Final code list.
    pub codes: Vec<String>,
}

/// Fields with one normal form a note.
pub(super) const VALUES: &[&str] = &[
    "age",
    "sex",
    "blood_pressure",
    "heart_rate",
    "respiratory_rate",
    "temperature",
    "oxygen_saturation",
    "height",
    "weight",
    "bmi",
    "tobacco_use",
    "alcohol_use",
    "service_date",
    "admission_date",
    "discharge_date",
];

/// The normal form as the scorer compares it.
pub(super) fn norm(value: &str) -> String {
    let lower = value.to_lowercase().replace(['%', '°'], "");
    lower.split_whitespace().collect::<String>().trim_matches(['.', ',', ';']).to_owned()
}
