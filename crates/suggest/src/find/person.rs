//! Age and sex.

use super::{Found, pattern};
use crate::concept::Concept;
use crate::note::{Doc, SectionKind};

pattern! {
    AGE = r"(?i)\b((\d{1,3})(?:[ -]?(?:and|&)?[ -]?\d{1,2}/\d{1,2})?[ -]*(?:(year|yr|month|mo|week|wk|day)s?[ .-]*(?:old|of age)|(y\.?/?o\.?)(?:[^a-z]|$)|(y/o)))";
    AGE_WORDS = r"(?i)\b((twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|one|two|three|four|five|six|seven|eight|nine)(?:[ -](one|two|three|four|five|six|seven|eight|nine))?[ -](year|month|week|day)s?[ -]old)";
    AGE_LABEL = r"(?i)\b(?:age|aged)\b[ \t]*(?::|of|is|,)?[ \t]*((\d{1,3})(?:[ \t]*(year|yr|month|week|day)s?)?)\b";
    AGE_SEX = r"\b((\d{1,3}))[ -]?(?:M|F|WM|WF|BM|BF|y F|y M)\b";
    NOUN = r"(?i)\b(?:(woman|women|female|lady|girl|mrs|ms|miss|housewife|mother|primigravida|multigravida)|(man|male|gentleman|boy|mr|gentlemen))\b";
    ABBREVIATED = r"\b(?:\d{1,3}[ -]?(?:y/?o|yo|y\.o\.|year[ -]old)?[ -]?)(?:(F|WF|BF|AAF)|(M|WM|BM|AAM))\b|(?i:\b(?:sex|gender)[ \t]*:[ \t]*)(?:(F)|(M))(?:\b)";
    PRONOUN = r"(?i)\b(?:(she|her|hers|herself)|(he|his|him|himself))\b";
}

/// Age, where the note states one.
pub(crate) fn age(doc: &Doc<'_>) -> Option<Found> {
    let mut best: Option<Found> = None;
    for (regex, rule) in [(&AGE, "old"), (&AGE_WORDS, "words"), (&AGE_LABEL, "label"), (&AGE_SEX, "sex")] {
        for captures in regex.captures_iter(doc.text) {
            let Some(span) = captures.get(1) else { continue };
            let quote = span.as_str().trim_end_matches([' ', ',', ';', ':', ')']);
            let range = span.start()..span.start() + quote.len();
            if matches!(doc.kind_at(range.start), SectionKind::Family | SectionKind::Social) {
                continue;
            }
            let before = doc.before(range.start, 28, 0).to_lowercase();
            let past = [
                "at age",
                "at the age",
                "since",
                "when he was",
                "when she was",
                "until",
                "son",
                "daughter",
                "brother",
                "sister",
                "mother",
                "father",
                "husband",
                "wife",
            ];
            if past.iter().any(|word| before.contains(word)) {
                continue;
            }
            let Some(value) = parse_age(quote) else { continue };
            if best.as_ref().is_none_or(|b| b.span.start > range.start && b.rule != "old") {
                best = Some(Found::new(Concept::Age, range, rule).value(value));
            }
            break;
        }
    }
    best
}

const UNITS: [&str; 10] = ["", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const TEENS: [&str; 10] = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

fn spelled(text: &str) -> Option<u32> {
    let mut sum = None;
    for word in text.split([' ', '-']) {
        let value = UNITS
            .iter()
            .position(|&u| u == word && !u.is_empty())
            .or_else(|| TEENS.iter().position(|&t| t == word).map(|i| i + 10))
            .or_else(|| TENS.iter().position(|&t| t == word && !t.is_empty()).map(|i| i * 10));
        match value {
            Some(value) => sum = Some(sum.unwrap_or(0) + value as u32),
            None => break,
        }
    }
    sum
}

/// "65 years", "3 months", "4 days"; years where no unit is written.
pub(crate) fn parse_age(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let digits: String = lower.chars().take_while(char::is_ascii_digit).collect();
    let count: u32 = if digits.is_empty() { spelled(&lower)? } else { digits.parse().ok()? };
    let unit = if lower.contains("month") || lower.ends_with("mo") || lower.contains("mo old") {
        "months"
    } else if lower.contains("week") || lower.contains("wk") {
        "weeks"
    } else if lower.contains("day") {
        "days"
    } else {
        "years"
    };
    (count <= 120 || unit != "years").then(|| format!("{count} {unit}"))
}

/// Sex: the first clear noun, else a pronoun.
pub(crate) fn sex(doc: &Doc<'_>) -> Option<Found> {
    let place = |at: usize| !matches!(doc.kind_at(at), SectionKind::Family);
    for (regex, rule) in [(&NOUN, "noun"), (&ABBREVIATED, "letter"), (&PRONOUN, "pronoun")] {
        let mut nouns = regex.captures_iter(doc.text).filter_map(|captures| {
            let female = captures.get(1).or_else(|| captures.get(3));
            let male = captures.get(2).or_else(|| captures.get(4));
            let span = female.or(male)?;
            let before = doc.before(span.start(), 20, 0).to_lowercase();
            let other = ["his ", "her ", "a friend", "the mother", "no "].iter().any(|w| before.ends_with(w));
            (place(span.start()) && !(other && rule == "noun")).then(|| {
                let value = if female.is_some() { "female" } else { "male" };
                Found::new(Concept::Sex, span.range(), rule).value(value)
            })
        });
        let first = nouns.find(|f| {
            let word = doc.str(&f.span).to_lowercase();
            word != "mother" && word != "miss" || rule != "noun"
        });
        if first.is_some() {
            return first;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age_of(text: &str) -> Option<String> {
        age(&Doc::new(text, 1000))?.value
    }

    #[test]
    fn reads_ages_however_they_are_written() {
        assert_eq!(age_of("This 71-year-old carpenter").as_deref(), Some("71 years"));
        assert_eq!(age_of("34 y/o woman").as_deref(), Some("34 years"));
        assert_eq!(age_of("An eighty-two-year-old man").as_deref(), Some("82 years"));
        assert_eq!(age_of("the infant is 5 weeks old").as_deref(), Some("5 weeks"));
        assert_eq!(age_of("AGE: 52").as_deref(), Some("52 years"));
        assert_eq!(age_of("45yo male").as_deref(), Some("45 years"));
    }

    #[test]
    fn an_age_in_the_past_or_of_a_relative_is_not_the_patients() {
        assert_eq!(age_of("diagnosed at age 12"), None);
        assert_eq!(age_of("FAMILY HISTORY: father died, 71-year-old"), None);
    }

    #[test]
    fn a_noun_goes_before_a_pronoun() {
        let text = "Seen with his neighbour. The patient is a pleasant lady.";
        let doc = Doc::new(text, 1000);
        let found = sex(&doc).unwrap();
        assert_eq!((found.value.as_deref(), doc.str(&found.span)), (Some("female"), "lady"));
        assert_eq!(sex(&Doc::new("She walks.", 100)).unwrap().value.as_deref(), Some("female"));
        assert!(sex(&Doc::new("Afebrile.", 100)).is_none());
    }
}
