//! This project's own tables of everyday language, written from general knowledge of how clinicians and patients
//! speak: no file of anybody's was copied. `data/synonyms.tsv` holds phrases and the code meant; `data/abbreviations.tsv`
//! what short forms stand for; `data/equivalents.txt` words that say the same.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::text::{query_words, stem};
use crate::release::{Release, Term, TermKind};

const SYNONYMS: &str = include_str!("../../data/synonyms.tsv");
const ABBREVIATIONS: &str = include_str!("../../data/abbreviations.tsv");
const EQUIVALENTS: &str = include_str!("../../data/equivalents.txt");

/// Phrase and code, a pair a line and phrase; several phrases of one code are parted by `;`.
fn table() -> &'static [(&'static str, &'static str)] {
    static TABLE: OnceLock<Vec<(&'static str, &'static str)>> = OnceLock::new();
    TABLE.get_or_init(|| {
        rows(SYNONYMS)
            .flat_map(|(code, phrases)| phrases.split(';').map(move |p| (p.trim(), code)))
            .filter(|(phrase, _)| !phrase.is_empty())
            .collect()
    })
}

fn rows(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    text.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once('\t'))
}

/// Entry and phrase of each synonym whose code this release has.
pub(super) fn resolved(release: &Release) -> impl Iterator<Item = (u32, &'static str)> {
    let ours = release.system() == "icd-10-cm";
    table()
        .iter()
        .filter(move |_| ours)
        .filter_map(|(phrase, code)| release.get(code).filter(|e| e.is_code()).map(|e| (e.index(), *phrase)))
}

pub(crate) fn synonym_terms(release: &Release) -> impl Iterator<Item = Term<'_>> {
    resolved(release).map(|(entry, text)| Term { entry, text, kind: TermKind::Synonym })
}

/// What a short form may stand for, likeliest first, each as query words.
pub(super) fn senses(phrase: &str) -> Option<&'static [Vec<String>]> {
    static TABLE: OnceLock<HashMap<String, Vec<Vec<String>>>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let mut table: HashMap<String, Vec<Vec<String>>> = HashMap::new();
        for (short, long) in rows(ABBREVIATIONS) {
            let long: Vec<Vec<String>> = long.split(';').map(query_words).collect();
            for short in short.split(';') {
                table.insert(query_words(short).join(" "), long.clone());
            }
        }
        table
    });
    table.get(phrase).map(Vec::as_slice)
}

/// Stems that say the same as `word`.
pub(super) fn equivalents(word: &str) -> &'static [String] {
    static TABLE: OnceLock<HashMap<String, Vec<String>>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let mut table: HashMap<String, Vec<String>> = HashMap::new();
        for line in EQUIVALENTS.lines().filter(|l| !l.starts_with('#')) {
            let words: Vec<String> = line.split_whitespace().map(stem).collect();
            for word in &words {
                let others = words.iter().filter(|w| *w != word).cloned();
                table.entry(word.clone()).or_default().extend(others);
            }
        }
        table
    });
    table.get(word).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_tables_has_its_two_columns() {
        for text in [SYNONYMS, ABBREVIATIONS] {
            for line in text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
                let columns: Vec<&str> = line.split('\t').collect();
                assert_eq!(columns.len(), 2, "{line:?}");
                assert!(columns.iter().all(|c| !c.trim().is_empty()), "{line:?}");
            }
        }
    }

    #[test]
    fn abbreviations_have_their_senses() {
        assert_eq!(senses("htn").unwrap()[0], ["hypertension"]);
        assert!(senses("hypertension").is_none());
    }
}
