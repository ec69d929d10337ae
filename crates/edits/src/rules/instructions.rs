//! Code first, use additional code, code also: what the tabular list asks for beside a code.

use overread_codes::{Entry, EntryKind, NoteKind, Reference};

use crate::case::{Case, Coded, Found};

/// All notes of one kind written at one entry, read together: a heading and its list are notes of their own there.
struct Instruction<'a> {
    at: Entry<'a>,
    references: Vec<Reference>,
    /// "If applicable", "if known": what it names need not be there.
    conditional: bool,
    text: String,
}

/// Instructions that hold for a code. Those of chapters and blocks hold for all that is under them and are told in the
/// book, not at each code.
fn instructions<'a>(case: &Case<'a>, code: Entry<'a>, kind: NoteKind) -> Vec<Instruction<'a>> {
    let Some(release) = case.release else { return Vec::new() };
    std::iter::once(code)
        .chain(code.ancestors())
        .filter(|entry| !matches!(entry.kind(), EntryKind::Chapter | EntryKind::Block))
        .filter_map(|at| {
            let texts: Vec<&str> = at.notes().filter(|n| n.kind == kind).map(|n| n.text).collect();
            if texts.is_empty() {
                return None;
            }
            let all = texts.join("; ");
            let lower = all.to_lowercase();
            Some(Instruction {
                at,
                references: texts.iter().flat_map(|text| release.references(text)).collect(),
                conditional: lower.starts_with("any ")
                    || ["if applicable", "if known", "if any", "if desired", "complicating"]
                        .iter()
                        .any(|words| lower.contains(words)),
                text: brief(&all),
            })
        })
        .collect()
}

fn brief(text: &str) -> String {
    const MOST: usize = 160;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let cut: String = text.chars().take(MOST - 1).collect();
    format!("{cut}…")
}

fn named<'a>(case: &Case<'a>, but: Coded<'a>, references: &[Reference]) -> Vec<(usize, Coded<'a>)> {
    case.finals
        .iter()
        .enumerate()
        .filter(|(_, row)| row.item.id != but.item.id)
        .filter(|(_, row)| references.iter().any(|reference| reference.covers(&row.code.code)))
        .map(|(place, row)| (place, *row))
        .collect()
}

/// A code that never stands without what causes it says so in its title.
pub(super) fn needs_a_cause(entry: Entry<'_>) -> bool {
    let title = entry.title().to_lowercase();
    title.contains("in diseases classified elsewhere")
        || title.contains("in other diseases classified elsewhere")
        || title.contains("due to known physiological condition")
}

pub(super) fn code_first_missing(case: &Case<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    for (row, entry) in case.known() {
        for asked in instructions(case, entry, NoteKind::CodeFirst) {
            if asked.conditional && !needs_a_cause(entry) {
                continue;
            }
            let there = if asked.references.is_empty() {
                // Only words are named: anything before it will do.
                case.finals.first().is_some_and(|first| first.item.id != row.item.id)
            } else {
                !named(case, row, &asked.references).is_empty()
            };
            if !there {
                let message = format!(
                    "{} asks for another code first, and none is listed: {}",
                    entry.code(),
                    asked.text
                );
                out.push(Found::on(&[row.item], message).cited(cited(&asked, "Code first")));
                break;
            }
        }
    }
    out
}

pub(super) fn code_first_order(case: &Case<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    for (row, entry) in case.known() {
        let own = case.finals.iter().position(|other| other.item.id == row.item.id).unwrap_or(0);
        for asked in instructions(case, entry, NoteKind::CodeFirst) {
            let named = named(case, row, &asked.references);
            let Some((_, first)) = named.first().filter(|(place, _)| *place > own) else { continue };
            let message = format!("{} asks for {} to stand before it", entry.code(), first.code.code);
            let order = case.moved_before(first.item, row.item);
            out.push(Found::on(&[row.item, first.item], message).cited(cited(&asked, "Code first")).fix(
                format!("Put {} before {}", first.code.code, entry.code()),
                vec![Case::sequence(&order)],
            ));
            break;
        }
    }
    out
}

pub(super) fn use_additional(case: &Case<'_>) -> Vec<Found> {
    asked_beside(case, NoteKind::UseAdditionalCode, "Use additional code")
}

pub(super) fn code_also(case: &Case<'_>) -> Vec<Found> {
    asked_beside(case, NoteKind::CodeAlso, "Code also")
}

fn asked_beside(case: &Case<'_>, kind: NoteKind, name: &str) -> Vec<Found> {
    let mut out = Vec::new();
    for (row, entry) in case.known() {
        for asked in instructions(case, entry, kind) {
            if asked.references.is_empty() || !named(case, row, &asked.references).is_empty() {
                continue;
            }
            let message = format!("{}, {}: {}", entry.code(), name.to_lowercase(), asked.text);
            out.push(Found::on(&[row.item], message).cited(cited(&asked, name)));
        }
    }
    out
}

fn cited(asked: &Instruction<'_>, name: &str) -> String {
    format!("{name} note at {}; ICD-10-CM Official Guidelines, I.A.13 to I.A.17", asked.at.code())
}
