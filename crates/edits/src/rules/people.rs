//! Who the patient is: age, sex, record number.

use overread_codes::ListKind;

use crate::case::{Age, Case, Found, Sex};
use crate::words::words;

/// Codes that the tabular list itself gives to one sex: titles of the blocks say so.
const FEMALE: &[(&str, &str)] =
    &[("C51", "C58"), ("D06", "D06"), ("D25", "D28"), ("N70", "N77"), ("N80", "N98"), ("O00", "O9A")];
const MALE: &[(&str, &str)] = &[("C60", "C63"), ("D29", "D29"), ("N40", "N53")];

fn within(code: &str, ranges: &[(&str, &str)]) -> bool {
    let category = code.get(..3).unwrap_or(code);
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&category))
}

pub(super) fn sex(case: &Case<'_>) -> Vec<Found> {
    let Some(sex) = case.sex else { return Vec::new() };
    let mce = case.list(ListKind::Mce);
    case.known()
        .filter_map(|(row, entry)| {
            let code = entry.code();
            let (female, male) = match mce {
                Some(mce) => (mce.says(code, "female"), mce.says(code, "male")),
                None => (within(code, FEMALE), within(code, MALE)),
            };
            let (whose, patient) = match sex {
                Sex::Male if female => ("women", "male"),
                Sex::Female if male => ("men", "female"),
                _ => return None,
            };
            let message = format!("{code} {} is for {whose}; the patient is {patient}", entry.title());
            let patient = case.value("sex").map(|(item, _)| item);
            let items: Vec<_> = std::iter::once(row.item).chain(patient).collect();
            Some(Found::on(&items, message))
        })
        .collect()
}

/// Years from and to which the code editor accepts a code: newborn, pediatric, maternity, adult.
const AGES: [(&str, f64, f64, &str); 4] = [
    ("newborn", 0.0, 1.0, "newborns (age 0)"),
    ("pediatric", 0.0, 18.0, "children (0 to 17 years)"),
    ("maternity", 9.0, 65.0, "maternity (9 to 64 years)"),
    ("adult", 15.0, 125.0, "adults (15 to 124 years)"),
];

pub(super) fn age(case: &Case<'_>) -> Vec<Found> {
    let Some(age) = case.age else { return Vec::new() };
    let mce = case.list(ListKind::Mce);
    case.known()
        .filter_map(|(row, entry)| {
            let code = entry.code();
            let fits = |name: &str| match mce {
                Some(mce) => mce.says(code, name),
                // Chapters 15 and 16 say it themselves.
                None => match name {
                    "newborn" => code.starts_with('P') && is_birth(code),
                    "maternity" => code.starts_with('O'),
                    _ => false,
                },
            };
            let (_, _, _, whom) =
                AGES.iter().find(|(name, from, to, _)| fits(name) && !(*from..*to).contains(&age.years))?;
            let message = format!("{code} {} is for {whom}; the patient is {}", entry.title(), told(age));
            let patient = case.value("age").map(|(item, _)| item);
            let items: Vec<_> = std::iter::once(row.item).chain(patient).collect();
            Some(Found::on(&items, message))
        })
        .collect()
}

/// Conditions of the perinatal period that only the newborn's own record bears; others may last for life (I.C.16.a.4).
fn is_birth(code: &str) -> bool {
    within(code, &[("P00", "P04"), ("P05", "P08"), ("P10", "P15"), ("P22", "P22")])
}

fn told(age: Age) -> String {
    if age.years >= 2.0 {
        format!("{:.0} years old", age.years.floor())
    } else {
        format!("{:.0} months old", (age.years * 12.0).floor())
    }
}

/// A record number in the note's head beside that of the file.
pub(super) fn identity(case: &Case<'_>) -> Vec<Found> {
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let Some(file) = case.input.meta.patient.as_deref().map(digits).filter(|d| d.len() >= 4) else {
        return Vec::new();
    };
    let text = case.input.text;
    let lower = text.to_ascii_lowercase();
    let mut out = Vec::new();
    for label in ["mrn", "medical record number", "medical record no", "record number"] {
        for (at, _) in lower.match_indices(label) {
            let before = text[..at].chars().next_back();
            if before.is_some_and(char::is_alphanumeric) {
                continue;
            }
            let rest = &text[at + label.len()..];
            let rest = rest.trim_start_matches([' ', ':', '#', '.', '\t']);
            let number =
                rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).next().unwrap_or_default();
            let said = digits(number);
            if said.len() >= 4 && said != file && words(number).next().is_some() {
                let start = text.len() - rest.len();
                let span = overread_domain::Span::new(text, start, start + number.len());
                let evidence = span.ok().map(|span| case.points.quoted(span));
                let message = "The record number in the note is not the one that came with it";
                out.push(Found::on(&[], message).seen_in(evidence));
                return out;
            }
        }
    }
    out
}
