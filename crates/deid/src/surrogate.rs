//! Others of their kind in the place of identifiers.

use std::fmt::Write as _;
use std::sync::LazyLock;

use overread_domain::clock::{date_of, days_since_1970};
use regex::{Captures, Regex};
use sha2::{Digest, Sha256};

use crate::calendar::{self, MONTHS};
use crate::find::Kind;
use crate::names;

/// What stands for one person's identifiers: the same for the same words in all notes of theirs, another for everybody else. All of
/// their dates move by the same number of days, so that the time between them stays.
#[derive(Clone)]
pub struct Surrogates {
    key: [u8; 32],
    days: i64,
}

impl std::fmt::Debug for Surrogates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Surrogates(..)")
    }
}

/// Dates move by one day to this many.
const MOST_DAYS: u64 = 364;

impl Surrogates {
    /// `secret` is the installation's; `person` names whose notes they are.
    pub fn new(secret: &[u8], person: &str) -> Self {
        let key: [u8; 32] =
            Sha256::new().chain_update(secret).chain_update([0]).chain_update(person).finalize().into();
        let mut surrogates = Self { key, days: 0 };
        let drawn = surrogates.draw("days", "");
        let days = (drawn % MOST_DAYS) as i64 + 1;
        surrogates.days = if drawn >> 63 == 0 { days } else { -days };
        surrogates
    }

    /// By how many days dates move.
    pub fn days(&self) -> i64 {
        self.days
    }

    /// Moves dates the other way.
    #[cfg(test)]
    pub(crate) fn turn(&mut self) {
        self.days = -self.days;
    }

    /// What stands for an identifier.
    pub fn of(&self, kind: Kind, original: &str) -> String {
        match kind {
            Kind::Name | Kind::Place => self.words(original, kind),
            Kind::Date => self.date(original),
            Kind::Age => "90".to_owned(),
            Kind::Phone | Kind::Number => self.characters(original),
            Kind::Address => {
                let words = self.words(original, kind);
                self.digits(&words, original)
            }
            Kind::Contact if original.contains('@') => "someone@example.org".to_owned(),
            Kind::Contact if original.starts_with(|c: char| c.is_ascii_digit()) => "192.0.2.1".to_owned(),
            Kind::Contact => "www.example.org".to_owned(),
        }
    }

    /// The same number for the same words.
    fn draw(&self, purpose: &str, words: &str) -> u64 {
        let hash = Sha256::new()
            .chain_update(self.key)
            .chain_update(purpose)
            .chain_update([0])
            .chain_update(words)
            .finalize();
        u64::from_le_bytes(hash[..8].try_into().expect("a hash has 32 bytes"))
    }

    fn words(&self, original: &str, kind: Kind) -> String {
        static WORD: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"\p{L}[\p{L}'’]*\p{L}|\p{L}").expect("the pattern is one"));
        static STREET: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"^(?:Street|St|Avenue|Ave|Road|Rd|Drive|Lane|Ln|Boulevard|Blvd|Court|Ct|Way|Place|Highway|Hwy|Parkway|Pkwy|Circle|Terrace|Apt|Suite|Ste|Unit|Box|P|O|th|st|nd|rd)$")
                .expect("the pattern is one")
        });
        let replace = |found: &Captures<'_>| {
            let word = &found[0];
            if kind == Kind::Address && STREET.is_match(word) {
                return word.to_owned();
            }
            let (own, genitive) = match ["'s", "’s", "'S", "’S"].iter().find_map(|end| word.strip_suffix(end))
            {
                Some(own) => (own, &word[own.len()..]),
                None => (word, ""),
            };
            format!("{}{genitive}", self.word(own, kind))
        };
        WORD.replace_all(original, replace).into_owned()
    }

    /// A name for a name, in the same case.
    fn word(&self, word: &str, kind: Kind) -> String {
        let lower = word.to_lowercase();
        let drawn = self.draw("name", &lower);
        if word.chars().count() == 1 {
            return self.characters(word);
        }
        let given = kind == Kind::Name && names::is_given(&lower) && !names::is_family(&lower);
        let all = names::stand_ins(given);
        let at = (drawn % all.len() as u64) as usize;
        let chosen = if all[at] == lower { all[(at + 1) % all.len()] } else { all[at] };
        if !word.contains(char::is_lowercase) {
            return chosen.to_uppercase();
        }
        if word.starts_with(char::is_lowercase) {
            return chosen.to_owned();
        }
        let (first, rest) = chosen.split_at(1);
        format!("{}{rest}", first.to_uppercase())
    }

    /// Digits for digits and letters for letters.
    fn characters(&self, original: &str) -> String {
        let mut out = String::with_capacity(original.len());
        for (at, c) in original.chars().enumerate() {
            let drawn = self.draw("character", &format!("{original}\n{at}"));
            out.push(match c {
                // None stays what it was.
                '0'..='9' => {
                    let digit = (u64::from(c as u8 - b'0') + 1 + drawn % 9) % 10;
                    char::from(b'0' + digit as u8)
                }
                'a'..='z' => char::from(b'a' + ((u64::from(c as u8 - b'a') + 1 + drawn % 25) % 26) as u8),
                'A'..='Z' => char::from(b'A' + ((u64::from(c as u8 - b'A') + 1 + drawn % 25) % 26) as u8),
                other => other,
            });
        }
        out
    }

    fn digits(&self, words: &str, original: &str) -> String {
        let mut at = 0;
        words
            .chars()
            .map(|c| {
                at += 1;
                match c {
                    '0'..='9' => {
                        let drawn = self.draw("digit", &format!("{original}\n{at}"));
                        let digit = (u64::from(c as u8 - b'0') + 1 + drawn % 9) % 10;
                        char::from(b'0' + digit as u8)
                    }
                    other => other,
                }
            })
            .collect()
    }

    /// Moved by the person's days and written as it was. A date that there is not (2/30) becomes other digits.
    pub(crate) fn date(&self, original: &str) -> String {
        self.numeric(original).or_else(|| self.named(original)).unwrap_or_else(|| self.characters(original))
    }

    fn moved(&self, year: i64, month: i64, day: i64) -> Option<(i64, i64, i64)> {
        let there = days_since_1970(year, month, day);
        (date_of(there) == (year, month, day)).then(|| date_of(there + self.days))
    }

    /// 3/14/2024, 2024-03-14, 14.03.24, 03/2024, 3/14.
    fn numeric(&self, original: &str) -> Option<String> {
        let separator = original.chars().find(|c| !c.is_ascii_digit())?;
        let parts: Vec<&str> = original.split(separator).collect();
        let numbers: Vec<i64> = parts.iter().map(|part| part.parse().ok()).collect::<Option<_>>()?;
        let width = |value: i64, like: &str| {
            let wide = like.len() == 2 || like.starts_with('0');
            if wide { format!("{value:02}") } else { value.to_string() }
        };
        let out = match (&parts[..], &numbers[..]) {
            (&[a, b, c], &[year, month, day]) if a.len() == 4 => {
                let (year, month, day) = self.moved(year, month, day)?;
                vec![format!("{year:04}"), width(month, b), width(day, c)]
            }
            (&[a, b, c], &[first, second, last]) => {
                let year = if c.len() == 4 { last } else { full_year(last) };
                let month_first = first <= 12;
                let (month, day) = if month_first { (first, second) } else { (second, first) };
                let (year, month, day) = self.moved(year, month, day)?;
                let (one, two) = if month_first { (month, day) } else { (day, month) };
                let year =
                    if c.len() == 4 { format!("{year:04}") } else { format!("{:02}", year.rem_euclid(100)) };
                vec![width(one, a), width(two, b), year]
            }
            (&[a, b], &[month, year]) if b.len() == 4 => {
                let (year, month, _) = self.moved(year, month, 15)?;
                vec![width(month, a), format!("{year:04}")]
            }
            (&[a, b], &[year, month]) if a.len() == 4 => {
                let (year, month, _) = self.moved(year, month, 15)?;
                vec![format!("{year:04}"), width(month, b)]
            }
            (&[a, b], &[month, day]) => {
                let (_, month, day) = self.moved(2001, month, day)?;
                vec![width(month, a), width(day, b)]
            }
            _ => return None,
        };
        Some(out.join(&separator.to_string()))
    }

    /// March 14, 2024; 14th of March; Mar 3 to 5; March 2024; March.
    fn named(&self, original: &str) -> Option<String> {
        static PIECE: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"[A-Za-z]+\.?|\d+").expect("the pattern is one"));
        let pieces: Vec<_> = PIECE.find_iter(original).collect();
        let (at, month) =
            pieces.iter().find_map(|piece| Some((piece.start(), calendar::month(piece.as_str())?)))?;
        let number = |piece: &str| piece.parse::<i64>().ok();
        let year = pieces.iter().find_map(|piece| number(piece.as_str()).filter(|_| piece.len() == 4));
        let days: Vec<i64> =
            pieces.iter().filter_map(|piece| number(piece.as_str()).filter(|_| piece.len() <= 2)).collect();
        // "December 15, 07" and "15-Dec-07": the last of two numbers is a year, unless words say that it is a day.
        let range = original.contains(" to ")
            || original.contains("through")
            || original.contains("and")
            || original.contains('-') && original.starts_with(|c: char| c.is_alphabetic());
        let short_year = (year.is_none() && days.len() == 2 && !range).then(|| days[1]);
        let of_year = year.or(short_year.map(full_year)).unwrap_or(2001);
        let mut out = String::with_capacity(original.len());
        let mut last = 0;
        let mut shifted = self.moved(of_year, month, days.first().copied().unwrap_or(15))?;
        let (first_month, mut seen) = (shifted.1, 0);
        for piece in &pieces {
            out.push_str(&original[last..piece.start()]);
            last = piece.end();
            let word = piece.as_str();
            if piece.start() == at {
                out.push_str(&month_like(first_month, word));
            } else if word.len() == 4 && number(word).is_some() {
                let _ = write!(out, "{:04}", shifted.0);
            } else if let Some(day) = number(word) {
                seen += 1;
                if seen == 2 && short_year.is_some() {
                    let _ = write!(out, "{:02}", shifted.0.rem_euclid(100));
                    continue;
                }
                shifted = self.moved(of_year, month, day)?;
                out.push_str(&shifted.2.to_string());
            } else if matches!(word, "st" | "nd" | "rd" | "th") {
                out.push_str(ordinal(shifted.2));
            } else {
                out.push_str(word);
            }
        }
        out.push_str(&original[last..]);
        Some(out)
    }
}

/// Two digits, by the usual pivot.
fn full_year(short: i64) -> i64 {
    if short <= 49 { 2000 + short } else { 1900 + short }
}

fn month_like(month: i64, word: &str) -> String {
    let name = MONTHS[(month - 1) as usize];
    let letters = word.trim_end_matches('.').len();
    let short =
        letters <= 4 && calendar::month(word).is_some_and(|own| MONTHS[(own - 1) as usize].len() > letters);
    let mut out = if short { name[..3].to_owned() } else { name.to_owned() };
    if !word.contains(char::is_lowercase) {
        out = out.to_uppercase();
    } else if word.starts_with(char::is_lowercase) {
        out = out.to_lowercase();
    }
    if word.ends_with('.') && short {
        out.push('.');
    }
    out
}

fn ordinal(day: i64) -> &'static str {
    match (day % 10, day % 100) {
        (1, n) if n != 11 => "st",
        (2, n) if n != 12 => "nd",
        (3, n) if n != 13 => "rd",
        _ => "th",
    }
}
