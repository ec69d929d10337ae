//! Codes that are there, complete, and there once.

use overread_codes::ListKind;
use overread_domain::RejectReason;

use crate::case::{Case, Found};

pub(super) fn in_release(case: &Case<'_>) -> Vec<Found> {
    let coded = case.kept.iter().filter_map(|item| Some((*item, item.content.code.as_ref()?)));
    coded
        .filter_map(|(item, code)| {
            let release = case.release_of(&code.system)?;
            let known = release.get(&code.code).is_some_and(overread_codes::Entry::is_code);
            (!known).then(|| {
                let on = case.date.as_deref().map(|date| format!(" of {date}")).unwrap_or_default();
                Found::on(&[item], format!("{} is not in {}, the release{on}", code.code, release.id()))
            })
        })
        .collect()
}

pub(super) fn complete(case: &Case<'_>) -> Vec<Found> {
    let coded = case.kept.iter().filter_map(|item| Some((*item, item.content.code.as_ref()?)));
    coded
        .filter_map(|(item, code)| {
            let entry =
                case.release_of(&code.system)?.get(&code.code).filter(|e| e.is_code() && !e.billable())?;
            let message =
                format!("{} {} is not complete: a code below it is needed", entry.code(), entry.title());
            let leaf = Some(entry.default_leaf()).filter(|leaf| leaf.billable());
            Some(Found::on(&[item], message).maybe_fix(leaf.map(|leaf| Case::recoded(item, leaf))))
        })
        .collect()
}

pub(super) fn once(case: &Case<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    for (nth, row) in case.finals.iter().enumerate() {
        if let Some(first) = case.finals[..nth].iter().find(|other| other.code == row.code) {
            let (label, actions) = Case::removed(row.item, RejectReason::Duplicate);
            let message = format!("{} stands on the list twice", row.code.code);
            out.push(Found::on(&[row.item, first.item], message).fix(label, actions));
        }
    }
    out
}

pub(super) fn procedure_pairs(case: &Case<'_>) -> Vec<Found> {
    let Some(list) = case.list(ListKind::NcciPairs) else { return Vec::new() };
    let mut out = Vec::new();
    for row in &case.procedures {
        for other in case.procedures.iter().filter(|other| other.item.id != row.item.id) {
            if let Some(pair) =
                list.of(&row.code.code).iter().find(|pair| pair.first() == Some(&other.code.code))
            {
                // "1": a modifier may allow both.
                let modifier =
                    if pair.get(1).is_some_and(|m| m == "1") { "; a modifier may allow both" } else { "" };
                let message = format!(
                    "{} holds {}: they are not reported together{modifier}",
                    row.code.code, other.code.code
                );
                let (label, actions) = Case::removed(other.item, RejectReason::Guideline);
                out.push(Found::on(&[row.item, other.item], message).fix(label, actions));
            }
        }
    }
    out
}
