//! From readings of a query to ranked codes.

use std::collections::HashMap;

use super::history;
use super::index::{Index, Scratch, meaning};
use super::laterality::{self, Side};
use super::query::{Reading, context, readings};
use super::{Context, Hit, Options, Patient};
use crate::release::{Entry, EntryKind, Release, TermKind};

/// Share of a full score that a term gets for having every word of the query, however long it is itself.
const BASE: f32 = 0.45;
/// Terms looked at closely, of those that share a word with the query.
const CLOSE: usize = 160;

/// Score and the term that earned it, an entry.
pub(super) type Found = HashMap<u32, (f32, u32)>;

pub(super) fn search(release: &Release, index: &Index, query: &str, options: &Options) -> Vec<Hit> {
    let mut found = Found::new();
    let mut words: Vec<u32> = Vec::new();
    for reading in readings(index, query, options) {
        words.extend(reading.slots.iter().flat_map(|s| &s.choices).filter(|c| c.1 > 0.7).map(|c| c.0));
        index.with_scratch(|scratch| collect(index, &reading, options, scratch, &mut found));
    }
    finish(release, index, query, options, words, found, by_code(release, query, options))
}

/// Ranks codes by terms that something other than words has scored (0 to about 1).
pub(crate) fn rank_terms(
    release: &Release,
    phrase: &str,
    options: &Options,
    terms: impl Iterator<Item = (u32, f32)>,
) -> Vec<Hit> {
    let index = release.index();
    let mut found = Found::new();
    for (term, score) in terms {
        if let Some(doc) = index.docs.get(term as usize) {
            keep(&mut found, doc.entry, score, term);
        }
    }
    let options = Options { typing: false, ..*options };
    let words = readings(index, phrase, &options).into_iter().flat_map(|r| r.slots).flat_map(|s| s.choices);
    let words = words.filter(|c| c.1 > 0.7).map(|c| c.0).collect();
    finish(release, index, phrase, &options, words, found, Vec::new())
}

/// From scored entries to hits: billable codes for what is not, the side meant, likelihood, order, limit. `words` are
/// those of the query, `hits` what comes first anyway.
fn finish(
    release: &Release,
    index: &Index,
    query: &str,
    options: &Options,
    mut words: Vec<u32>,
    mut found: Found,
    mut hits: Vec<Hit>,
) -> Vec<Hit> {
    words.sort_unstable();
    words.dedup();
    project(release, index, &words, &mut found);
    let side = Side::of(query);
    if let Some(side) = side {
        laterality::project(release, side, &mut found);
    }
    let options = &Options { context: context(query, options), ..*options };
    let diagnoses = release.system() == "icd-10-cm";
    if diagnoses {
        history::generic(release, options.context, &mut found);
    }

    let mut ranked: Vec<(f32, u32, u32)> = found
        .into_iter()
        .filter_map(|(entry, (score, doc))| {
            let e = release.entry(entry).filter(|_| options.takes(entry))?;
            (e.billable() || !options.billable_only).then(|| {
                let prior = if diagnoses { prior(e, options) } else { 0.01 * f32::from(e.billable()) };
                (score + prior + laterality::fit(side, e), entry, doc)
            })
        })
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    for (score, entry, doc) in ranked {
        if hits.len() >= options.limit {
            break;
        }
        let Some(e) = release.entry(entry).filter(|_| !hits.iter().any(|h| h.entry == entry)) else {
            continue;
        };
        let doc = &index.docs[doc as usize];
        hits.push(hit(e, score, doc.text(release), doc.kind));
    }
    hits.truncate(options.limit);
    hits
}

fn hit(e: Entry<'_>, score: f32, term: &str, kind: TermKind) -> Hit {
    Hit {
        code: e.code().to_owned(),
        title: e.title().to_owned(),
        billable: e.billable(),
        score,
        matched_term: term.to_owned(),
        matched_kind: kind,
        entry: e.index(),
    }
}

/// Codes that begin as typed: itself first, then in code order.
fn by_code(release: &Release, query: &str, options: &Options) -> Vec<Hit> {
    let query = query.trim();
    let mut chars = query.chars().filter(|c| *c != '.');
    let looks_like_code = if release.system() == "icd-10-cm" {
        chars.next().is_some_and(|c| c.is_ascii_alphabetic())
            && chars.next().is_some_and(|c| c.is_ascii_digit())
            && chars.all(|c| c.is_ascii_alphanumeric())
            && query.len() <= 8
    } else {
        // Letters alone may be a word as well as a code: both are looked for.
        query.len() <= 16 && chars.all(|c| c.is_ascii_alphanumeric())
    };
    if !looks_like_code {
        return Vec::new();
    }
    release
        .with_prefix(query)
        .filter(|e| (e.billable() || !options.billable_only) && options.takes(e.index()))
        .take(options.limit)
        .enumerate()
        .map(|(i, e)| hit(e, 2.0 - i as f32 / 1000.0, e.code(), TermKind::Code))
        .collect()
}

fn collect(index: &Index, reading: &Reading, options: &Options, scratch: &mut Scratch, found: &mut Found) {
    let total: f32 = reading.slots.iter().map(|s| s.weight).sum();
    scratch.clear();
    for slot in &reading.slots {
        scratch.next_slot();
        for &(word, quality) in &slot.choices {
            let weight = index.weights[word as usize] * quality;
            for &posting in index.postings(word) {
                scratch.add(posting, slot.weight * quality, weight);
            }
        }
    }
    let mut scored: Vec<(f32, u32)> = scratch
        .touched
        .iter()
        .filter(|&&doc| options.takes(index.docs[doc as usize].entry))
        .map(|&doc| {
            let cell = &scratch.cells[doc as usize];
            let weight = index.docs[doc as usize].weight;
            let has = (cell.met / total).min(1.0);
            let meant = if weight > 0.0 { (cell.meant / weight).min(1.0) } else { 0.5 };
            (reading.trust * has * (BASE + (1.0 - BASE) * meant), doc)
        })
        .collect();
    if scored.len() > CLOSE {
        scored.select_nth_unstable_by(CLOSE, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        scored.truncate(CLOSE);
    }
    for (score, doc) in scored {
        let d = &index.docs[doc as usize];
        let score = score
            + match d.kind {
                TermKind::Synonym => 0.03,
                TermKind::Title => 0.005,
                TermKind::Inclusion | TermKind::Code => 0.0,
            };
        keep(found, d.entry, score, doc);
    }
}

pub(super) fn keep(found: &mut Found, entry: u32, score: f32, doc: u32) {
    let best = found.entry(entry).or_insert((score, doc));
    if score > best.0 {
        *best = (score, doc);
    }
}

/// Gives what is not billable's score to the billable code that says the same: the 7th character that the words
/// name, else the default.
fn project(release: &Release, index: &Index, words: &[u32], found: &mut Found) {
    let above: Vec<(u32, f32, u32)> =
        found.iter().map(|(&entry, &(score, doc))| (entry, score, doc)).collect();
    for (entry, score, doc) in above {
        let Some(mut e) = release.entry(entry) else { continue };
        if e.kind() == EntryKind::Extension {
            // A synonym's: the words may name another 7th character than it does.
            e = e.parent().unwrap_or(e);
        }
        if e.billable() {
            continue;
        }
        let extends = e.children().next().is_some_and(|c| c.kind() == EntryKind::Extension);
        if !extends {
            keep(found, e.default_leaf().index(), score - 0.01, doc);
        } else if let Some((gain, child)) = said(index, e, words) {
            keep(found, child, score + 0.01 * gain.min(10.0), doc);
        } else {
            keep(found, e.default_leaf().index(), score, doc);
        }
    }
}

/// The extension of `e` whose 7th character the words speak of most, and how much.
fn said(index: &Index, e: Entry<'_>, words: &[u32]) -> Option<(f32, u32)> {
    let weigh = |child: Entry<'_>| {
        let said = index.sevenths.get(meaning(child))?;
        let weight = |w: &u32| index.weights[*w as usize].max(2.0);
        let met: f32 = said.iter().filter(|w| words.binary_search(w).is_ok()).map(weight).sum();
        let all: f32 = said.iter().map(weight).sum();
        (met > 0.0).then(|| (met - 0.1 * (all - met), child.index()))
    };
    e.children()
        .filter_map(weigh)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
        .filter(|b| b.0 > 0.0)
}

/// What is likelier before a word is read: unspecified before specific, billable before not, diseases before external
/// causes, pregnancy, birth and circumstances.
fn prior(e: Entry<'_>, options: &Options) -> f32 {
    let chapter = match (e.code().as_bytes()[0], options.context) {
        (b'V'..=b'Y', _) => -0.14,
        (b'O', _) if options.patient == Patient::Pregnant => 0.12,
        (b'P', _) if options.patient == Patient::Newborn => 0.12,
        (b'O' | b'P', _) => -0.08,
        (b'Z', context) => match (context, e.code().get(1..3).unwrap_or_default()) {
            (Context::PersonalHistory, "85" | "86" | "87")
            | (Context::FamilyHistory, "80" | "81" | "82" | "83" | "84") => 0.1,
            (_, "80" | "81" | "82" | "83" | "84") => -0.1,
            (Context::PersonalHistory, _) => 0.02,
            _ => -0.03,
        },
        (_, Context::FamilyHistory) => -0.35,
        // Old myocardial infarction is the one history code outside chapter 21.
        (_, Context::PersonalHistory) if e.code() != "I25.2" => -0.35,
        (b'Q' | b'T' | b'U', _) => -0.03,
        _ => 0.0,
    };
    let base = e.parent().filter(|p| p.is_code()).is_some_and(|p| p.default_leaf() == e.default_leaf());
    let length = e.code().len() as f32;
    chapter + if base { 0.03 } else { 0.0 } + if e.billable() { 0.01 } else { 0.0 } - 0.002 * length
}
