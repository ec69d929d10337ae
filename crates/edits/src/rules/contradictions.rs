//! What one place of the entry or the note says against another.

use overread_domain::{Assertion, Item};

use crate::case::{Case, Found, Sex};
use crate::words::words;

fn phrase(item: &Item) -> Option<String> {
    let quote = &item.content.evidence.first()?.quote;
    Some(words(quote).collect::<Vec<_>>().join(" "))
}

pub(super) fn denied(case: &Case<'_>) -> Vec<Found> {
    let present = case.of("diagnosis").filter(|item| {
        matches!(item.content.assertion, None | Some(Assertion::Present | Assertion::Possible))
    });
    let mut out = Vec::new();
    for item in present {
        let same = case.of("absent_condition").find(|absent| {
            let codes = item.content.code.is_some() && item.content.code == absent.content.code;
            codes || phrase(item).is_some_and(|p| phrase(absent).as_ref() == Some(&p))
        });
        if let Some(absent) = same {
            let message = "A condition is recorded as there in one row and as denied in another";
            out.push(Found::on(&[item, absent], message));
        }
    }
    out
}

pub(super) fn tobacco(case: &Case<'_>) -> Vec<Found> {
    let Some((habit, value)) = case.value("tobacco_use") else { return Vec::new() };
    case.finals
        .iter()
        .filter_map(|row| {
            let code = row.code.code.as_str();
            let says = match code {
                "Z87.891" => "former",
                "Z72.0" => "current",
                _ if code.starts_with("F17.") && code.ends_with('1') => "former",
                _ if code.starts_with("F17.") => "current",
                _ => return None,
            };
            (value != says && value != "unknown").then(|| {
                let message = format!("{code} says {says} use of tobacco, the entry says {value}");
                Found::on(&[row.item, habit], message)
            })
        })
        .collect()
}

/// Words by which notes speak of the patient, in the note's own voice.
const FEMALE: &[&str] = &["she", "her", "woman", "female", "lady", "girl"];
const MALE: &[&str] = &["he", "his", "him", "man", "male", "gentleman", "boy"];

pub(super) fn sex(case: &Case<'_>) -> Vec<Found> {
    let (Some(sex), Some((item, value))) = (case.sex, case.value("sex")) else { return Vec::new() };
    let (mut female, mut male) = (0usize, 0usize);
    for word in words(case.input.text) {
        female += usize::from(FEMALE.contains(&word.as_str()));
        male += usize::from(MALE.contains(&word.as_str()));
    }
    let (own, other) = match sex {
        Sex::Female => (female, male),
        Sex::Male => (male, female),
    };
    // Relatives are spoken of too: only a clear majority counts.
    if other < 4 || other < 4 * own {
        return Vec::new();
    }
    let message =
        format!("The entry says {value}; the note's words say otherwise {other} times, and so {own} times");
    vec![Found::on(&[item], message)]
}
