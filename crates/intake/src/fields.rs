//! What the values of a note's keys must be.

use std::collections::BTreeSet;

use overread_domain::{NoteId, NoteMeta, Sensitivity};
use serde_json::Value;

use crate::{FaultKind, Limits};

const ID_CHARACTERS: usize = 200;
const META_CHARACTERS: usize = 500;

pub fn id(value: &str) -> Result<NoteId, FaultKind> {
    let fine = (1..=ID_CHARACTERS).contains(&value.chars().count())
        && value.trim() == value
        && !value.chars().any(char::is_control);
    if fine { Ok(NoteId::new(value)) } else { Err(FaultKind::BadId) }
}

/// The text is judged, never changed.
pub fn text(value: &str, limits: Limits) -> Result<(), FaultKind> {
    if value.len() > limits.note_bytes {
        return Err(FaultKind::TooLarge { bytes: value.len(), limit: limits.note_bytes });
    }
    if value.trim().trim_matches('\u{feff}').trim().is_empty() {
        return Err(FaultKind::Empty);
    }
    if value.contains('\0') {
        return Err(FaultKind::Nul);
    }
    Ok(())
}

/// What the sender says about a note; an empty string says nothing.
pub fn meta(value: &str) -> Result<Option<String>, FaultKind> {
    if value.chars().count() > META_CHARACTERS {
        return Err(FaultKind::TooLong { limit: META_CHARACTERS });
    }
    if let Some(character) = value.chars().position(char::is_control) {
        return Err(FaultKind::Control { character });
    }
    Ok((!value.trim().is_empty()).then(|| value.to_owned()))
}

pub fn date(value: &str) -> Result<Option<String>, FaultKind> {
    let Some(value) = meta(value)? else { return Ok(None) };
    if is_date(&value) { Ok(Some(value)) } else { Err(FaultKind::BadDate) }
}

/// One category or several. What is not known is refused: a guard that is misspelt guards nothing.
pub fn sensitivity(value: &Value) -> Result<BTreeSet<Sensitivity>, FaultKind> {
    let one = |value: &Value| {
        let word = value.as_str().ok_or(FaultKind::NotAString)?;
        Sensitivity::parse(word).ok_or(FaultKind::UnknownSensitivity)
    };
    match value {
        Value::Array(values) => values.iter().map(one).collect(),
        value => one(value).map(|one| BTreeSet::from([one])),
    }
}

fn is_date(value: &str) -> bool {
    let number = |range: std::ops::Range<usize>| {
        value
            .get(range)
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|digits| digits.parse::<u32>().ok())
    };
    let (Some(year), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    value.len() == 10
        && value.as_bytes()[4] == b'-'
        && value.as_bytes()[7] == b'-'
        && year > 0
        && (1..=days).contains(&day)
}

/// Puts a checked value where it belongs.
pub fn set(meta: &mut NoteMeta, key: &str, value: Option<String>) {
    match key {
        "title" => meta.title = value,
        "document_type" => meta.document_type = value,
        "service_date" => meta.service_date = value,
        "encounter" => meta.encounter = value,
        "patient" => meta.patient = value,
        "site" => meta.site = value,
        "queue" => meta.queue = value,
        _ => {}
    }
}
