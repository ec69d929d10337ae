//! What may stand first.

use overread_codes::ListKind;
use overread_domain::{CodeRole, Item};

use super::instructions::needs_a_cause;
use crate::case::{Case, Coded, Found};

/// Puts the first row that may be principal in front.
fn other_first<'a>(case: &Case<'a>, found: Found, fits: impl Fn(&Coded<'a>) -> bool) -> Found {
    let Some(next) = case.finals.iter().find(|row| fits(row)) else { return found };
    let Some(first) = case.finals.first() else { return found };
    let order = case.moved_before(next.item, first.item);
    found.fix(format!("Make {} the principal diagnosis", next.code.code), vec![Case::sequence(&order)])
}

fn is_external(code: &str) -> bool {
    code.starts_with(['V', 'W', 'X', 'Y'])
}

fn may_lead(row: &Coded<'_>) -> bool {
    !is_external(&row.code.code) && !row.entry.is_some_and(needs_a_cause)
}

pub(super) fn manifestation(case: &Case<'_>) -> Vec<Found> {
    let Some((row, entry)) = case.principal() else { return Vec::new() };
    let listed = case.list(ListKind::Mce).is_some_and(|mce| mce.says(entry.code(), "manifestation"));
    if !listed && !needs_a_cause(entry) {
        return Vec::new();
    }
    let message =
        format!("{} {} is a manifestation and stands as principal diagnosis", entry.code(), entry.title());
    vec![other_first(case, Found::on(&[row.item], message), |other| {
        other.item.id != row.item.id && may_lead(other)
    })]
}

pub(super) fn external_cause(case: &Case<'_>) -> Vec<Found> {
    let Some((row, entry)) = case.principal().filter(|(_, entry)| is_external(entry.code())) else {
        return Vec::new();
    };
    let message = format!("{} tells how it happened and stands as principal diagnosis", entry.code());
    vec![other_first(case, Found::on(&[row.item], message), may_lead)]
}

pub(super) fn unacceptable(case: &Case<'_>) -> Vec<Found> {
    let (Some((row, entry)), Some(mce)) = (case.principal(), case.list(ListKind::Mce)) else {
        return Vec::new();
    };
    if !mce.says(entry.code(), "unacceptable_principal") {
        return Vec::new();
    }
    let message = format!("{} {} is not accepted as principal diagnosis", entry.code(), entry.title());
    let fits = |other: &Coded<'_>| may_lead(other) && !mce.says(&other.code.code, "unacceptable_principal");
    vec![other_first(case, Found::on(&[row.item], message), fits)]
}

pub(super) fn one_principal(case: &Case<'_>) -> Vec<Found> {
    let leads = |row: &&Coded<'_>| row.item.content.role == Some(CodeRole::Principal);
    let leading: Vec<&Item> = case.finals.iter().filter(leads).map(|row| row.item).collect();
    let order: Vec<&Item> = case.finals.iter().map(|row| row.item).collect();
    match (leading.as_slice(), order.first()) {
        ([_], _) | ([], None) => Vec::new(),
        ([], Some(first)) => {
            let found = Found::on(&[first], "No code of the final list is the principal diagnosis");
            vec![other_first(case, found, may_lead)]
        }
        (several, _) => {
            let message = format!("{} codes of the final list stand as principal diagnosis", several.len());
            let code = several[0].content.code.as_ref().map_or("", |code| &code.code);
            vec![
                Found::on(several, message)
                    .fix(format!("Keep {code} as principal"), vec![Case::sequence(&order)]),
            ]
        }
    }
}

pub(super) fn symptom_first(case: &Case<'_>) -> Vec<Found> {
    let Some((row, entry)) = case.principal().filter(|(_, entry)| entry.code().starts_with('R')) else {
        return Vec::new();
    };
    let definite = |other: &Coded<'_>| may_lead(other) && !other.code.code.starts_with(['R', 'Z']);
    let Some(other) = case.finals.iter().find(|other| definite(other)) else { return Vec::new() };
    let message = format!(
        "{} is a symptom and stands before {}: is it explained by it?",
        entry.code(),
        other.code.code
    );
    vec![other_first(case, Found::on(&[row.item, other.item], message), definite)]
}
