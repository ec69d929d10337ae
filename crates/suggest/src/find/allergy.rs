//! Allergies, and the statement that there are none.

use super::{Found, pattern};
use crate::concept::Concept;
use crate::note::{Doc, SectionKind};

pattern! {
    NONE = r"(?i)\b(nkda|nka|nkma|no(?:t)? (?:known |know |medical |medication |drug |medicine |true |food |environmental )*(?:or )?(?:drug |medication |medicine |food )*allerg(?:ies|y)(?: to (?:medications?|medicines?|drugs))?|(?:denies|denied|without|no history of) (?:any )?(?:known |medication |drug |medicine )*allerg(?:ies|y)(?: to (?:medications?|drugs))?)\b";
    BARE_NONE = r"(?i)^[ \t\n]*(none(?: known)?|negative|no known|nil|nka|nkda|unknown to any|no)\b";
    TO = r"(?i)\ballerg(?:ic|y|ies) (?:to|includes?|are)[ \t]*:?[ \t]*([^.;\n]{3,120})";
    REACTION = r"(?i)\b(rash|hives|anaphyla\w+|nausea(?: and vomiting)?|vomiting|itching|pruritus|swelling|angioedema|gi upset|stomach upset|upset stomach|shortness of breath|skin rash|intolerance|hallucinations|headaches?|dizziness|syncope|cough|diarrhea|galactorrhea|edema|bronchospasm|unknown reaction|seizures?)\b";
    SPLIT = r"(?i)(?:,|;|/|\band\b|&|\n)[ \t]*";
    LEAD = r"(?i)^(?:[ \t(]|the patient|patient|she|he|has|have|is|are|to|an?|allergic|allerg(?:y|ies)|known|drug|medication|includ(?:es?|ing)|reports?|states?|possible|possibly|true|questionable|multiple|:|-)+\b[ \t]*";
}

pub(crate) fn find(doc: &Doc<'_>) -> Vec<Found> {
    let mut out: Vec<Found> = Vec::new();
    for section in &doc.sections {
        if section.kind != SectionKind::Allergies {
            continue;
        }
        let body = doc.str(&section.body);
        // What follows the first paragraph seldom belongs to the heading.
        let body = &body[..body
            .trim_start()
            .find("\n\n")
            .map_or(body.len(), |at| at + body.len() - body.trim_start().len())];
        if let Some(hit) = NONE.find(body) {
            out.push(none(section.body.start + hit.start()..section.body.start + hit.end()));
            if !body.to_lowercase().contains("except") {
                continue;
            }
        } else if let Some(hit) = BARE_NONE.captures(body).and_then(|c| c.get(1)) {
            out.push(none(section.body.start + hit.start()..section.body.start + hit.end()));
            continue;
        }
        substances(doc, body, section.body.start, "section", &mut out);
    }
    if out.is_empty()
        && let Some(hit) = NONE.find(doc.text)
    {
        out.push(none(hit.range()));
    }
    for captures in TO.captures_iter(doc.text) {
        let Some(list) = captures.get(1) else { continue };
        let kind = doc.kind_at(list.start());
        if matches!(kind, SectionKind::Allergies | SectionKind::Family) {
            continue;
        }
        let before = doc.before(captures.get(0).map_or(0, |m| m.start()), 14, 0).to_lowercase();
        if before.contains("no ") || before.contains("not ") || before.contains("denies") {
            continue;
        }
        substances(doc, list.as_str(), list.start(), "text", &mut out);
    }
    let mut seen = std::collections::HashSet::new();
    out.retain(|f| seen.insert(doc.str(&f.span).to_lowercase()));
    if out.iter().any(|f| f.value.is_none())
        && out.iter().filter(|f| f.value.is_some()).all(|f| f.rule == "none")
    {
        out.retain(|f| f.value.is_none() || f.rule != "none" || out_is_section(doc, f));
    }
    out
}

fn out_is_section(doc: &Doc<'_>, found: &Found) -> bool {
    doc.kind_at(found.span.start) == SectionKind::Allergies
}

fn none(span: std::ops::Range<usize>) -> Found {
    Found::new(Concept::Allergy, span, "none").value("none known")
}

fn substances(doc: &Doc<'_>, list: &str, offset: usize, rule: &'static str, out: &mut Vec<Found>) {
    let mut cuts: Vec<(usize, usize)> = SPLIT.find_iter(list).map(|m| (m.start(), m.end())).collect();
    cuts.extend(list.match_indices(". ").map(|(at, _)| (at, at + 2)));
    cuts.sort_unstable();
    let mut start = 0;
    for (cut, next) in cuts.into_iter().chain([(list.len(), list.len())]) {
        let part = &list[start.min(cut)..cut];
        let base = offset + start.min(cut);
        start = next;
        let lead = LEAD.find(part).map_or(part.len() - part.trim_start().len(), |m| m.end());
        let rest = &part[lead..];
        let stop = [
            " which",
            " that",
            " with",
            " caus",
            " -",
            "(",
            " give",
            " produc",
            " reaction",
            ":",
            ".",
            " resulting",
            " for",
            " but",
            " as ",
        ]
        .iter()
        .filter_map(|w| rest.to_lowercase().find(w))
        .min()
        .unwrap_or(rest.len());
        let name = rest.get(..stop).unwrap_or(rest).trim();
        let reaction = REACTION.find(rest);
        if name.is_empty()
            || name.split_whitespace().count() > 4
            || name.len() < 2
            || !name.starts_with(char::is_alphabetic)
        {
            continue;
        }
        let Some(at) = rest.find(name) else { continue };
        let span = base + lead + at..base + lead + at + name.len();
        if let Some(hit) = REACTION.find(name).filter(|hit| hit.len() == name.len()) {
            // "penicillin, rash": the second part is what the first does.
            if let Some(last) = out.last_mut().filter(|f| f.value.is_none() && f.attributes.is_empty()) {
                last.attributes.push(("reaction", span.start + hit.start()..span.start + hit.end()));
            }
            continue;
        }
        let lower = name.to_lowercase();
        if ["none", "unknown", "see", "no", "medications", "following", "drugs", "other"]
            .contains(&lower.as_str())
            || lower.starts_with("no ")
        {
            continue;
        }
        let known = super::drugs::is_drug(name)
            || [
                "sulfa",
                "latex",
                "iodine",
                "shellfish",
                "peanut",
                "contrast",
                "dye",
                "bee",
                "mold",
                "pollen",
                "dust",
                "egg",
                "tape",
                "penicillin",
                "cat",
                "dog",
                "grass",
                "milk",
                "soy",
                "ragweed",
            ]
            .iter()
            .any(|w| lower.contains(w));
        let rule =
            if known { if rule == "section" { "section, known" } else { "text, known" } } else { rule };
        if rule == "text" {
            continue;
        }
        let mut found = Found::new(Concept::Allergy, span, rule);
        if let Some(hit) = reaction.filter(|hit| hit.start() >= at + name.len()) {
            found.attributes.push(("reaction", base + lead + hit.start()..base + lead + hit.end()));
        }
        out.push(found);
    }
    let _ = doc;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(String, Option<String>)> {
        let doc = Doc::new(text, 1000);
        find(&doc).into_iter().map(|f| (doc.str(&f.span).to_owned(), f.value)).collect()
    }

    #[test]
    fn knows_the_ways_to_say_none() {
        for text in [
            "ALLERGIES: NKDA.",
            "ALLERGIES: None.",
            "She has no known drug allergies.",
            "ALLERGIES: No known allergies to medications.",
        ] {
            assert_eq!(rows(text)[0].1.as_deref(), Some("none known"), "{text}");
        }
    }

    #[test]
    fn lists_substances_with_their_reactions() {
        let doc = Doc::new("ALLERGIES: Penicillin causes hives, codeine and latex.", 500);
        let found = find(&doc);
        let names: Vec<_> = found.iter().map(|f| doc.str(&f.span)).collect();
        assert_eq!(names, ["Penicillin", "codeine", "latex"]);
        assert_eq!(doc.str(&found[0].attributes[0].1), "hives");
    }

    #[test]
    fn finds_allergies_in_running_text() {
        assert_eq!(rows("HPI: He is allergic to aspirin."), [("aspirin".to_owned(), None)]);
    }
}
