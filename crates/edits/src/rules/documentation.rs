//! What the note says of a coded condition: for sure, maybe, not, of the past, of a relative; and whether it came with
//! the patient.

use overread_codes::ListKind;
use overread_domain::{Action, Assertion, Item, Poa, RejectReason};

use crate::case::{Case, Coded, Found, Setting};

fn overlaps(a: &Item, b: &Item) -> bool {
    a.content.evidence.iter().any(|x| b.content.evidence.iter().any(|y| x.start < y.end && y.start < x.end))
}

/// The rows of conditions that a code of the final list rests on: the same words, or the same code.
fn grounds<'a>(case: &Case<'a>, row: &Coded<'a>) -> Vec<(&'a Item, Assertion)> {
    case.kept
        .iter()
        .filter(|item| item.id != row.item.id && item.content.field != row.item.content.field)
        .filter(|item| overlaps(item, row.item) || item.content.code.as_ref() == Some(row.code))
        .filter_map(|item| Some((*item, asserted(item)?)))
        .collect()
}

fn asserted(item: &Item) -> Option<Assertion> {
    match item.content.field.as_str() {
        "absent_condition" => Some(Assertion::Absent),
        "family_history" => Some(Assertion::Family),
        "history" => Some(item.content.assertion.unwrap_or(Assertion::Historical)),
        _ => item.content.assertion,
    }
}

/// Codes that are themselves about the past, relatives, or what is not there.
fn is_status(code: &str) -> bool {
    code.starts_with('Z') || code == "I25.2"
}

/// Findings for codes that rest on nothing but rows of one assertion.
fn only(case: &Case<'_>, assertion: Assertion, message: impl Fn(&Coded<'_>) -> String) -> Vec<Found> {
    case.finals
        .iter()
        .filter(|row| !is_status(&row.code.code))
        .filter_map(|row| {
            let grounds = grounds(case, row);
            let all = !grounds.is_empty() && grounds.iter().all(|(_, said)| *said == assertion);
            if !all {
                return None;
            }
            let items: Vec<&Item> =
                std::iter::once(row.item).chain(grounds.iter().map(|(i, _)| *i)).collect();
            let evidence = grounds.iter().flat_map(|(item, _)| item.content.evidence.clone());
            let reason = match assertion {
                Assertion::Absent => RejectReason::Negated,
                Assertion::Family => RejectReason::Family,
                Assertion::Historical => RejectReason::Historical,
                _ => RejectReason::Guideline,
            };
            let (label, actions) = Case::removed(row.item, reason);
            Some(Found::on(&items, message(row)).seen_in(evidence).fix(label, actions))
        })
        .collect()
}

pub(super) fn uncertain(case: &Case<'_>) -> Vec<Found> {
    // An inpatient's uncertain diagnosis at discharge is coded as if it were there (II.H, III.C).
    if case.setting != Setting::Outpatient {
        return Vec::new();
    }
    only(case, Assertion::Possible, |row| {
        format!(
            "{} is only suspected; an outpatient's suspected condition is not coded, its signs are",
            row.code.code
        )
    })
}

pub(super) fn negated(case: &Case<'_>) -> Vec<Found> {
    only(case, Assertion::Absent, |row| {
        format!("{} is coded, and the note says that it is not there", row.code.code)
    })
}

pub(super) fn family(case: &Case<'_>) -> Vec<Found> {
    only(case, Assertion::Family, |row| {
        format!("{} is coded, and the note says it of a relative", row.code.code)
    })
}

pub(super) fn historical(case: &Case<'_>) -> Vec<Found> {
    only(case, Assertion::Historical, |row| {
        format!(
            "{} is coded as present, and the note says it of the past: a history code (Z85 to Z87)?",
            row.code.code
        )
    })
}

pub(super) fn unsupported(case: &Case<'_>) -> Vec<Found> {
    case.finals
        .iter()
        .filter(|row| row.item.content.evidence.is_empty())
        .map(|row| Found::on(&[row.item], format!("{} has no words of the note behind it", row.code.code)))
        .collect()
}

pub(super) fn poa_missing(case: &Case<'_>) -> Vec<Found> {
    if case.setting != Setting::Inpatient {
        return Vec::new();
    }
    let exempt = case.list(ListKind::PoaExempt);
    let missing: Vec<&Coded<'_>> = case
        .finals
        .iter()
        .filter(|row| row.item.poa.is_none())
        .filter(|row| !exempt.is_some_and(|list| list.holds(&row.code.code)))
        .collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let codes: Vec<&str> = missing.iter().map(|row| row.code.code.as_str()).collect();
    let items: Vec<&Item> = missing.iter().map(|row| row.item).collect();
    let all = |poa: Poa| -> Vec<Action> {
        items.iter().map(|item| Action::PresentOnAdmission { item: item.id.clone(), poa }).collect()
    };
    let message = format!("Whether it was present on admission is not said of {}", codes.join(", "));
    vec![
        Found::on(&items, message)
            .fix("All were present on admission (Y)", all(Poa::Yes))
            .fix("The documentation does not say (U)", all(Poa::Unknown)),
    ]
}

pub(super) fn poa_exempt(case: &Case<'_>) -> Vec<Found> {
    let Some(exempt) = case.list(ListKind::PoaExempt) else { return Vec::new() };
    case.finals
        .iter()
        .filter_map(|row| {
            let poa = row.item.poa?;
            let listed = exempt.holds(&row.code.code);
            let code = &row.code.code;
            let message = match (listed, poa) {
                (true, Poa::Exempt) | (false, Poa::Yes | Poa::No | Poa::Unknown | Poa::Undetermined) => {
                    return None;
                }
                (true, _) => format!("{code} is on the list of exempt codes and has an indicator"),
                (false, Poa::Exempt) => format!("{code} is marked exempt and is not on the list"),
            };
            let found = Found::on(&[row.item], message);
            Some(if listed {
                let action = Action::PresentOnAdmission { item: row.item.id.clone(), poa: Poa::Exempt };
                found.fix(format!("Mark {code} exempt"), vec![action])
            } else {
                found
            })
        })
        .collect()
}

pub(super) fn procedure_without_diagnosis(case: &Case<'_>) -> Vec<Found> {
    let done: Vec<&Item> = case
        .of("procedure")
        .filter(|item| item.content.assertion != Some(Assertion::Absent))
        .chain(case.procedures.iter().map(|row| row.item))
        .collect();
    let supported = case.finals.iter().any(|row| !row.code.code.starts_with(['V', 'W', 'X', 'Y']));
    // Nothing coded at all is not a fault of the procedure's.
    let coding = case.input.items.iter().any(|item| item.content.code.is_some() && item.state.is_kept());
    if done.is_empty() || supported || !coding {
        return Vec::new();
    }
    let message = "A procedure is recorded, and no diagnosis of the final list supports it";
    vec![Found::on(&done, message)]
}
