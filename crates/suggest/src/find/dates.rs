//! Dates of the encounter.

use super::{Found, pattern};
use crate::concept::Concept;
use crate::note::Doc;

const DATE: &str = r"((?:\d{4}-\d{1,2}-\d{1,2})|(?:\d{1,2}[/-]\d{1,2}[/-](?:\d{4}|\d{2})\b)|(?:(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4})|(?:\d{1,2}(?:st|nd|rd|th)? (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?,? \d{4}))";

pattern! {
    ADMISSION = &format!(r"(?i)\b(?:date of admission|admission date|date admitted|admit date|admitted(?: to [a-z ]{{0,30}})?(?: on)?|admission)\b[ \t]*(?:/[a-z]+)?(?:[:,]|is|was|on)?[ \t\n]*{DATE}");
    DISCHARGE = &format!(r"(?i)\b(?:date of discharge|discharge date|date discharged|discharged(?: home| to [a-z ]{{0,30}})?(?: on)?|discharge)\b[ \t]*(?:[:,]|is|was|on)?[ \t\n]*{DATE}");
    SERVICE = &format!(r"(?i)\b(?:date of (?:service|visit|procedure|surgery|operation|consultation|exam(?:ination)?|study|evaluation|dictation)|service date|visit date|procedure date|seen (?:today )?on|dos|date|performed on|evaluated on)\b[ \t]*(?:[:,]|is|was|on)?[ \t\n]*{DATE}");
    ANY = &format!(r"(?i)\b{DATE}");
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// ISO 8601 of a complete date as written in the United States; two-digit years up to 39 are of this century.
pub(crate) fn iso(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let parts: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|p| !p.is_empty()).collect();
    let [a, b, c] = parts.as_slice() else { return None };
    let ordinal = |p: &str| p.trim_end_matches(|c: char| c.is_alphabetic()).parse::<u32>().ok();
    let month = |p: &str| MONTHS.iter().position(|m| p.starts_with(m)).map(|i| i as u32 + 1);
    let (year, month, day) = if a.len() == 4 && a.starts_with(|c: char| c.is_ascii_digit()) {
        (a.parse().ok()?, b.parse().ok()?, c.parse().ok()?)
    } else if let Some(month) = month(a) {
        (c.parse().ok()?, month, ordinal(b)?)
    } else if let Some(month) = month(b) {
        (c.parse().ok()?, month, ordinal(a)?)
    } else {
        let year: u32 = c.parse().ok()?;
        let year = match c.len() {
            2 if year < 40 => 2000 + year,
            2 => 1900 + year,
            _ => year,
        };
        (year, a.parse().ok()?, b.parse().ok()?)
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    ((1800..2200).contains(&year) && (1..=days).contains(&day))
        .then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// The dates that carry a label, at most one each.
pub(crate) fn find(doc: &Doc<'_>) -> Vec<Found> {
    let patterns = [
        (Concept::AdmissionDate, &ADMISSION),
        (Concept::DischargeDate, &DISCHARGE),
        (Concept::ServiceDate, &SERVICE),
    ];
    patterns
        .into_iter()
        .filter_map(|(concept, regex)| {
            regex.captures_iter(doc.text).find_map(|captures| {
                let (whole, span) = (captures.get(0)?, captures.get(1)?);
                let before = doc.before(whole.start(), 10, 0).to_lowercase();
                if concept == Concept::ServiceDate
                    && (before.contains("birth")
                        || before.contains("admission")
                        || before.contains("discharge"))
                {
                    return None;
                }
                let value = iso(span.as_str())?;
                Some(Found::new(concept, span.range(), "labelled").value(value))
            })
        })
        .collect()
}

/// Every complete date of the note with its ISO form, for fields that the finders do not know.
pub(crate) fn all(doc: &Doc<'_>) -> Vec<(std::ops::Range<usize>, String)> {
    ANY.captures_iter(doc.text)
        .filter_map(|captures| captures.get(1))
        .filter_map(|span| iso(span.as_str()).map(|value| (span.range(), value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_iso() {
        assert_eq!(iso("3/9/04").as_deref(), Some("2004-03-09"));
        assert_eq!(iso("12-31-1998").as_deref(), Some("1998-12-31"));
        assert_eq!(iso("February 29, 2008").as_deref(), Some("2008-02-29"));
        assert_eq!(iso("4 Oct 2011").as_deref(), Some("2011-10-04"));
        assert_eq!(iso("2026-03-14").as_deref(), Some("2026-03-14"));
    }

    #[test]
    fn impossible_dates_are_refused() {
        assert_eq!(iso("February 30, 2008"), None);
        assert_eq!(iso("13/13/2004"), None);
        assert_eq!(iso("2/2004"), None);
    }

    #[test]
    fn labels_decide_which_date_it_is() {
        let doc = Doc::new(
            "DATE OF ADMISSION: 03/02/2019\nDATE OF DISCHARGE: 03/07/2019\nDate of birth: 01/01/1950",
            500,
        );
        let found = find(&doc);
        let value = |c| found.iter().find(|f| f.concept == c).and_then(|f| f.value.clone());
        assert_eq!(value(Concept::AdmissionDate).as_deref(), Some("2019-03-02"));
        assert_eq!(value(Concept::DischargeDate).as_deref(), Some("2019-03-07"));
        assert_eq!(value(Concept::ServiceDate), None);
    }
}
