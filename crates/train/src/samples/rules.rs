//! What the annotation guidelines demand of an entry, as far as a program can tell.

use std::collections::{BTreeMap, BTreeSet};

use super::MAX_CODES;
use crate::eval::fields::{DATES, SPANS, VALUES};
use crate::gold::{GoldCode, GoldNote, GoldSpan};

/// Fields of which a note has one value, besides the value fields and dates.
const SINGLE: [&str; 3] = ["chief_complaint", "disposition", "follow_up"];
const MAX_ABSENT: usize = 8;
const MAX_LABS: usize = 15;
const ROLES: [&str; 4] = ["principal", "secondary", "history", "symptom"];

pub fn span(span: &GoldSpan) -> Result<(), &'static str> {
    let field = span.field.as_str();
    if !VALUES.contains(&field) && !SPANS.contains(&field) && !DATES.contains(&field) {
        return Err("unknown field");
    }
    if span.quote.trim() != span.quote {
        return Err("quote begins or ends with white space");
    }
    let assertions: &[&str] = match field {
        "diagnosis" | "history" => &["present", "possible", "historical"],
        "family_history" => &["family"],
        "absent_condition" => &["absent"],
        "procedure" => &["present", "planned", "historical"],
        _ => &[],
    };
    match span.assertion.as_deref() {
        Some(found) if !assertions.contains(&found) => return Err("assertion does not fit the field"),
        None if !assertions.is_empty() => return Err("assertion is missing"),
        _ => {}
    }
    let coded = matches!(field, "diagnosis" | "history" | "family_history");
    match span.code.as_deref() {
        Some(code) if !coded || !shaped(code) => return Err("code does not belong here or is malformed"),
        None if coded => return Err("code is missing"),
        _ => {}
    }
    let values: &[&str] = match field {
        "sex" => &["female", "male"],
        "tobacco_use" => &["never", "former", "current", "unknown"],
        "alcohol_use" => &["none", "former", "current"],
        "medication" => &["current", "discharge", "given", "stopped", "planned"],
        _ => &[],
    };
    if !values.is_empty() && !span.value.as_deref().is_some_and(|value| values.contains(&value)) {
        return Err("value is not one of the field's");
    }
    if (VALUES.contains(&field) || DATES.contains(&field)) && span.value.is_none() {
        return Err("value is missing");
    }
    if DATES.contains(&field) && !span.value.as_deref().is_some_and(iso) {
        return Err("date is not ISO 8601");
    }
    let attrs: &[&str] = match field {
        "medication" => &["name", "dose", "route", "frequency"],
        "lab_result" => &["name", "unit"],
        "allergy" => &["reaction"],
        "family_history" => &["relative"],
        _ => &[],
    };
    if span.attrs.keys().any(|name| !attrs.contains(&name.as_str())) {
        return Err("attribute does not belong to the field");
    }
    if matches!(field, "medication" | "lab_result") && !span.attrs.contains_key("name") {
        return Err("name is missing");
    }
    Ok(())
}

pub fn code(code: &GoldCode) -> Result<(), &'static str> {
    if !shaped(&code.code) {
        return Err("malformed code");
    }
    if !ROLES.contains(&code.role.as_str()) {
        return Err("unknown role");
    }
    if code.evidence.is_empty() {
        return Err("no evidence");
    }
    Ok(())
}

pub fn note(note: &GoldNote) -> Result<(), String> {
    if !note.invented || !note.title.as_deref().is_some_and(|title| title.ends_with("(invented)")) {
        return Err("not marked as invented".into());
    }
    if !note.service_date.as_deref().is_some_and(iso) {
        return Err("service date is not ISO 8601".into());
    }
    let mut count = BTreeMap::<&str, usize>::new();
    for span in &note.spans {
        *count.entry(&span.field).or_default() += 1;
    }
    for (field, found) in count {
        let single = SINGLE.contains(&field) || VALUES.contains(&field) || DATES.contains(&field);
        let most = match field {
            _ if single => 1,
            "absent_condition" => MAX_ABSENT,
            "lab_result" => MAX_LABS,
            _ => usize::MAX,
        };
        if found > most {
            return Err(format!("field {field} has {found} spans, {most} at most"));
        }
    }
    let mut seen = BTreeSet::new();
    if let Some(span) = note.spans.iter().find(|span| !seen.insert((&span.field, span.start))) {
        return Err(format!("field {} has two spans at {}", span.field, span.start));
    }
    let principal = note.codes.iter().filter(|code| code.role == "principal").count();
    if principal != 1 {
        return Err(format!("{principal} principal codes instead of one"));
    }
    let codes: BTreeSet<_> = note.codes.iter().map(|code| &code.code).collect();
    if codes.len() != note.codes.len() || codes.len() > MAX_CODES {
        return Err(format!("a code is repeated, or more than {MAX_CODES} codes"));
    }
    Ok(())
}

/// Whether `code` looks like ICD-10-CM with its dot. Only a release knows whether it exists.
fn shaped(code: &str) -> bool {
    let (category, rest) =
        code.split_once('.').map_or((code, None), |(category, rest)| (category, Some(rest)));
    let category = category.as_bytes();
    category.len() == 3
        && category[0].is_ascii_uppercase()
        && category[1].is_ascii_digit()
        && (category[2].is_ascii_digit() || category[2].is_ascii_uppercase())
        && rest.is_none_or(|rest| {
            (1..=4).contains(&rest.len())
                && rest.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        })
}

fn iso(date: &str) -> bool {
    let bytes = date.as_bytes();
    bytes.len() == 10
        && bytes
            .iter()
            .enumerate()
            .all(|(i, b)| if i == 4 || i == 7 { *b == b'-' } else { b.is_ascii_digit() })
}
