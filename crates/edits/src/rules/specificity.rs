//! Sides, and words of the note that lead to a more specific code.

use overread_codes::{Entry, Side};
use overread_domain::Quoted;

use crate::case::{Case, Coded, Found};
use crate::words::words;

/// The one side that the sentences around a row's evidence name.
fn side_of<'a>(case: &Case<'a>, row: &Coded<'a>) -> Option<(Side, Vec<Quoted>)> {
    let evidence = &row.item.content.evidence;
    // The words themselves before their sentence: "left knee pain after a fall on the right".
    let own: Vec<Side> = evidence.iter().filter_map(|q| Side::of(&q.quote)).collect();
    let around: Vec<Side> = evidence.iter().filter_map(|q| Side::of(case.around(q)?)).collect();
    let sides = if own.is_empty() { around } else { own };
    let first = *sides.first()?;
    // A sentence with both sides may speak of two things.
    let sure = sides.iter().all(|side| *side == first) && first != Side::Both;
    sure.then(|| (first, evidence.clone()))
}

fn name(side: Side) -> &'static str {
    match side {
        Side::Right => "right",
        Side::Left => "left",
        Side::Both => "both sides",
        Side::Unsaid => "no side",
    }
}

pub(super) fn side_unsaid(case: &Case<'_>) -> Vec<Found> {
    sides(
        case,
        |said| said == Side::Unsaid,
        |entry, side| {
            format!("The note says {}, {} {} names no side", name(side), entry.code(), entry.title())
        },
    )
}

pub(super) fn side_wrong(case: &Case<'_>) -> Vec<Found> {
    sides(
        case,
        |said| matches!(said, Side::Left | Side::Right),
        |entry, side| format!("The note says {}, {} is {}", name(side), entry.code(), entry.title()),
    )
}

fn sides(
    case: &Case<'_>,
    of_code: impl Fn(Side) -> bool,
    message: impl Fn(Entry<'_>, Side) -> String,
) -> Vec<Found> {
    case.known()
        .filter_map(|(row, entry)| {
            let said = Side::said(entry.title()).filter(|said| of_code(*said))?;
            let (side, evidence) = side_of(case, &row)?;
            if side == said {
                return None;
            }
            let better = entry.on_side(side)?;
            let (label, actions) = Case::recoded(row.item, better);
            Some(Found::on(&[row.item], message(entry, side)).seen_in(evidence).fix(label, actions))
        })
        .collect()
}

/// Words that tell nothing of a condition's kind.
const EMPTY: &[&str] = &[
    "unspecified",
    "other",
    "specified",
    "nos",
    "nec",
    "of",
    "the",
    "and",
    "or",
    "with",
    "without",
    "in",
    "to",
    "due",
    "by",
    "for",
    "as",
    "not",
    "elsewhere",
    "classified",
    "a",
    "an",
    "site",
    "type",
    "organism",
    "initial",
    "encounter",
    "subsequent",
    "sequela",
    "left",
    "right",
    "bilateral",
    "side",
    "disease",
    "disorder",
    "condition",
    "acute",
    "chronic",
    "complications",
];

fn telling(title: &str) -> Vec<String> {
    words(title).filter(|word| word.len() > 2 && !EMPTY.contains(&word.as_str())).collect()
}

/// A code that says no more than its category, where a neighbour's further words all stand beside the evidence.
pub(super) fn unspecified(case: &Case<'_>) -> Vec<Found> {
    case.known()
        .filter_map(|(row, entry)| {
            let title = entry.title().to_lowercase();
            if !title.contains("unspecified") && !title.contains("without complications") {
                return None;
            }
            let evidence = &row.item.content.evidence;
            let near: Vec<String> = evidence
                .iter()
                .filter_map(|quoted| case.around(quoted))
                .flat_map(|text| words(text).collect::<Vec<_>>())
                .collect();
            let own = telling(entry.title());
            let mut best: Option<(usize, Entry<'_>)> = None;
            for other in neighbours(entry) {
                // "Without" turns what follows round; a code of the other side is another rule's matter.
                let lower = other.title().to_lowercase();
                if lower.contains("without") || Side::said(&lower) != Side::said(&title) {
                    continue;
                }
                let theirs = telling(other.title());
                // A refinement keeps what the code says now, and is not as unspecified itself.
                if !own.iter().all(|word| theirs.contains(word)) || lower.ends_with(", unspecified") {
                    continue;
                }
                let further: Vec<String> = theirs.into_iter().filter(|word| !own.contains(word)).collect();
                let all = !further.is_empty() && further.iter().all(|word| near.contains(word));
                if all && best.is_none_or(|(most, _)| further.len() > most) {
                    best = Some((further.len(), other));
                }
            }
            let (_, better) = best?;
            let message = format!(
                "{} {} is unspecified; the note's words fit {} {}",
                entry.code(),
                entry.title(),
                better.code(),
                better.title()
            );
            let (label, actions) = Case::recoded(row.item, better);
            Some(Found::on(&[row.item], message).seen_in(evidence.iter().cloned()).fix(label, actions))
        })
        .collect()
}

/// Complete codes of the same category.
fn neighbours(entry: Entry<'_>) -> impl Iterator<Item = Entry<'_>> {
    let category = std::iter::once(entry).chain(entry.ancestors()).find(|e| e.code().len() == 3);
    category.into_iter().flat_map(Entry::leaves).filter(move |other| *other != entry).take(400)
}
