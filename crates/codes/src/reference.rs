//! Codes that a note of the tabular list names: `(E11.-)`, `(I60-I69)`, `(E08-E13 with .44)`, `(T36-T50 with fifth or
//! sixth character 5)`, `as classified in H90.-`.
//!
//! The conventions are those of the ICD-10-CM Official Guidelines, section I.A: a point dash or a dash stands for further
//! characters, a range holds both its ends, and a code that is not complete holds all codes under it.

use std::ops::Range;

use crate::release::{Entry, Note, NoteKind, Release};

/// One code or range that a note names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Without the dot.
    pub first: String,
    /// Last of a range, without the dot.
    pub last: Option<String>,
    /// Further characters that the codes must have.
    pub only: Option<Only>,
    /// Narrowed by words that this reading does not understand ("see categories E08-E10 with ketoacidosis"): it may
    /// cover less than it says.
    pub loose: bool,
    /// Bytes of the note's text that name it.
    pub at: Range<usize>,
}

/// "With fifth character 2", "with .44".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Only {
    /// Characters from `position` (from 1, the dot not counted).
    At { position: usize, any_of: Vec<String> },
    /// The character that tells poisoning, adverse effect and underdosing apart: the sixth, or the fifth of codes that
    /// have no sixth of their own.
    Intent { any_of: Vec<String> },
    /// The last characters, a 7th character that tells the encounter not counted.
    Final { any_of: Vec<String> },
    /// What follows the dot begins with something from `first` to `last`.
    Suffix { first: String, last: String },
}

/// A code without its dot.
pub fn plain(code: &str) -> String {
    code.chars().filter(|c| *c != '.').collect()
}

impl Reference {
    /// Whether the reference names `code` (with or without dot) or something that holds it.
    pub fn covers(&self, code: &str) -> bool {
        let code = plain(code);
        let named = match &self.last {
            None => code.starts_with(&self.first),
            Some(last) => {
                let begin = |len: usize| code.get(..len.min(code.len())).unwrap_or_default();
                begin(self.first.len()) >= self.first.as_str() && begin(last.len()) <= last.as_str()
            }
        };
        named && self.only.as_ref().is_none_or(|only| only.holds(&code))
    }

    /// How the page shows it and links to it: the code with its dot.
    pub fn target(&self) -> String {
        let mut code = self.first.clone();
        if code.len() > 3 {
            code.insert(3, '.');
        }
        code
    }
}

impl Only {
    fn holds(&self, code: &str) -> bool {
        let among = |text: &str, any_of: &[String]| any_of.iter().any(|one| text.starts_with(one.as_str()));
        match self {
            Self::At { position, any_of } => code.get(position - 1..).is_some_and(|rest| among(rest, any_of)),
            Self::Intent { any_of } => {
                code.get(5..6).or_else(|| code.get(4..5)).is_some_and(|c| among(c, any_of))
            }
            Self::Final { any_of } => {
                let own = if code.len() == 7 { &code[..6] } else { code };
                any_of.iter().any(|one| own.len() > 3 && own[3..].ends_with(one.as_str()))
            }
            Self::Suffix { first, last } => code.get(3..).is_some_and(|rest| {
                let begin = |len: usize| rest.get(..len.min(rest.len())).unwrap_or_default();
                begin(first.len()) >= first.as_str() && begin(last.len()) <= last.as_str()
            }),
        }
    }
}

/// A code at `at`: a letter, a digit, a letter or digit, then up to four after a dot. Bytes of the code and of what was
/// read (a dot without anything behind it included).
fn code_at(text: &str, at: usize) -> Option<(String, usize)> {
    let bytes = text.as_bytes();
    let upper = |i: usize| bytes.get(i).is_some_and(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let before = at.checked_sub(1).and_then(|i| bytes.get(i));
    let starts = bytes.get(at)?.is_ascii_uppercase()
        && bytes.get(at + 1)?.is_ascii_digit()
        && upper(at + 2)
        && !before.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'.');
    if !starts {
        return None;
    }
    let mut end = at + 3;
    let mut code = text[at..end].to_owned();
    if bytes.get(end) == Some(&b'.') {
        let mut to = end + 1;
        while to - end <= 4 && upper(to) {
            to += 1;
        }
        code.push_str(&text[end + 1..to]);
        end = to;
    }
    let after = bytes.get(end).copied();
    let lower_follows = after.is_some_and(|b| b.is_ascii_alphanumeric());
    (!lower_follows).then_some((code, end))
}

/// Reads the references of a note's text, whether or not a release holds what they name.
pub fn references(text: &str) -> Vec<Reference> {
    let mut out: Vec<Reference> = Vec::new();
    // References of the open group, to which a "with ..." behind them belongs.
    let mut group = 0;
    let mut at = 0;
    while at < text.len() {
        if !text.is_char_boundary(at) {
            at += 1;
            continue;
        }
        match text.as_bytes()[at] {
            b'(' | b';' => group = out.len(),
            b'w' if out.len() > group && starts_word(text, at, "with") => {
                if let Some((only, end)) = only(text, at + 4) {
                    for reference in &mut out[group..] {
                        reference.only = Some(only.clone());
                    }
                    group = out.len();
                    at = end;
                    continue;
                }
                let behind = out
                    .last()
                    .is_some_and(|last| text[last.at.end..at].trim_matches([' ', ',', '-']).is_empty());
                let clause = text[at..].split([')', ';']).next().unwrap_or_default();
                if behind && !clause.contains("character") {
                    for reference in &mut out[group..] {
                        reference.loose = true;
                    }
                }
            }
            _ => {}
        }
        let Some((first, mut end)) = code_at(text, at) else {
            at += 1;
            continue;
        };
        let (mut last, mut to) = (None, skip(text, end));
        // A dash or "to", and another code: a range. A dash alone: further characters.
        let gap = &text[end..to];
        let joined = gap.contains(['-', '\u{2013}']);
        let word = ["to ", "through "].into_iter().find(|word| text[to..].starts_with(word));
        if let Some(word) = word {
            to += word.len();
        }
        if (joined || word.is_some())
            && let Some((code, after)) = code_at(text, to)
        {
            last = Some(code);
            end = after;
            while text[end..].starts_with(['-', '.', '\u{2013}']) {
                end += text[end..].chars().next().map_or(1, char::len_utf8);
            }
        } else if joined {
            end += gap.trim_end().len();
        }
        out.push(Reference { first, last, only: None, loose: false, at: at..end });
        at = end.max(at + 1);
    }
    out
}

fn starts_word(text: &str, at: usize, word: &str) -> bool {
    let before = text[..at].chars().next_back();
    text[at..].starts_with(word)
        && !before.is_some_and(char::is_alphanumeric)
        && !text[at + word.len()..].starts_with(char::is_alphanumeric)
}

/// Past dashes, dots and blanks.
fn skip(text: &str, from: usize) -> usize {
    let rest = &text[from..];
    from + rest.len() - rest.trim_start_matches(['-', '.', ' ', '\u{2013}']).len()
}

const POSITIONS: [(&str, usize); 10] = [
    ("fourth", 4),
    ("4th", 4),
    ("fifth", 5),
    ("5th", 5),
    ("sixth", 6),
    ("six", 6),
    ("6th", 6),
    ("seventh", 7),
    ("7th", 7),
    ("final", 0),
];

/// 7th characters of open fractures in chapter 19.
const OPEN: [&str; 10] = ["B", "C", "E", "F", "H", "J", "M", "N", "Q", "R"];

/// What stands behind "with", up to the end of the group.
fn only(text: &str, from: usize) -> Option<(Only, usize)> {
    let end = text[from..].find([')', ';']).map_or(text.len(), |i| from + i);
    let words = text[from..end].trim_start();
    let end_of = |only: Only| Some((only, end));
    if let Some(suffix) = words.strip_prefix('.') {
        let (first, last) = suffix.split_once("-.").unwrap_or((suffix, suffix));
        let clean = |part: &str| -> String {
            part.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_uppercase()
        };
        let (first, last) = (clean(first), clean(last));
        return if first.is_empty() { None } else { end_of(Only::Suffix { first, last }) };
    }
    if words.starts_with("open fracture 7th") {
        let any_of = OPEN.iter().map(|c| (*c).to_owned()).collect();
        return end_of(Only::At { position: 7, any_of });
    }
    let at = words.find("character")?;
    let head = &words[..at];
    let mut positions: Vec<usize> = Vec::new();
    for word in head.split(|c: char| !c.is_ascii_alphanumeric()) {
        if let Some((_, position)) = POSITIONS.iter().find(|(name, _)| *name == word) {
            positions.push(*position);
        }
    }
    let rest = words[at + "character".len()..].trim_start_matches('s').trim_start();
    let any_of = values(rest);
    if any_of.is_empty() {
        return None;
    }
    match positions.as_slice() {
        [0] => end_of(Only::Final { any_of }),
        [position] => end_of(Only::At { position: *position, any_of }),
        [first, _] if head.contains(" to ") => end_of(Only::At { position: *first, any_of }),
        [5, 6] => end_of(Only::Intent { any_of }),
        _ => None,
    }
}

/// "1-4 or 6", "B or C", ".6", "-23", "51".
fn values(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        if word == "or" || word == "and" {
            continue;
        }
        let word = word.trim_start_matches(['.', '-']).trim_end_matches(['.', '-']);
        let fits = |part: &str| {
            (1..=3).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        match word.split_once('-') {
            Some((a, b)) if a.len() == 1 && b.len() == 1 && fits(a) && fits(b) => {
                let (a, b) = (a.as_bytes()[0], b.as_bytes()[0]);
                out.extend((a..=b).filter(u8::is_ascii_alphanumeric).map(|c| char::from(c).to_string()));
            }
            _ if fits(word) => out.push(word.to_owned()),
            // Ordinary words follow: the list is over.
            _ => break,
        }
    }
    out
}

/// One side of an exclusion: the note that forbids the other code.
#[derive(Debug, Clone)]
pub struct Exclusion<'a> {
    /// The code at or above which the note is written.
    pub code: Entry<'a>,
    pub note: Note<'a>,
    /// The code that it forbids beside it.
    pub other: Entry<'a>,
}

impl Release {
    /// References of a note's text to codes that this release holds.
    pub fn references(&self, text: &str) -> Vec<Reference> {
        let mut found = references(text);
        found.retain(|reference| {
            let open = |code: &str| self.with_prefix(code).next().is_some();
            open(&reference.first) || reference.last.as_deref().is_some_and(open)
        });
        found
    }

    /// A note of `kind` at or above `code` that names `other`, the nearest first. A note that holds for both, because it
    /// stands above both, tells how the codes under it are told apart and forbids nothing here.
    pub fn named_by<'a>(
        &'a self,
        kind: NoteKind,
        code: Entry<'a>,
        other: Entry<'a>,
    ) -> Option<Exclusion<'a>> {
        code.all_notes()
            .filter(|note| note.kind == kind && !other.is_within(note.entry))
            .find(|note| self.references(note.text).iter().any(|r| !r.loose && r.covers(other.code())))
            .map(|note| Exclusion { code, note, other })
    }

    /// Whether two codes exclude each other by an Excludes1 note of either (Official Guidelines, I.A.12.a).
    pub fn excludes1<'a>(&'a self, a: Entry<'a>, b: Entry<'a>) -> Option<Exclusion<'a>> {
        self.named_by(NoteKind::Excludes1, a, b).or_else(|| self.named_by(NoteKind::Excludes1, b, a))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// First, last, how it is narrowed.
    fn read(text: &str) -> Vec<(String, Option<String>, Option<Only>)> {
        references(text).into_iter().map(|r| (r.first, r.last, r.only)).collect()
    }

    fn one(text: &str) -> Reference {
        let mut found = references(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        found.remove(0)
    }

    #[test]
    fn reads_lists_dashes_and_ranges() {
        let names = |text: &str| -> Vec<String> {
            read(text)
                .into_iter()
                .map(|(first, last, _)| last.map_or(first.clone(), |last| format!("{first}-{last}")))
                .collect()
        };
        assert_eq!(names("influenza (J09.X3, J10.2, J11.2)"), ["J09X3", "J102", "J112"]);
        assert_eq!(names("sequelae (I69.-)"), ["I69"]);
        assert_eq!(names("atherosclerosis (I70.2--I70.7-)"), ["I702-I707"]);
        assert_eq!(names("use (F10.- -F19.-)"), ["F10-F19"]);
        assert_eq!(names("fever (I01.0 -I01.9)"), ["I010-I019"]);
        assert_eq!(names("graft (I25.70-I25.73-, I25.79-)"), ["I2570-I2573", "I2579"]);
        assert_eq!(names("arthritis, if known (M05.00 to M05.8A)"), ["M0500-M058A"]);
        assert_eq!(names("conditions classified to Q67.0-Q67.4"), ["Q670-Q674"]);
        assert_eq!(names("conditions classifiable to S06.0- to S06.8-code to specified"), ["S060-S068"]);
        assert_eq!(names("vertebra (S12.0--S12.6.-)"), ["S120-S126"]);
        assert_eq!(names("see categories E08-E10, E11, E13 with ketoacidosis"), ["E08-E10", "E11", "E13"]);
        assert_eq!(names("peritonitis (O00-O07, O08.0)"), ["O00-O07", "O080"]);
    }

    #[test]
    fn abbreviations_are_no_codes() {
        for text in
            ["G6PD deficiency", "with C3 glomerulonephritis", "vitamin B12a", "T1a tumour", "HLA-B27x", "A1C"]
        {
            assert!(read(text).iter().all(|(first, ..)| first == "A1C"), "{text}: {:?}", read(text));
        }
    }

    #[test]
    fn what_follows_with_narrows_the_group() {
        let covers = |text: &str, code: &str| one(text).covers(code);
        assert!(covers("diabetes mellitus (E08-E13 with .42)", "E11.42"));
        assert!(!covers("diabetes mellitus (E08-E13 with .42)", "E11.9"));
        assert!(covers("skin disorders in diabetes (E08-E13 with .62-)", "E11.621"));
        assert!(covers("angiopathy (E08-E13 with .51-.52)", "E10.52"));
        assert!(!covers("angiopathy (E08-E13 with .51-.52)", "E10.59"));
        assert!(covers("meningitis (B27.- with fifth character 2)", "B27.02"));
        assert!(!covers("meningitis (B27.- with fifth character 2)", "B27.01"));
        assert!(covers("whooping cough (A37 with fifth-character 1)", "A37.01"));
        assert!(covers("concussion (S06.0X- with seventh character A)", "S06.0X1A"));
        assert!(!covers("concussion (S06.0X- with seventh character A)", "S06.0X1D"));
        assert!(covers("stuttering (I69. with final characters -23)", "I69.323"));
        assert!(!covers("stuttering (I69. with final characters -23)", "I69.328"));
        assert!(covers("failure (J96. with 5th character 2)", "J96.02"));
        assert!(covers("underdosing (T36-T50) with fifth or sixth character 6", "T46.5X6A"));
        assert!(!covers("underdosing (T36-T50) with fifth or sixth character 6", "T46.5X5A"));
        assert!(covers("adverse effect (T36-T50 with fifth or sixth character 5)", "T38.3X5D"));
        assert!(covers("poisoning (T36-T65 with fifth or sixth character 1-4 or 6)", "T40.601A"));
        // The fifth character is not the one that tells.
        assert!(!covers("poisoning (T36-T50 with fifth or sixth character 1-4)", "T46.1X5A"));
        assert!(covers("salicylates, if applicable (T39.0-, with sixth character 1-4)", "T39.012A"));
        assert!(covers("specific drug (T36-T50 with final character 6)", "T50.996A"));
        assert!(covers("shoulder (S42.- with 7th character B or C)", "S42.201C"));
        assert!(!covers("shoulder (S42.- with 7th character B or C)", "S42.201A"));
        assert!(covers("toxin (T51-T65 with fifth or sixth character to indicate intent)", "T51.0X1A"));
    }

    #[test]
    fn a_range_holds_both_ends_and_what_is_under_them() {
        let range = one("cerebrovascular diseases (I60-I69)");
        for code in ["I60", "I60.9", "I69.354", "I63.9"] {
            assert!(range.covers(code), "{code}");
        }
        assert!(!range.covers("I70.0") && !range.covers("I5A"));
        assert!(one("x (D46.2-)").covers("D46.21") && !one("x (D46.2-)").covers("D46.1"));
        assert_eq!(one("x (D46.2-)").target(), "D46.2");
    }

    #[test]
    fn what_is_narrowed_by_words_alone_is_loose() {
        let loose = |text: &str| references(text).iter().map(|r| r.loose).collect::<Vec<_>>();
        assert_eq!(loose("see categories E08-E10, E11, E13 with ketoacidosis"), [true, true, true]);
        assert_eq!(loose("migraine with aura (G43.1-)"), [false]);
        assert_eq!(loose("diabetes (E08-E13 with .42)"), [false]);
        assert_eq!(loose("toxin (T51-T65 with fifth or sixth character to indicate intent)"), [false]);
    }

    #[test]
    fn a_reference_knows_its_place() {
        let text = "malignes (é) neoplasm (C43.-, C4A)";
        let places: Vec<&str> = references(text).into_iter().map(|r| &text[r.at]).collect();
        assert_eq!(places, ["C43.-", "C4A"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "[A-Z0-9a-z().,;: é–-]{0,60}", code in "[A-Z][0-9][0-9A-Z]{1,5}") {
            for reference in references(&text) {
                prop_assert!(text.get(reference.at.clone()).is_some());
                let _ = reference.covers(&code);
            }
        }

        #[test]
        fn what_is_named_is_covered(code in "[A-Z][0-9][0-9A-Z]\\.[0-9A-Z]{1,4}") {
            let text = format!("something ({code})");
            let found = references(&text);
            prop_assert_eq!(found.len(), 1);
            prop_assert!(found[0].covers(&code));
            prop_assert_eq!(found[0].target(), code);
        }
    }
}
