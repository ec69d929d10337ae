//! From a query's text to weighted words of the vocabulary, in a few readings where a short form has several senses.

use super::index::Index;
use super::synonyms::{equivalents, senses};
use super::text::{joins, query_words};
use super::{Context, Options};

/// A word of the vocabulary that a query's word may be, and how surely (1: itself).
pub(super) type Choice = (u32, f32);

/// One word of the query.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub choices: Vec<Choice>,
    pub weight: f32,
}

/// One way to read the query.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub slots: Vec<Slot>,
    /// Up to 1; less for readings that assume more.
    pub trust: f32,
}

const MAX_READINGS: usize = 6;
const MAX_WORDS: usize = 24;
const LONGEST_SHORT_FORM: usize = 4;

/// Words that grade or date a condition rather than name it, with the share of their weight that is kept.
const MODIFIERS: &[(&str, f32)] = &[
    ("mild", 0.4),
    ("moderate", 0.4),
    ("severe", 0.5),
    ("severely", 0.3),
    ("significant", 0.15),
    ("chronic", 0.6),
    ("acute", 0.7),
    ("recent", 0.2),
    ("recently", 0.1),
    ("new", 0.15),
    ("onset", 0.2),
    ("probable", 0.05),
    ("probably", 0.05),
    ("possible", 0.05),
    ("possibly", 0.05),
    ("likely", 0.05),
    ("suspected", 0.15),
    ("known", 0.05),
    ("stable", 0.15),
    ("old", 0.4),
    ("prior", 0.15),
    ("previous", 0.3),
    ("current", 0.15),
    ("currently", 0.1),
    ("status", 0.3),
    ("post", 0.2),
    ("status-post", 0.2),
    ("improved", 0.1),
    ("improving", 0.1),
    ("resolved", 0.1),
    ("worsening", 0.2),
    ("persistent", 0.5),
    ("intermittent", 0.4),
    ("some", 0.05),
    ("very", 0.05),
    ("left", 0.3),
    ("right", 0.3),
    ("bilateral", 0.3),
    ("both", 0.3),
    ("mildly", 0.1),
    ("longstanding", 0.1),
    ("long", 0.2),
    ("standing", 0.1),
    ("episode", 0.5),
    ("symptom", 0.4),
    ("syndrome", 0.6),
    ("disease", 0.6),
    ("disorder", 0.6),
    ("condition", 0.3),
    ("problem", 0.3),
    ("issue", 0.1),
    ("finding", 0.3),
    ("lesion", 0.7),
    ("patient", 0.02),
    ("diagnosis", 0.05),
    ("evidence", 0.05),
    ("secondary", 0.35),
    ("related", 0.3),
    ("associated", 0.3),
    ("underlying", 0.1),
    ("poorly", 0.2),
    ("well", 0.05),
    ("controlled", 0.15),
    ("uncontrolled", 0.2),
    ("extensive", 0.2),
    ("small", 0.3),
    ("large", 0.3),
    ("diffuse", 0.5),
    ("multiple", 0.5),
    ("grade", 0.4),
    ("stage", 0.6),
    ("level", 0.3),
    ("x", 0.1),
    ("year", 0.05),
    ("month", 0.05),
    ("day", 0.05),
    ("ago", 0.02),
    ("age", 0.2),
    ("male", 0.2),
    ("female", 0.2),
    ("nos", 0.1),
    ("unspecified", 0.3),
    ("without", 0.1),
    ("type", 0.5),
    ("pending", 0.05),
    ("work", 0.2),
];

/// What the words are about: as the caller says, else as they say themselves.
pub(super) fn context(query: &str, options: &Options) -> Context {
    let words = query_words(query);
    let has = |w: &str| words.iter().any(|x| x == w);
    match options.context {
        Context::Current if has("family") && (has("history") || has("hx")) => Context::FamilyHistory,
        Context::Current if has("history") || has("hx") || has("h") && has("o") => Context::PersonalHistory,
        context => context,
    }
}

pub(super) fn readings(index: &Index, query: &str, options: &Options) -> Vec<Reading> {
    let mut words = query_words(query);
    words.truncate(MAX_WORDS);
    if words.is_empty() {
        return Vec::new();
    }
    let typing = options.typing && query.ends_with(|c: char| c.is_alphanumeric());
    let mut out = Vec::new();
    for (words, trust) in variants(&words) {
        push_reading(index, &words, trust, typing, &mut out);
    }
    let prefix: &[&str] = match context(query, options) {
        Context::Current => return out,
        Context::PersonalHistory => &["personal", "history"],
        Context::FamilyHistory => &["family", "history"],
    };
    words.retain(|w| !["personal", "family", "history", "hx", "h", "o"].contains(&w.as_str()));
    for (words, trust) in variants(&words) {
        let mut with: Vec<String> = prefix.iter().map(|w| (*w).to_owned()).collect();
        with.extend(words);
        push_reading(index, &with, trust, typing, &mut out);
    }
    out
}

fn push_reading(index: &Index, words: &[String], trust: f32, typing: bool, out: &mut Vec<Reading>) {
    let slots = slots(index, words, typing);
    if !slots.is_empty() {
        out.push(Reading { slots, trust });
    }
}

/// Words of the query that belong together, and what they stand for where they are a short form.
struct Piece<'a> {
    raw: &'a [String],
    senses: Option<&'static [Vec<String>]>,
}

impl Piece<'_> {
    fn written(&self, sense: usize) -> Vec<String> {
        match self.senses {
            Some(senses) => senses[sense.min(senses.len() - 1)].clone(),
            None => self.raw.to_vec(),
        }
    }
}

/// The query with its short forms written out: first senses, then as typed, then other senses one at a time.
fn variants(words: &[String]) -> Vec<(Vec<String>, f32)> {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let longest = LONGEST_SHORT_FORM.min(words.len() - at);
        let (len, senses) = (1..=longest)
            .rev()
            .find_map(|n| senses(&words[at..at + n].join(" ")).map(|s| (n, Some(s))))
            .unwrap_or((1, None));
        pieces.push(Piece { raw: &words[at..at + len], senses });
        at += len;
    }
    if pieces.iter().all(|p| p.senses.is_none()) {
        return vec![(words.to_vec(), 1.0)];
    }
    let write = |other: Option<(usize, usize)>| -> Vec<String> {
        let sense = |i| other.map_or(0, |(at, sense)| if at == i { sense } else { 0 });
        pieces.iter().enumerate().flat_map(|(i, p)| p.written(sense(i))).collect()
    };
    let mut out = vec![(write(None), 1.0), (words.to_vec(), 0.97)];
    for (i, piece) in pieces.iter().enumerate() {
        for sense in 1..piece.senses.map_or(0, <[_]>::len) {
            out.push((write(Some((i, sense))), 0.96));
        }
    }
    out.truncate(MAX_READINGS);
    out
}

fn slots(index: &Index, words: &[String], typing: bool) -> Vec<Slot> {
    let mut slots = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        let word = &words[at];
        let is_last = at + 1 == words.len();
        // "gastro esophageal", "hyper lipidemia", "x ray": written apart.
        if let Some(next) = words.get(at + 1) {
            let known = index.vocabulary.id(word).is_some_and(|w| index.frequency(w) > 2);
            if let Some(joined) =
                index.vocabulary.id(&format!("{word}{next}")).filter(|_| joins(word) || !known)
            {
                slots.push(slot(index, word, vec![(joined, 0.98)]));
                at += 2;
                continue;
            }
        }
        let choices = choices(index, word, typing && is_last);
        if choices.is_empty() {
            // "nonischemic", "lowback": written together.
            for part in split(index, word) {
                slots.push(slot(index, "", vec![(part, 0.9)]));
            }
        } else {
            slots.push(slot(index, word, choices));
        }
        at += 1;
    }
    slots
}

fn slot(index: &Index, word: &str, choices: Vec<Choice>) -> Slot {
    let exact = choices.iter().filter(|c| c.1 >= 1.0).map(|c| index.weights[c.0 as usize]).reduce(f32::max);
    let weight = exact.unwrap_or_else(|| {
        choices.iter().map(|c| index.weights[c.0 as usize]).fold(f32::MAX, f32::min).max(2.0)
    });
    let share = MODIFIERS.iter().find(|m| m.0 == word.trim_start_matches('!')).map_or(1.0, |m| m.1);
    let digits = if word.bytes().all(|b| b.is_ascii_digit()) { 0.6 } else { 1.0 };
    let absent = if word.starts_with('!') { 0.3 } else { 1.0 };
    Slot { choices, weight: weight * share * digits * absent }
}

fn choices(index: &Index, word: &str, typing: bool) -> Vec<Choice> {
    let v = &index.vocabulary;
    let mut out: Vec<Choice> = Vec::new();
    let exact = v.id(word);
    if let Some(id) = exact {
        add(&mut out, id, 1.0);
    }
    for other in equivalents(word) {
        if let Some(id) = v.id(other) {
            add(&mut out, id, 0.94);
        }
    }
    for other in related(word) {
        if let Some(id) = v.id(&other) {
            add(&mut out, id, 0.85);
        }
    }
    if typing && word.len() >= 2 && !word.starts_with('!') {
        let mut longer: Vec<u32> = v.with_prefix(word).collect();
        longer.sort_by_key(|&id| std::cmp::Reverse(index.frequency(id)));
        let quality = if exact.is_some() { 0.7 } else { 0.9 };
        for id in longer.into_iter().take(48) {
            add(&mut out, id, quality);
        }
    }
    let rare = exact.is_none_or(|id| index.frequency(id) < 4);
    if rare && word.len() >= 6 && word.is_ascii() && !word.starts_with('!') {
        // Words of one root: at least five letters and all but four.
        let root = &word[..(word.len() - 4).max(5)];
        let mut kin: Vec<u32> =
            v.with_prefix(root).filter(|&id| v.word(id).len() <= word.len() + 4).collect();
        kin.sort_by_key(|&id| std::cmp::Reverse(index.frequency(id)));
        for id in kin.into_iter().take(6) {
            add(&mut out, id, 0.65);
        }
    }
    if (out.is_empty() || out.iter().all(|c| c.1 < 0.7))
        && word.len() >= 4
        && !word.bytes().any(|b| b.is_ascii_digit())
    {
        let limit = if word.len() >= 8 { 2 } else { 1 };
        let mut near = v.like(word, limit, false);
        if near.is_empty() && typing && word.len() >= 5 {
            near = v.like(word, 1, true);
        }
        let first = word.as_bytes()[0];
        near.retain(|&(id, d)| d < 2 || v.word(id).as_bytes()[0] == first);
        near.sort_by_key(|&(id, d)| {
            (d, v.word(id).as_bytes()[0] != first, std::cmp::Reverse(index.frequency(id)))
        });
        let best = near.first().map_or(0, |n| n.1);
        for (id, d) in near.into_iter().filter(|n| n.1 == best).take(6) {
            add(&mut out, id, if d == 1 { 0.85 } else { 0.7 });
        }
    }
    out
}

fn add(choices: &mut Vec<Choice>, id: u32, quality: f32) {
    match choices.iter_mut().find(|c| c.0 == id) {
        Some(known) => known.1 = known.1.max(quality),
        None => choices.push((id, quality)),
    }
}

/// Two known words that were written as one.
fn split(index: &Index, word: &str) -> Vec<u32> {
    if !word.is_ascii() || word.len() < 7 {
        return Vec::new();
    }
    (3..word.len() - 3)
        .filter_map(|at| {
            let (a, b) = word.split_at(at);
            Some((index.vocabulary.id(a)?, index.vocabulary.id(b)?))
        })
        .max_by_key(|&(a, b)| index.frequency(a).min(index.frequency(b)))
        .map_or_else(Vec::new, |(a, b)| vec![a, b])
}

/// Endings of words of one root, both in the vocabulary as often as not.
const ENDINGS: &[(&str, &str)] = &[
    ("otic", "osis"),
    ("oid", "oidism"),
    ("ty", "t"),
    ("itic", "itis"),
    ("emic", "emia"),
    ("emic", "emic"),
    ("ic", "ia"),
    ("ic", "y"),
    ("al", "a"),
    ("ed", ""),
    ("ed", "e"),
    ("ing", ""),
    ("ing", "e"),
    ("ive", "ion"),
    ("ous", "ia"),
    ("ated", "ation"),
    ("ed", "ion"),
    ("ation", "ed"),
    ("ion", "ed"),
    ("ement", "ed"),
    ("ary", "e"),
    ("ant", "ancy"),
    ("ian", "y"),
    ("ally", "al"),
    ("ly", ""),
    ("iac", "ia"),
    ("osis", "otic"),
    ("ia", "ic"),
    ("y", "ic"),
    ("ing", "ed"),
    ("e", "ing"),
    ("ese", "ity"),
    ("ity", "e"),
    ("ness", ""),
    ("en", ""),
    ("ism", "ic"),
    ("um", "al"),
    ("us", "al"),
    ("er", "ing"),
    ("er", "e"),
    ("age", "ic"),
    ("ae", "a"),
    ("i", "us"),
    ("ectomy", "ectomized"),
    ("re", "er"),
];

/// British spellings, adjectives and participles of the same word.
fn related(word: &str) -> Vec<String> {
    let mut out = Vec::new();
    if word.len() < 5 || !word.is_ascii() {
        return out;
    }
    if word.contains("ae") || word.contains("oe") {
        out.push(word.replace("ae", "e").replace("oe", "e"));
    }
    if word.contains("our") {
        out.push(word.replace("our", "or"));
    }
    let swap = |from: &str, to: &str| word.strip_suffix(from).map(|head| format!("{head}{to}"));
    out.extend(ENDINGS.iter().filter_map(|(from, to)| swap(from, to)).filter(|w| w.len() >= 3 && w != word));
    out.push(format!("{word}ed"));
    out.push(format!("{word}ing"));
    out
}
