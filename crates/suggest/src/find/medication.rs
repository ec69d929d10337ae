//! Medications with dose, route, frequency and status.

use std::ops::Range;

use super::drugs::{DrugName, Known, names};
use super::{Found, pattern};
use crate::concept::Concept;
use crate::note::{Doc, SectionKind, Segment};

pattern! {
    DOSE = r"(?i)^(?:[ \t,(:\-–]|of|at|to|dose|total|nebulizer|solution|tablets?|inhaler|caps(?:ules?)?|drops|elixir|cream|sulfate|sodium|extended release|currently|approximately|about|tapering|one|IV|IM|p\.?o\.?|orally)*?((?:\d+(?:[.,]\d+)*(?:[ \t]?(?:-|/|to)[ \t]?\d+(?:\.\d+)?)*)(?:[ \t-]?(?:mg|mcg|micrograms?|milligrams?|g|gm|grams?|units?|u|iu|meq|ml|cc|l|liters?|%)\b?(?:/(?:kg|ml|hr?|l|\d*[ ]?ml|day))?|[ \t](?:tablets?|tabs?|caps(?:ules?)?|puffs?|drops?|sprays?|pills?|patch(?:es)?|teaspoons?|tsp|inhalations?|liters?)\b))";
    RATIO = r"^[ \t]{1,2}(\d+(?:\.\d+)?/\d+(?:\.\d+)?)\b";
    COUNT = r"(?i)^[ \t,]*((?:one|two|three|four|half|one-half|1|2|3|4)(?:[ \t](?:to|or|-)[ \t](?:two|three|2|3))?(?:[ \t](?:tablets?|tabs?|pills?|puffs?|capsules?|caps|sprays?|drops?|teaspoons?))?)\b[ \t]*(?:p\.?o\.?|by mouth|orally|a day|daily|per day|every|once|twice|at|q\.?|b\.?i\.?d|t\.?i\.?d|in the|nightly|each)";
    ROUTE = r"(?i)\b(p\.o\.?|po|by mouth|orally|oral|per os|i\.v\.|iv|intravenous(?:ly)?|i\.m\.|im|intramuscular(?:ly)?|subcutaneous(?:ly)?|subcu|subq|sub-q|s\.c\.|sq|sublingual(?:ly)?|s\.l\.|sl|topical(?:ly)?|inhaled|inhalation|nebuliz(?:ed|er)|rectal(?:ly)?|per rectum|p\.r\.|intranasal(?:ly)?|transdermal|vaginal(?:ly)?|ophthalmic|drip|chewable|per g-?tube|via g-?tube)(?:[^a-z]|$)";
    FREQUENCY = r"(?i)((?:once|twice|one|two|three|four|2|3|4|three times|four times|2 times|3 times|4 times|1 time)(?:[ -]?(?:to|-)[ -]?(?:three|four|3|4))?(?: times)?[ -](?:a|per|each|every)?[ -]?(?:daily|day|week|weekly|month|monthly|night|hours)|(?:once|twice) daily|daily(?: at bedtime| in the (?:morning|evening)| p\.?r\.?n\.?)?|q\.? ?\d+(?:[ ]?(?:-|to)[ ]?\d+)?[ ]?(?:h|hours?|hourly|hrs?|minutes)\.?(?: p\.?r\.?n\.?| as needed)?|q\.?[ ]?(?:day|d|hs|h\.s|a\.?m|p\.?m|o\.?d|week|month|weekly|noon|night|i\.d|evening)\.?|b\.?i\.?d\.?|t\.?i\.?d\.?|q\.?i\.?d\.?|h\.?s\.?\b|every (?:other day|day|morning|evening|night|week|month|(?:\d+|four|six|eight|twelve)(?:[ ]?(?:-|to)[ ]?(?:\d+|six|eight))?[ ]?(?:hours?|days?|weeks?|minutes))(?: as needed| p\.?r\.?n\.?)?|(?:at|for) (?:bedtime|night)(?: p\.?r\.?n\.?)?|nightly|(?:a|per) day|weekly|monthly|each (?:day|night|morning)|in the (?:morning|evening)|p\.?r\.?n\.?|as needed|occasional(?:ly)?|every \d+ hours|on (?:mondays?|tuesdays?|wednesdays?|thursdays?|fridays?)[a-z ,]*)";
    STOPPED = r"(?i)\b(?:stop(?:ped|ping)?|discontinu\w+|d/c'?d?|held|hold(?:ing)?|off (?:of )?(?:the |her |his )?|cease[d]?|wean(?:ed)? off|no longer (?:on|taking)|not (?:taking|on)|stay off|quit taking|ran out of|misplaced|avoid)\b";
    PLANNED = r"(?i)\b(?:will (?:be )?(?:start|give|put|try|add|begin|continue|prescribe|place|need|receive|resume|increase|take|get|treat|have|recommend|use)\w*|start(?:ed|ing)? (?:her|him|the patient|back)?|recommend\w*|prescri\w+|begin|add(?:ed|ing)?|switch(?:ed)? to|plan (?:to|for)|to (?:start|take|begin|use)|increase|gave (?:her|him) (?:a )?(?:prescription|samples)|trial of|consider|back on|would)\b";
    GIVEN = r"(?i)\b(?:was given|were given|given|received|administered|treated with|infus\w+|bolus|placed on|loaded|injected|gave|started on|premedicated|anesthetized|sedated|was started)\b";
}

/// Not before the drug's own words but between them and the dose.
fn reach(doc: &Doc<'_>, names: &[DrugName], i: usize, segment: &Segment) -> usize {
    let end = segment.range.end;
    let next = names.get(i + 1).map_or(end, |n| doc.words[n.first].start).min(end);
    let start = doc.words[names[i].last - 1].end;
    start.max(next).min(start + 110)
}

/// All medications, duplicates of one name included only where the first lacks a dose. `also` holds names that the
/// trained heads found.
pub(crate) fn find(doc: &Doc<'_>, also: &[Range<usize>]) -> Vec<Found> {
    // What the lexicon knows comes first: nothing else may stand between its names and their doses.
    let mut out = named(doc, &names(doc, &[]), |_| true);
    let apart = |span: &Range<usize>| {
        out.iter().all(|f| {
            let end = f.attributes.iter().map(|(_, a)| a.end).fold(f.span.end, usize::max);
            end <= span.start || span.end <= f.span.start
        })
    };
    let new: Vec<Range<usize>> = also.iter().filter(|span| apart(span)).cloned().collect();
    if !new.is_empty() {
        out.extend(named(doc, &names(doc, &new), |name| name.known == Known::Neural));
        out.sort_by_key(|f| f.span.start);
    }
    out.extend(unlisted(doc, &out));
    distinct(doc, out)
}

/// Medications of the given names.
fn named(doc: &Doc<'_>, names: &[DrugName], wanted: impl Fn(&DrugName) -> bool) -> Vec<Found> {
    let mut out: Vec<Found> = Vec::new();
    for (i, name) in names.iter().enumerate().filter(|(_, name)| wanted(name)) {
        let (first, last) = (doc.words[name.first], doc.words[name.last - 1]);
        let Some(segment) = doc.segment_at(first.start).filter(|s| s.range.start <= first.start) else {
            continue;
        };
        let kind = doc.kind_at(first.start);
        let listed = matches!(kind, SectionKind::Medications | SectionKind::DischargeMedications);
        let quote_end = if doc.text[last.end..].starts_with('+') { last.end + 1 } else { last.end };
        let ceiling = reach(doc, names, i, segment).max(quote_end);
        let ceiling = floor_boundary(doc.text, ceiling);
        let rest = &doc.text[quote_end..ceiling];
        let dose = dose(rest, quote_end).or_else(|| baby(doc, first.start));
        if skip(doc, *name, kind, segment, dose.is_some()) {
            continue;
        }
        let mut found =
            Found::new(Concept::Medication, first.start..quote_end, rule(kind, *name, dose.is_some()));
        let tail = dose.as_ref().filter(|d| d.start >= quote_end).map_or(quote_end, |d| d.end);
        found.value = Some(status(doc, kind, segment, first.start, quote_end).to_owned());
        if let Some(dose) = dose {
            found.attributes.push(("dose", dose));
        }
        if let Some(route) = ROUTE.captures(rest).and_then(|c| c.get(1)) {
            found.attributes.push(("route", quote_end + route.start()..quote_end + route.end()));
        }
        if let Some(frequency) = FREQUENCY.find(&doc.text[tail.min(ceiling)..ceiling]) {
            let from = tail.min(ceiling);
            found.attributes.push(("frequency", from + frequency.start()..from + frequency.end()));
        }
        found.weight = if listed { 0.9 } else { 0.5 } + if found.attributes.is_empty() { 0.0 } else { 0.08 };
        out.push(found);
    }
    out
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn rule(kind: SectionKind, name: DrugName, dosed: bool) -> &'static str {
    let list = matches!(kind, SectionKind::Medications | SectionKind::DischargeMedications);
    match (list, name.known, dosed) {
        (_, Known::Neural, true) => "neural with dose",
        (true, Known::Neural, false) => "neural in list",
        (true, _, true) => "list with dose",
        (true, _, false) => "list",
        (false, _, true) => "text with dose",
        (false, Known::Listed, false) => "text",
        (false, Known::Shy, false) => "shy",
        (false, Known::Suffix, false) => "suffix",
        (false, Known::Neural, false) => "neural",
    }
}

fn skip(doc: &Doc<'_>, name: DrugName, kind: SectionKind, segment: &Segment, dosed: bool) -> bool {
    let start = doc.words[name.first].start;
    if matches!(kind, SectionKind::Allergies | SectionKind::Family | SectionKind::Labs) && !dosed
        || kind == SectionKind::Allergies
    {
        return true;
    }
    let listed = matches!(kind, SectionKind::Medications | SectionKind::DischargeMedications);
    let before = doc.before(start, 60, segment.range.start).to_lowercase();
    let after = doc.after(doc.words[name.last - 1].end, 24, segment.range.end).to_lowercase();
    if ["allerg", "intoleran", "reaction to", "sensitiv"]
        .iter()
        .any(|w| before.contains(w) || after.contains(w))
    {
        return true;
    }
    if name.known == Known::Shy && !listed && !dosed {
        let taken = GIVEN.is_match(&before)
            || PLANNED.is_match(&before)
            || before.ends_with("on ")
            || before.contains("taking")
            || before.contains("takes");
        let measured = after.trim_start().starts_with(|c: char| c.is_ascii_digit())
            || ["level", "is ", "was ", "of ", "deficien", "studies"]
                .iter()
                .any(|w| after.trim_start().starts_with(w));
        return !taken || measured;
    }
    after.trim_start().starts_with("level") || after.trim_start().starts_with("abuse")
}

fn dose(rest: &str, offset: usize) -> Option<Range<usize>> {
    let hit = DOSE
        .captures(rest)
        .or_else(|| RATIO.captures(rest))
        .or_else(|| COUNT.captures(rest))
        .and_then(|c| c.get(1))?;
    Some(offset + hit.start()..offset + hit.start() + hit.as_str().trim_end().len())
}

/// "baby aspirin", "low-dose aspirin", "81 mg aspirin".
fn baby(doc: &Doc<'_>, start: usize) -> Option<Range<usize>> {
    let before = doc.before(start, 24, 0);
    let lower = before.to_lowercase();
    for word in ["baby ", "low-dose ", "low dose "] {
        if lower.ends_with(word) {
            return Some(start - word.len()..start - 1);
        }
    }
    pattern! { BEFORE = r"(?i)(\d+(?:\.\d+)?[ \t]?(?:mg|mcg|g|gm|grams?|units?|meq|ml|cc|liters?))(?:[ \t](?:of|tablets?|oral)){0,2}[ \t]$"; }
    let hit = BEFORE.captures(before)?.get(1)?;
    let base = start - before.len();
    Some(base + hit.start()..base + hit.end())
}

/// What becomes of the drug: the section says it, else the words around it.
fn status(doc: &Doc<'_>, kind: SectionKind, segment: &Segment, start: usize, end: usize) -> &'static str {
    let before = doc.before(start, 70, segment.range.start);
    let after = doc.after(end, 60, segment.range.end);
    let after_stop = [
        "was stopped",
        "was discontinued",
        "were discontinued",
        "has been stopped",
        "was held",
        "discontinued",
        "is being stopped",
        "on hold",
    ]
    .iter()
    .any(|w| after.to_lowercase().contains(w));
    if STOPPED.is_match(before) || after_stop {
        return "stopped";
    }
    match kind {
        SectionKind::DischargeMedications => return "discharge",
        SectionKind::Medications => return "current",
        SectionKind::Anesthesia | SectionKind::ProcedureDetail | SectionKind::Procedure => return "given",
        _ => {}
    }
    if matches!(
        kind,
        SectionKind::Plan
            | SectionKind::AssessmentPlan
            | SectionKind::Disposition
            | SectionKind::Instructions
            | SectionKind::FollowUp
    ) {
        return if before.to_lowercase().contains("continue") { "current" } else { "planned" };
    }
    if before.to_lowercase().contains("discharge") {
        return "discharge";
    }
    if GIVEN.is_match(before) {
        return "given";
    }
    if PLANNED.is_match(before) && kind != SectionKind::Past {
        return "planned";
    }
    if kind == SectionKind::Course { "given" } else { "current" }
}

/// Items of a medication list whose first words are no drug that the lexicon knows, but stand before a dose.
fn unlisted(doc: &Doc<'_>, known: &[Found]) -> Vec<Found> {
    pattern! {
        ITEM = r"(?i)^((?:[A-Z][A-Za-z'\-]{2,}|[A-Z]{2,})(?:[ \t][A-Za-z'\-]{2,}){0,2}?)[ \t,]+(\d+(?:[.,/]\d+)*[ \t]?(?:mg|mcg|g|gm|units?|meq|ml|cc|%|iu)\b)";
        WORDS_ONLY = r"^([A-Z][A-Za-z\-]{3,}(?:[ \t][A-Z][a-z\-]+)?)(?:[ \t,.]|$)";
    }
    let mut out = Vec::new();
    for segment in &doc.segments {
        let kind = doc.section(segment).kind;
        if !matches!(kind, SectionKind::Medications | SectionKind::DischargeMedications) {
            continue;
        }
        let text = doc.str(&segment.range);
        let mut at = 0;
        for part in text.split_inclusive([',', ';', '.']) {
            let start = segment.range.start + at + part.len() - part.trim_start().len();
            at += part.len();
            let body = &doc.text[start..segment.range.start + at];
            let taken = known.iter().any(|f| f.span.start < segment.range.start + at && f.span.end > start);
            if taken {
                continue;
            }
            let full = &doc.text[start..segment.range.end];
            if let Some(captures) = ITEM.captures(full) {
                let (Some(name), Some(dose)) = (captures.get(1), captures.get(2)) else { continue };
                if name.start() == 0 && dose.end() <= 70 {
                    let mut found =
                        Found::new(Concept::Medication, start..start + name.end(), "list with dose")
                            .value(status(doc, kind, segment, start, start + name.end()));
                    found.attributes.push(("dose", start + dose.start()..start + dose.end()));
                    out.push(found);
                }
            } else if segment.item
                && body.len() < 60
                && let Some(name) = WORDS_ONLY.captures(body).and_then(|c| c.get(1))
                && ![
                    "none",
                    "the patient",
                    "unknown",
                    "see",
                    "patient",
                    "she",
                    "he",
                    "please",
                    "continue",
                    "medication",
                    "medications",
                    "includes",
                    "include",
                    "other",
                    "multiple",
                    "per",
                ]
                .contains(&name.as_str().to_lowercase().as_str())
                && start == segment.range.start
            {
                let span = start..start + name.end();
                let value = status(doc, kind, segment, span.start, span.end);
                out.push(Found::new(Concept::Medication, span, "list, unknown word").value(value));
            }
        }
    }
    out
}

/// One row a drug and status: the row with the most said about it.
fn distinct(doc: &Doc<'_>, found: Vec<Found>) -> Vec<Found> {
    let mut kept: Vec<Found> = Vec::new();
    for f in found {
        let name = doc.str(&f.span).to_lowercase();
        let same = kept.iter().position(|k| {
            let list = |f: &Found| f.rule.starts_with("list");
            doc.str(&k.span).to_lowercase() == name && (k.value == f.value || list(k) != list(&f) || !list(k))
        });
        match same {
            Some(i) if f.weight > kept[i].weight => kept[i] = f,
            Some(_) => {}
            None => kept.push(f),
        }
    }
    kept.sort_by_key(|f| f.span.start);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    type Attributes = Vec<(String, String)>;

    fn rows(text: &str) -> Vec<(String, String, Attributes)> {
        let doc = Doc::new(text, 5000);
        find(&doc, &[])
            .into_iter()
            .map(|f| {
                let attributes =
                    f.attributes.iter().map(|(k, r)| ((*k).to_owned(), doc.str(r).to_owned())).collect();
                (doc.str(&f.span).to_owned(), f.value.unwrap_or_default(), attributes)
            })
            .collect()
    }

    #[test]
    fn reads_a_medication_list() {
        let rows = rows("MEDICATIONS:\n1. Coreg 6.25 mg p.o. b.i.d.\n2. Zorbatrex 15 mg daily.\n3. Colace.");
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[0].0, "Coreg");
        let attribute = |i: usize, k: &str| rows[i].2.iter().find(|a| a.0 == k).map(|a| a.1.as_str());
        assert_eq!(attribute(0, "dose"), Some("6.25 mg"));
        assert_eq!(attribute(0, "route"), Some("p.o."));
        assert_eq!(attribute(0, "frequency"), Some("b.i.d."));
        assert_eq!((rows[1].0.as_str(), attribute(1, "dose")), ("Zorbatrex", Some("15 mg")));
        assert_eq!(rows[2].1, "current");
    }

    #[test]
    fn status_follows_the_words_around_the_name() {
        assert_eq!(rows("HPI: She stopped taking warfarin last week.")[0].1, "stopped");
        assert_eq!(rows("PLAN: Start lisinopril 10 mg daily.")[0].1, "planned");
        assert_eq!(rows("HOSPITAL COURSE: He was given ceftriaxone.")[0].1, "given");
        assert_eq!(rows("DISCHARGE MEDICATIONS: Lasix 40 mg daily.")[0].1, "discharge");
    }

    #[test]
    fn an_allergy_is_no_medication() {
        assert!(rows("HPI: He is allergic to penicillin.").is_empty());
        assert!(rows("ALLERGIES: Sulfa, morphine.").is_empty());
    }
}
