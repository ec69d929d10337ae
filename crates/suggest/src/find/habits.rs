//! Tobacco and alcohol use.

use super::{Found, pattern};
use crate::concept::Concept;
use crate::note::{Doc, SectionKind};

pattern! {
    TOBACCO = r"(?i)\b(non-?smok(?:er|ing)|smok(?:es?d?|er|ers|ing)|tobacco|cigarettes?|cigars?|packs?[ -](?:per|a|of|year)|pack-year|ppd|nicotine|chews?)\b";
    ALCOHOL = r"(?i)\b(alcohol(?:ic|ism)?|etoh|ethanol|drinks?|drinking|drinker|drank|beers?|wine|liquor|vodka|whiskey)\b";
    NEVER = r"(?i)\b(?:no|non-?smok\w*|nondrinker|never|denies|denied|deny|does not|do not|doesn't|did not|negative|without|nor|not|none|neither|nonuser|abstains)\b";
    FORMER = r"(?i)\b(?:quit|former|formerly|ex-?smoker|stopped|previous(?:ly)?|past|remote|used to|in remission|sober|discontinued|gave up|recovering|abstinent|prior|until|ago)\b";
    UNKNOWN = r"(?i)\b(?:unknown|not known|unclear|unable to)\b";
    CURRENT = r"(?i)\b(?:smokes|smoker|current(?:ly)?|drinks|social(?:ly)?|occasional(?:ly)?|abuse|per day|a day|daily|ppd|packs?|every|rare(?:ly)?|continues|chews|uses?|does|moderate|heavy|heavily|glass(?:es)?|beers?|week|weekends)\b";
}

/// What one clause says of a habit.
fn class(clause: &str) -> &'static str {
    if UNKNOWN.is_match(clause) {
        return "unknown";
    }
    let lower = clause.to_lowercase();
    let never = NEVER.is_match(clause);
    let denied =
        ["no previous", "no past", "no prior"].iter().any(|w| lower.contains(w)) || lower.contains("never");
    if FORMER.is_match(clause) && !denied {
        return "former";
    }
    if never {
        // "nonsmoker" is a class of its own word; "no longer smokes" is former.
        return if lower.contains("no longer") { "former" } else { "never" };
    }
    if CURRENT.is_match(clause) { "current" } else { "unclear" }
}

/// The clause around a hit: back and forth to the nearest stop, "but" or section edge.
fn clause(doc: &Doc<'_>, start: usize, end: usize) -> (usize, usize) {
    let segment = doc.segment_at(start).map_or(start..end, |s| s.range.clone());
    let floor = segment.start.min(start);
    let before = doc.before(start, 90, floor);
    let cut = [". ", "; ", " but ", " and she ", " and he ", " however", "\n", "drugs", ": "]
        .iter()
        .filter_map(|w| before.rfind(w).map(|at| at + w.len()))
        .max();
    let from = start - before.len() + cut.unwrap_or(0);
    let after = doc.after(end, 80, segment.end.max(end));
    let stop = [
        "; ",
        " but ",
        " and drinks",
        " and does ",
        " and she ",
        " and he ",
        ", drinks",
        ", and drinks",
        ", does not",
        " and is ",
        "\n",
        ", no ",
        ", occasional",
        ", denies",
    ]
    .iter()
    .filter_map(|w| after.find(w))
    .min();
    (from, end + stop.unwrap_or(after.len()))
}

fn habit(doc: &Doc<'_>, concept: Concept, words: &regex::Regex, other: &regex::Regex) -> Option<Found> {
    let mut best: Option<(u8, Found)> = None;
    for hit in words.find_iter(doc.text) {
        let kind = doc.kind_at(hit.start());
        if matches!(
            kind,
            SectionKind::Family
                | SectionKind::Labs
                | SectionKind::ProcedureDetail
                | SectionKind::Instructions
        ) {
            continue;
        }
        let word = hit.as_str().to_lowercase();
        let (from, to) = clause(doc, hit.start(), hit.end());
        let text = &doc.text[from..to];
        let lower = text.to_lowercase();
        if [
            "father",
            "mother",
            "husband",
            "wife",
            "parents",
            "alcohol level",
            "isopropyl",
            "six pack",
            "six-pack",
            "rubbing",
            "blood alcohol",
            "level",
            "swab",
            "prep",
            "juice",
            "water",
            "fluid",
            "milk",
            "formula",
            "eat and drink",
            "to drink",
            "contrast",
        ]
        .iter()
        .any(|w| lower.contains(w))
        {
            continue;
        }
        let following = doc.after(hit.end(), 10, doc.text.len()).to_lowercase();
        if word.starts_with("pack") && (following.starts_with(" of beer") || following.contains("red ")) {
            continue;
        }
        let mut class = class(text);
        // A negation that belongs to the other habit only ("smokes but no alcohol") was cut off by the clause; a
        // list ("no tobacco, alcohol or drugs") was not.
        if word.starts_with("non") {
            class = "never";
        }
        if word == "smoker" && class == "unclear" {
            class = "current";
        }
        let social = kind == SectionKind::Social;
        if class == "unclear" {
            if !social {
                continue;
            }
            class = "current";
        }
        let value = match (concept, class) {
            (Concept::AlcoholUse, "never") => "none",
            (Concept::AlcoholUse, "unknown") => continue,
            _ => class,
        };
        let _ = other;
        let rank = u8::from(social) * 4
            + u8::from(matches!(
                kind,
                SectionKind::Present | SectionKind::Past | SectionKind::None | SectionKind::Other
            )) * 2
            + 1;
        let quote = quote(doc, from, to, hit.range());
        let rule = if social { "social history" } else { "elsewhere" };
        if best.as_ref().is_none_or(|(r, _)| rank > *r) {
            best = Some((rank, Found::new(concept, quote, rule).value(value)));
        }
    }
    best.map(|(_, found)| found)
}

/// The words from the first cue to the last of the clause, at least the hit itself.
fn quote(doc: &Doc<'_>, from: usize, to: usize, hit: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let text = &doc.text[from..to];
    let cues = [&*NEVER, &*FORMER, &*CURRENT, &*UNKNOWN];
    let mut range = hit.clone();
    let near = |start: usize, end: usize| from + start + 45 >= hit.start && from + end <= hit.end + 45;
    for cue in cues {
        for m in cue.find_iter(text).filter(|m| near(m.start(), m.end())) {
            range.start = range.start.min(from + m.start());
            range.end = range.end.max(from + m.end());
        }
    }
    range
}

pub(crate) fn find(doc: &Doc<'_>) -> Vec<Found> {
    [habit(doc, Concept::TobaccoUse, &TOBACCO, &ALCOHOL), habit(doc, Concept::AlcoholUse, &ALCOHOL, &TOBACCO)]
        .into_iter()
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, concept: Concept) -> Option<String> {
        find(&Doc::new(text, 1000)).into_iter().find(|f| f.concept == concept)?.value
    }

    #[test]
    fn classes_of_tobacco_use() {
        for (text, class) in [
            ("SOCIAL HISTORY: Lives alone. Does not smoke.", "never"),
            ("SOCIAL HISTORY: She is a nonsmoker.", "never"),
            ("SOCIAL HISTORY: Smokes two packs a day.", "current"),
            ("SOCIAL HISTORY: He quit smoking in 2003.", "former"),
            ("SOCIAL HISTORY: Tobacco use is unknown.", "unknown"),
        ] {
            assert_eq!(value(text, Concept::TobaccoUse).as_deref(), Some(class), "{text}");
        }
    }

    #[test]
    fn classes_of_alcohol_use() {
        for (text, class) in [
            ("SOCIAL HISTORY: Drinks wine socially.", "current"),
            ("SOCIAL HISTORY: Denies tobacco, alcohol or drugs.", "none"),
            ("SOCIAL HISTORY: Stopped drinking ten years ago.", "former"),
        ] {
            assert_eq!(value(text, Concept::AlcoholUse).as_deref(), Some(class), "{text}");
        }
    }

    #[test]
    fn each_habit_keeps_its_own_negation() {
        let text = "SOCIAL HISTORY: Smokes a pack a day but does not drink.";
        assert_eq!(value(text, Concept::TobaccoUse).as_deref(), Some("current"));
        assert_eq!(value(text, Concept::AlcoholUse).as_deref(), Some("none"));
    }
}
