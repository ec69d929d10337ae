//! Laboratory results: a test's name and its figure.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::{Found, pattern};
use crate::concept::Concept;
use crate::note::{Doc, SectionKind, Word};

struct Names {
    all: HashSet<&'static str>,
    /// Names that are everyday words too.
    shy: HashSet<&'static str>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let mut names = Names { all: HashSet::new(), shy: HashSet::new() };
    for line in include_str!("../../data/labs.txt").lines().filter(|l| !l.starts_with('#')) {
        match line.strip_prefix('!') {
            Some(shy) => names.shy.extend(shy.split(',')),
            None => names.all.extend(line.split(',')),
        }
    }
    names
});

pattern! {
    FIGURE = r"(?i)^((?:(?:less than|greater than|<|>)[ \t]?)?\d+(?:[.,]\d+)*(?:[ \t]?(?:-|to)[ \t]?\d+(?:\.\d+)?|(?:/\d+(?:\.\d+)?)+|\+)?(?:[ \t]?%)?)(?:[ \t]?((?:mg|g|mcg|ug|ng|pg|meq|mmol|miu|iu|u|units?|ml|mm)[ \t]?(?:/|per |percent|%)?[ \t]?(?:dl|l|ml|hr|hour|gram|mm|deciliter|liter)?|sec(?:onds?)?|fl|per ml|per high power field|mm/hr)\b)?";
    GAP = r"(?i)^(?:[ \t]*(?:levels?|count|value|result|serum|ratio|percent|peak(?:ed)?|today|yesterday|on admission|most recent|which|at|is|was|were|of|to|has been|had been|came back(?: at)?|returned(?: at)?|down to|up to|elevated(?: at)?|low(?: at)?|high(?: at)?|decreased(?: to)?|increased(?: to)?|slightly|mildly|normal(?: at)?|stable(?: at)?|around|about|approximately|now|and|also|then|with|a|the|show(?:s|ed)?|reveal(?:s|ed)|measured|found|noted|remained|remains|been|initially|again|only|within normal limits(?: at)?)\b|[ \t]*[:=,\-–(\t ]|\n)*[ \t]*";
}

/// Words after which a figure is a date, a count of days or a dose, not a result.
const NOT_RESULT: &[&str] = &[
    "mg", "tablet", "tablets", "pills", "days", "day", "weeks", "week", "hours", "months", "years", "year",
    "times", "units", "unit", "mcg", "p.o", "meq", "minutes", "cc", "puffs", "q", "x",
];

/// At most so many results a note are worth a reviewer's time.
const MOST: usize = 40;

pub(crate) fn find(doc: &Doc<'_>) -> Vec<Found> {
    let mut out: Vec<Found> = Vec::new();
    let mut index = 0;
    while index < doc.words.len() && out.len() < MOST {
        let Some((length, shy)) = name_at(doc, index) else {
            index += 1;
            continue;
        };
        let (first, last) = (doc.words[index], doc.words[index + length - 1]);
        index += length;
        if let Some(found) = result(doc, first, last, shy, &out) {
            out.push(found);
        }
    }
    out
}

/// Words of the longest test name that begins at word `index`, and whether it is an everyday word too.
fn name_at(doc: &Doc<'_>, index: usize) -> Option<(usize, bool)> {
    let start = doc.words[index].start;
    for length in (1..=4).rev() {
        let Some(last) = doc.words.get(index + length - 1) else { continue };
        if last.end - start > 60 {
            continue;
        }
        let raw = &doc.text[start..last.end];
        let name = raw.to_lowercase().replace(['\n', '\t'], " ");
        if NAMES.all.contains(name.as_str()) {
            let shout = raw.len() > 2 && raw.chars().all(|c| c.is_uppercase() || c.is_ascii_digit());
            return Some((length, NAMES.shy.contains(name.as_str()) && !shout || raw.len() <= 2));
        }
    }
    None
}

fn result(doc: &Doc<'_>, first: Word, last: Word, shy: bool, before: &[Found]) -> Option<Found> {
    let segment = doc.segment_at(first.start)?;
    let kind = doc.kind_at(first.start);
    if matches!(
        kind,
        SectionKind::Medications
            | SectionKind::DischargeMedications
            | SectionKind::Allergies
            | SectionKind::Family
    ) {
        return None;
    }
    let near = before.last().is_some_and(|f| first.start.saturating_sub(f.span.end) < 40);
    let at_home = matches!(kind, SectionKind::Labs | SectionKind::Studies);
    if shy && !near && !at_home {
        return None;
    }
    let ceiling = segment.range.end.max(last.end);
    let rest = doc.after(last.end, 90, ceiling);
    let gap = GAP.find(rest)?.end();
    // A name between commas ("sodium, potassium 4.1") has no figure of its own.
    if rest[..gap].contains(',') && rest[..gap].trim().len() > 1 && !rest[..gap].trim_start().starts_with(',')
    {
        return None;
    }
    let captures = FIGURE.captures(&rest[gap..])?;
    let figure = captures.get(1)?;
    let mut quote = figure.as_str().trim_end_matches(['.', ',', ' ']);
    let digits_only = quote.chars().filter(char::is_ascii_digit).count();
    if digits_only == 0 || digits_only > 12 {
        return None;
    }
    let start = last.end + gap + figure.start();
    if quote.contains('/') && crate::find::dates::iso(quote).is_some() {
        return None;
    }
    quote = quote.trim_end();
    let end = start + quote.len();
    let unit = captures.get(2);
    let following = doc
        .after(unit.map_or(end, |u| last.end + gap + u.end()), 14, doc.text.len())
        .trim_start()
        .to_lowercase();
    let word = following.split(|c: char| c.is_whitespace() || c == ',' || c == '.').next().unwrap_or("");
    if NOT_RESULT.contains(&word)
        || unit.is_none() && doc.text[end..].starts_with(|c: char| c.is_alphabetic())
    {
        return None;
    }
    // An amount without "per" is a dose, unless the laboratory section says otherwise.
    let amount = unit.is_some_and(|u| {
        ["mg", "mcg", "g", "meq", "ml", "unit", "units", "u", "iu"]
            .contains(&u.as_str().trim().to_lowercase().as_str())
    });
    if amount && !at_home {
        return None;
    }
    let rule = if at_home {
        "section"
    } else if near {
        "near"
    } else {
        "elsewhere"
    };
    let mut found = Found::new(Concept::LabResult, start..end, rule).value(normal(quote));
    found.attributes.push(("name", first.start..last.end));
    if let Some(unit) = unit {
        let from = last.end + gap + unit.start();
        found.attributes.push(("unit", from..from + unit.as_str().trim_end().len()));
    }
    Some(found)
}

/// The figure without thousands separators, percent sign or words.
pub(crate) fn normal(quote: &str) -> String {
    let lower = quote.to_lowercase();
    let bound = if lower.contains("less") || lower.contains('<') {
        "<"
    } else if lower.contains("greater") || lower.contains('>') {
        ">"
    } else {
        ""
    };
    let figure: String = lower.trim_start_matches(|c: char| !c.is_ascii_digit()).to_owned();
    let mut out = String::with_capacity(figure.len() + 1);
    out.push_str(bound);
    let chars: Vec<char> = figure.chars().collect();
    for (i, &c) in chars.iter().enumerate() {
        let thousands = c == ','
            && chars[i + 1..].len() >= 3
            && chars[i + 1..i + 4].iter().all(char::is_ascii_digit)
            && !chars.get(i + 4).is_some_and(char::is_ascii_digit);
        if !thousands && c != '%' || c == '%' && figure.contains('/') {
            out.push(c);
        }
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(text: &str) -> Vec<(String, String)> {
        let doc = Doc::new(text, 5000);
        find(&doc)
            .into_iter()
            .map(|f| (doc.str(&f.attributes[0].1).to_owned(), f.value.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn pairs_names_with_figures() {
        let text = "LABORATORY DATA: White count 11.4, hemoglobin 9.8, platelets 212,000. Sodium was 139, potassium 4.4, BUN 22.";
        let expected = [
            ("White count", "11.4"),
            ("hemoglobin", "9.8"),
            ("platelets", "212000"),
            ("Sodium", "139"),
            ("potassium", "4.4"),
            ("BUN", "22"),
        ];
        let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(results(text), expected);
    }

    #[test]
    fn units_and_bounds_are_read() {
        assert_eq!(normal("less than 0.04"), "<0.04");
        assert_eq!(normal("31.8%"), "31.8");
        let doc = Doc::new("LABS: creatinine 1.4 mg/dL", 100);
        let found = find(&doc);
        assert_eq!(doc.str(&found[0].attributes[1].1), "mg/dL");
    }

    #[test]
    fn doses_are_no_results() {
        assert!(results("PLAN: potassium 20 mEq daily and calcium 500 mg.").is_empty());
    }
}
