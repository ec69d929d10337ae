//! Phrases whose codes are known: learned ones, and the terms of the release.

use std::collections::HashMap;

use overread_codes::Release;
use serde::{Deserialize, Serialize};

use super::fold;

/// What was learned of one phrase. Its words are not kept, only a hash of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    pub key: u64,
    /// Reports that have the phrase.
    pub reports: u16,
    /// Codes that it was seen to stand for.
    pub codes: Vec<Seen>,
}

/// A code that a phrase was seen to stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Index in [`Learned::codes`].
    pub code: u16,
    /// Mentions of the phrase that were marked with the code.
    pub marked: u16,
    /// Reports that have the phrase, and the code in their list.
    pub together: u16,
}

/// All learned phrases, and how often each code is given at all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Learned {
    pub reports: u32,
    pub codes: Vec<String>,
    /// Reports that have each code.
    pub given: Vec<u16>,
    /// Sorted by key.
    pub phrases: Vec<Known>,
}

impl Learned {
    pub fn get(&self, key: u64) -> Option<&Known> {
        self.phrases.binary_search_by_key(&key, |k| k.key).ok().map(|at| &self.phrases[at])
    }

    /// Whether it can be searched and every code is there.
    pub fn is_sound(&self) -> bool {
        self.given.len() == self.codes.len()
            && self.phrases.windows(2).all(|w| w[0].key < w[1].key)
            && self.phrases.iter().flat_map(|p| &p.codes).all(|c| usize::from(c.code) < self.codes.len())
    }

    /// Learns from reports: their text, their codes, and phrases marked with a code.
    pub fn from_reports(reports: &[&super::Report]) -> Self {
        let mut out = Self { reports: reports.len() as u32, ..Self::default() };
        let mut numbers: HashMap<&str, u16> = HashMap::new();
        let mut all: Vec<&str> = reports
            .iter()
            .flat_map(|r| r.codes.iter().chain(r.marked.iter().map(|m| &m.1)))
            .map(String::as_str)
            .collect();
        all.sort_unstable();
        all.dedup();
        for code in all {
            numbers.insert(code, out.codes.len() as u16);
            out.codes.push(code.to_owned());
            out.given.push(0);
        }
        let mut marked: HashMap<u64, HashMap<u16, u16>> = HashMap::new();
        for report in reports {
            for code in &report.codes {
                out.given[usize::from(numbers[code.as_str()])] += 1;
            }
            for (range, code) in &report.marked {
                let Some((key, _)) = report.text.get(range.clone()).and_then(fold::key) else { continue };
                *marked.entry(key).or_default().entry(numbers[code.as_str()]).or_default() += 1;
            }
        }
        let mut known: HashMap<u64, (u16, HashMap<u16, u16>)> = HashMap::new();
        for report in reports {
            let mut keys: Vec<u64> = fold::phrases(&report.text)
                .into_iter()
                .map(|p| p.key)
                .filter(|k| marked.contains_key(k))
                .collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let entry = known.entry(key).or_default();
                entry.0 += 1;
                for code in &report.codes {
                    let number = numbers[code.as_str()];
                    if marked[&key].contains_key(&number) {
                        *entry.1.entry(number).or_default() += 1;
                    }
                }
            }
        }
        out.phrases = marked
            .into_iter()
            .map(|(key, codes)| {
                let (count, together) = known.remove(&key).unwrap_or_default();
                let mut codes: Vec<Seen> = codes
                    .into_iter()
                    .map(|(code, marked)| Seen {
                        code,
                        marked,
                        together: together.get(&code).copied().unwrap_or(0),
                    })
                    .collect();
                codes.sort_unstable_by_key(|c| (std::cmp::Reverse(c.marked), c.code));
                codes.truncate(12);
                Known { key, reports: count, codes }
            })
            .collect();
        out.phrases.sort_unstable_by_key(|p| p.key);
        out
    }
}

/// The terms of a release by the name of their words.
#[derive(Debug)]
pub(super) struct Terms {
    /// Name, entry; sorted.
    entries: Vec<(u64, u32)>,
}

impl Terms {
    pub fn new(release: &Release) -> Self {
        let mut entries: Vec<(u64, u32)> = release
            .terms()
            .filter_map(|term| {
                let (key, _) = fold::key(&essential(term.text))?;
                let leaf = release.entry(term.entry)?.default_leaf();
                leaf.billable().then_some((key, leaf.index()))
            })
            .collect();
        entries.sort_unstable();
        entries.dedup();
        Self { entries }
    }

    /// Entries that a phrase names, all billable.
    pub fn get(&self, key: u64) -> &[(u64, u32)] {
        let from = self.entries.partition_point(|e| e.0 < key);
        let to = from + self.entries[from..].partition_point(|e| e.0 == key);
        &self.entries[from..to]
    }
}

/// A term without what is in brackets and what says that nothing more is said.
fn essential(term: &str) -> String {
    let mut out = String::with_capacity(term.len());
    let mut depth = 0;
    for c in term.chars() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    for idle in [
        "not elsewhere classified",
        "unspecified organism",
        "unspecified site",
        "unspecified eye",
        "unspecified ear",
        "unspecified side",
        "without complications",
        "uncomplicated",
        "unspecified",
        " NOS",
        " NEC",
    ] {
        out = out.replace(idle, "");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::Report;
    use super::*;

    #[test]
    fn counts_where_a_phrase_stands_for_a_code() {
        let report = |text: &str, codes: &[&str], marked: &[(&str, &str)]| Report {
            text: text.to_owned(),
            codes: codes.iter().map(|&c| c.to_owned()).collect(),
            marked: marked
                .iter()
                .map(|(words, code)| {
                    let at = text.find(words).unwrap();
                    (at..at + words.len(), (*code).to_owned())
                })
                .collect(),
        };
        let reports = [
            report("He had a dry cough.", &["R05.9"], &[("dry cough", "R05.9")]),
            report("Dry coughs, no fever.", &[], &[]),
        ];
        let learned = Learned::from_reports(&reports.iter().collect::<Vec<_>>());
        assert!(learned.is_sound());
        let known = learned.get(fold::key("dry cough").unwrap().0).unwrap();
        assert_eq!(known.reports, 2);
        assert_eq!(known.codes, [Seen { code: 0, marked: 1, together: 1 }]);
    }

    #[test]
    fn terms_lose_what_says_nothing() {
        assert_eq!(essential("Anemia, unspecified").trim(), "Anemia,");
        assert_eq!(essential("Embolism (of vein) NOS").split_whitespace().collect::<Vec<_>>(), ["Embolism"]);
    }
}
