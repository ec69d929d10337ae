//! The lexicon of drug names.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

use crate::note::Doc;

struct Lexicon {
    /// Name and whether it needs a dose or a list beside it.
    names: HashMap<&'static str, bool>,
    first_words: HashSet<&'static str>,
    suffixes: Vec<(&'static str, usize)>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut names = HashMap::new();
    let mut shy = HashSet::new();
    for line in include_str!("../../data/drugs.txt").lines().filter(|l| !l.starts_with('#')) {
        match line.strip_prefix('~') {
            Some(words) => shy.extend(words.split(',')),
            None => names.extend(line.split(',').map(|name| (name.trim(), false))),
        }
    }
    for (name, needs) in &mut names {
        *needs = shy.contains(name);
    }
    let first_words = names.keys().filter_map(|n| n.split([' ', '/', '-']).next()).collect();
    let suffixes = include_str!("../../data/drug_suffixes.txt")
        .lines()
        .filter(|l| !l.starts_with('#'))
        .filter_map(|l| l.split_once(' '))
        .filter_map(|(suffix, least)| Some((suffix, least.parse().ok()?)))
        .collect();
    Lexicon { names, first_words, suffixes }
});

/// How a name was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// By the lexicon.
    Listed,
    /// By the lexicon, but an everyday word too.
    Shy,
    /// By its ending only.
    Suffix,
    /// By the trained heads only.
    Neural,
}

/// A drug's name: words `first..last` (one past) of the note.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DrugName {
    pub first: usize,
    pub last: usize,
    pub known: Known,
}

/// Endings that belong to the name before them.
const FORMS: &[&str] =
    &["xl", "xr", "sr", "er", "cr", "la", "cd", "hct", "ds", "es", "hfa", "odt", "xt", "pm"];

/// All names of drugs in the note, longest first where they compete. `also` holds spans that are names by other
/// evidence; they give way to names of the lexicon.
pub(crate) fn names(doc: &Doc<'_>, also: &[Range<usize>]) -> Vec<DrugName> {
    let mut out = known(doc);
    for span in also {
        let first = doc.words.partition_point(|w| w.start < span.start);
        let last = doc.words.partition_point(|w| w.end <= span.end);
        if first < last && !out.iter().any(|n| n.first < last && first < n.last) {
            out.push(DrugName { first, last, known: Known::Neural });
        }
    }
    out.sort_by_key(|n| n.first);
    out
}

fn known(doc: &Doc<'_>) -> Vec<DrugName> {
    let lower: Vec<String> = doc.words.iter().map(|w| w.of(doc.text).to_lowercase()).collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < lower.len() {
        let hit = listed(doc, &lower, at).or_else(|| by_suffix(&lower[at]).then_some((1, Known::Suffix)));
        let Some((mut length, known)) = hit else {
            at += 1;
            continue;
        };
        let next = lower.get(at + length).map(String::as_str);
        if next.is_some_and(|w| FORMS.contains(&w)) && adjacent(doc, at + length - 1) {
            length += 1;
        }
        out.push(DrugName { first: at, last: at + length, known });
        at += length;
    }
    out
}

fn adjacent(doc: &Doc<'_>, word: usize) -> bool {
    match (doc.words.get(word), doc.words.get(word + 1)) {
        (Some(a), Some(b)) => b.start - a.end <= 1,
        _ => false,
    }
}

fn listed(doc: &Doc<'_>, lower: &[String], at: usize) -> Option<(usize, Known)> {
    let head = lower[at].split(['-', '/']).next().unwrap_or("");
    if !LEXICON.first_words.contains(head) && !LEXICON.first_words.contains(lower[at].as_str()) {
        return None;
    }
    let start = doc.words[at].start;
    for length in (1..=5usize).rev() {
        let Some(last) = doc.words.get(at + length - 1) else { continue };
        if last.end - start > 60 {
            continue;
        }
        let mut text = doc.text[start..last.end].to_lowercase();
        // "K+" keeps its sign though the sign is no word.
        if length == 1 && doc.text[last.end..].starts_with('+') && text == "k" {
            text.push('+');
        }
        if let Some(&shy) = LEXICON.names.get(text.as_str()) {
            return Some((length, if shy { Known::Shy } else { Known::Listed }));
        }
        if length == 1 {
            let bare = text.trim_end_matches("'s").trim_end_matches('s');
            if bare.len() > 5 && LEXICON.names.get(bare).is_some_and(|shy| !shy) {
                return Some((1, Known::Listed));
            }
        }
    }
    None
}

fn by_suffix(word: &str) -> bool {
    const NOT_DRUGS: &[&str] = &["april", "alcohol", "cortisone", "carbohydrate", "tinnitus", "sternal"];
    word.chars().all(|c| c.is_ascii_lowercase())
        && !NOT_DRUGS.contains(&word)
        && LEXICON.suffixes.iter().any(|(suffix, least)| word.len() >= *least && word.ends_with(suffix))
}

/// Whether `name` is a drug's name by the lexicon or its ending.
pub(crate) fn is_drug(name: &str) -> bool {
    let lower = name.trim().to_lowercase();
    LEXICON.names.contains_key(lower.as_str()) || by_suffix(&lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let doc = Doc::new(text, 1000);
        names(&doc, &[])
            .iter()
            .map(|n| text[doc.words[n.first].start..doc.words[n.last - 1].end].to_owned())
            .collect()
    }

    #[test]
    fn finds_brands_generics_and_new_names_by_their_ending() {
        assert_eq!(found("Toprol XL, folic acid and zorbapril"), ["Toprol XL", "folic acid", "zorbapril"]);
    }

    #[test]
    fn every_name_stands_in_lower_case() {
        assert!(LEXICON.names.keys().all(|n| n.to_lowercase() == **n && n.trim() == *n && !n.is_empty()));
        assert!(LEXICON.names.len() > 900);
    }
}
