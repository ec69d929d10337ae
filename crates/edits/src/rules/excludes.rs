//! Excludes notes, as the tabular list words them, inherited from everything above a code.

use overread_codes::{EntryKind, Exclusion, NoteKind};
use overread_domain::RejectReason;

use crate::case::{Case, Coded, Found};

pub(super) fn excludes1(case: &Case<'_>) -> Vec<Found> {
    let Some(release) = case.release else { return Vec::new() };
    pairs(case)
        .filter_map(|(one, other)| {
            let exclusion = release.excludes1(one.entry?, other.entry?)?;
            let message =
                format!("{} and {} exclude each other: {}", one.code.code, other.code.code, said(&exclusion));
            let found = Found::on(&[one.item, other.item], message).cited(cited(&exclusion, "Excludes1"));
            // Symptoms and what is less specific goes first.
            let mut rows = [one, other];
            rows.sort_by_key(|row| (!row.code.code.starts_with('R'), row.code.code.len()));
            let fixes = rows.map(|row| Case::removed(row.item, RejectReason::Guideline));
            Some(fixes.into_iter().fold(found, |found, (label, actions)| found.fix(label, actions)))
        })
        .collect()
}

pub(super) fn excludes2(case: &Case<'_>) -> Vec<Found> {
    let Some(release) = case.release else { return Vec::new() };
    pairs(case)
        .filter_map(|(one, other)| {
            let (a, b) = (one.entry?, other.entry?);
            let exclusion = release
                .named_by(NoteKind::Excludes2, a, b)
                .or_else(|| release.named_by(NoteKind::Excludes2, b, a))
                // Those of chapters and blocks only say where other conditions are.
                .filter(|found| !matches!(found.note.entry.kind(), EntryKind::Chapter | EntryKind::Block))?;
            let message = format!(
                "{} is not part of {}; both are listed, which is right if the patient has both",
                exclusion.other.code(),
                exclusion.code.code()
            );
            Some(Found::on(&[one.item, other.item], message).cited(cited(&exclusion, "Excludes2")))
        })
        .collect()
}

/// Each two rows with different codes once.
fn pairs<'c, 'a>(case: &'c Case<'a>) -> impl Iterator<Item = (Coded<'a>, Coded<'a>)> + 'c {
    case.finals.iter().enumerate().flat_map(move |(nth, one)| {
        case.finals[nth + 1..]
            .iter()
            .filter(move |other| other.code != one.code)
            .map(move |other| (*one, *other))
    })
}

fn said(exclusion: &Exclusion<'_>) -> String {
    format!("{} excludes \"{}\"", exclusion.note.entry.code(), exclusion.note.text)
}

fn cited(exclusion: &Exclusion<'_>, kind: &str) -> String {
    format!("{kind} note at {}; ICD-10-CM Official Guidelines, I.A.12", exclusion.note.entry.code())
}
