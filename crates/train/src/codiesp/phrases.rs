//! Which English words stand for each piece of evidence.

use std::collections::HashMap;
use std::ops::Range;

use overread_codes::Release;
use overread_encoder::{Encode, Result};

use super::lexicon::Lexicon;
use super::sentences::{Bead, align as align_sentences};
use super::words::{Word, idle, words};
use super::{Aligned, Case, known};

/// Words of a phrase, at most.
const LONGEST: usize = 8;
/// Candidates a piece of evidence: by words, and by words shared with the code's terms.
const BY_WORDS: usize = 6;
const BY_TERMS: usize = 3;
/// Terms a code, at most.
const TERMS: usize = 10;
/// Texts embedded at once.
const BATCH: usize = 512;

/// A case report in words.
struct Read {
    source: Vec<Word>,
    target: Vec<Word>,
    beads: Vec<Bead>,
    /// Words of each piece of evidence, as indices of `source`.
    evidence: Vec<Vec<usize>>,
}

/// A phrase that may stand for a piece of evidence.
#[derive(Clone, Debug)]
struct Candidate {
    /// Words of the translation.
    words: Range<usize>,
    /// Index of its text among all that are embedded.
    text: usize,
    lexical: f32,
    meaning: f32,
    score: f32,
}

/// The English words for each piece of evidence of each report, where some were found; in the order of the evidence.
/// Deterministic.
pub fn align(cases: &[Case], encoder: &dyn Encode, release: &Release) -> Result<Vec<Vec<Aligned>>> {
    let terms: HashMap<&str, Vec<&str>> =
        cases.iter().flat_map(|c| &c.evidence).map(|e| (e.code.as_str(), terms(release, &e.code))).collect();
    let mut read: Vec<Read> = cases.iter().map(read).collect();
    let lexicon = learn(&mut read, cases, &terms);

    let mut texts: Vec<String> = Vec::new();
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut candidates: Vec<Vec<Vec<Candidate>>> = Vec::with_capacity(cases.len());
    for (case, read) in cases.iter().zip(&read) {
        candidates.push(propose(case, read, &lexicon, &terms, &mut |text| {
            *numbers.entry(text.to_lowercase()).or_insert_with_key(|key| {
                texts.push(key.clone());
                texts.len() - 1
            })
        }));
    }
    let phrase_vectors = embed(encoder, &texts.iter().map(String::as_str).collect::<Vec<_>>())?;
    let mut codes: Vec<&str> = terms.keys().copied().collect();
    codes.sort_unstable();
    let all: Vec<&str> = codes.iter().flat_map(|c| terms[c].iter().copied()).collect();
    let term_vectors = embed(encoder, &all)?;
    let mut of_code: HashMap<&str, &[Vec<f32>]> = HashMap::new();
    let mut from = 0;
    for code in codes {
        let count = terms[code].len();
        of_code.insert(code, &term_vectors[from..from + count]);
        from += count;
    }
    for (case, list) in cases.iter().zip(&mut candidates) {
        for (evidence, list) in case.evidence.iter().zip(list) {
            for c in list {
                let vector = &phrase_vectors[c.text];
                let near =
                    of_code[evidence.code.as_str()].iter().map(|t| dot(t, vector)).fold(-1.0f32, f32::max);
                c.meaning = near;
                c.score = plain(c.lexical, near);
            }
        }
    }
    // What the same words came out as elsewhere, told by the first pass, decides in the second.
    let first: Vec<Vec<Option<Candidate>>> =
        cases.iter().zip(&read).zip(&candidates).map(|((c, r), list)| assign(c, r, list)).collect();
    let table = Table::new(cases, &read, &first);
    for ((case, read), list) in cases.iter().zip(&read).zip(&mut candidates) {
        for ((evidence, words), list) in case.evidence.iter().zip(&read.evidence).zip(list) {
            let quote = quote(read, words);
            for c in list {
                let support = table.support(&quote, &evidence.code, &phrase(read, &c.words), c.score);
                c.score = (c.score + support).min(1.0);
            }
        }
    }
    let last = cases.iter().zip(&read).zip(&candidates).map(|((c, r), list)| (c, r, assign(c, r, list)));
    Ok(last.map(|(case, read, chosen)| mentions(case, read, chosen)).collect())
}

fn mentions(case: &Case, read: &Read, chosen: Vec<Option<Candidate>>) -> Vec<Aligned> {
    let found = chosen.into_iter().enumerate().filter_map(|(evidence, c)| Some((evidence, c?)));
    found
        .map(|(evidence, c)| Aligned {
            evidence,
            code: case.evidence[evidence].code.clone(),
            range: read.target[c.words.start].range.start..read.target[c.words.end - 1].range.end,
            score: c.score,
            words: c.lexical,
            meaning: c.meaning,
        })
        .collect()
}

/// Score of a phrase by itself: right if its words translate the evidence or if it means what the code means. Below
/// `MEANS` meaning says nothing: part of a phrase is as near to its code as that.
fn plain(lexical: f32, meaning: f32) -> f32 {
    const MEANS: f32 = 0.55;
    let by_words = 0.9 * lexical * lexical;
    let by_meaning = 0.85 * ((meaning - MEANS) / (1.0 - MEANS)).clamp(0.0, 1.0);
    1.0 - (1.0 - by_words) * (1.0 - by_meaning)
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn embed(encoder: &dyn Encode, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
    let mut out = Vec::with_capacity(texts.len());
    for batch in texts.chunks(BATCH) {
        out.extend(encoder.embed(batch)?);
    }
    Ok(out)
}

/// Title and inclusion terms of a code and of what it was split into since.
fn terms<'r>(release: &'r Release, code: &str) -> Vec<&'r str> {
    let Some(entry) = known(release, code) else { return Vec::new() };
    let mut out = vec![entry.title()];
    out.extend(entry.inclusion_terms());
    for near in entry.ancestors().take(1).filter(|e| e.is_code()) {
        out.push(near.title());
    }
    if !entry.billable() {
        out.extend(entry.children().map(overread_codes::Entry::title));
    }
    out.truncate(TERMS);
    out
}

fn read(case: &Case) -> Read {
    let (source, target) = (words(&case.spanish), words(&case.english));
    let evidence = case
        .evidence
        .iter()
        .map(|e| {
            let inside = |w: &Word| e.ranges.iter().any(|r| w.range.start < r.end && r.start < w.range.end);
            source.iter().enumerate().filter(|(_, w)| inside(w)).map(|(i, _)| i).collect()
        })
        .collect();
    Read { source, target, beads: Vec::new(), evidence }
}

/// Two rounds: sentences by letters alone teach words, words find the sentences again.
fn learn(read: &mut [Read], cases: &[Case], terms: &HashMap<&str, Vec<&str>>) -> Lexicon {
    let mut lexicon = Lexicon::default();
    for _ in 0..2 {
        let mut next = Lexicon::default();
        for (read, case) in read.iter_mut().zip(cases) {
            read.beads = align_sentences(&read.source, &read.target, &|a, b| lexicon.translates(a, b));
            for bead in &read.beads {
                next.add(&read.source[bead.source.clone()], &read.target[bead.target.clone()], 1.0, true);
            }
            for (evidence, at) in case.evidence.iter().zip(&read.evidence) {
                let from: Vec<Word> = at.iter().map(|&i| read.source[i].clone()).collect();
                if let Some(title) = terms[evidence.code.as_str()].first() {
                    next.add(&from, &words(title), 0.5, false);
                }
            }
        }
        next.learn();
        lexicon = next;
    }
    lexicon
}

/// Candidates of each piece of evidence, in the order of the evidence.
fn propose(
    case: &Case,
    read: &Read,
    lexicon: &Lexicon,
    terms: &HashMap<&str, Vec<&str>>,
    number: &mut dyn FnMut(&str) -> usize,
) -> Vec<Vec<Candidate>> {
    let links: Vec<Vec<Vec<f32>>> = read
        .beads
        .iter()
        .map(|b| lexicon.links(&read.source[b.source.clone()], &read.target[b.target.clone()]))
        .collect();
    let mut out = Vec::with_capacity(case.evidence.len());
    for (evidence, at) in case.evidence.iter().zip(&read.evidence) {
        // How surely each word of the translation stands for each word of the evidence.
        let mut mass = vec![vec![0.0f32; at.len()]; read.target.len()];
        let mut near: Vec<usize> = Vec::new();
        for (b, bead) in read.beads.iter().enumerate() {
            for (k, &i) in at.iter().enumerate().filter(|(_, i)| bead.source.contains(i)) {
                for (j, target) in bead.target.clone().enumerate() {
                    mass[target][k] = links[b][i - bead.source.start][j];
                }
                near.extend([b.saturating_sub(1), b, b + 1]);
            }
        }
        near.sort_unstable();
        near.dedup();
        // A sentence may have gone to its neighbour; what says the same there counts less.
        for bead in near.iter().filter_map(|&b| read.beads.get(b)) {
            for j in bead.target.clone() {
                let word = &read.target[j];
                for (k, &i) in at.iter().enumerate() {
                    let own = &read.source[i];
                    let away = lexicon
                        .translates(own, word)
                        .max(0.8 * super::words::likeness(&own.common, &word.common));
                    if away > 0.3 {
                        mass[j][k] = mass[j][k].max(0.7 * away);
                    }
                }
            }
        }
        let weights = weights(read, at);
        let sum = |j: usize| mass[j].iter().zip(&weights).map(|(m, w)| m * w.signum()).sum::<f32>().min(1.0);
        let stems: Vec<String> = terms[evidence.code.as_str()]
            .iter()
            .flat_map(|t| words(t))
            .filter(|w| !idle(&w.fold) && w.fold.len() > 3)
            .map(|w| w.stem)
            .collect();
        let shared: Vec<bool> = read.target.iter().map(|w| stems.contains(&w.stem)).collect();
        let mut all: Vec<(Range<usize>, f32, f32)> = Vec::new();
        for bead in near.iter().filter_map(|&b| read.beads.get(b)) {
            let own = at.iter().any(|i| bead.source.contains(i));
            for from in bead.target.clone() {
                if idle(&read.target[from].fold) {
                    continue;
                }
                for to in from + 1..=(from + LONGEST).min(bead.target.end) {
                    if to - 1 > from && !read.target[to - 2].joined {
                        break;
                    }
                    if idle(&read.target[to - 1].fold) {
                        continue;
                    }
                    let words = (from..to).filter(|&j| !idle(&read.target[j].fold)).count().max(1) as f32;
                    let inside: f32 = (from..to).map(sum).sum();
                    let met = (from..to).filter(|&j| shared[j]).count() as f32;
                    let covered = |k: usize| (from..to).map(|j| mass[j][k]).sum::<f32>().min(1.0);
                    let recall: f32 = weights.iter().enumerate().map(|(k, w)| w * covered(k)).sum();
                    let precision = (inside / words).min(1.0);
                    let lexical =
                        if inside > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
                    let lexical = lexical.min(1.0) * if own { 1.0 } else { 0.85 };
                    if lexical > 0.05 || met > 0.0 {
                        all.push((from..to, lexical, met / words));
                    }
                }
            }
        }
        let mut kept: Vec<(Range<usize>, f32)> = Vec::new();
        let place = |a: &Range<usize>, b: &Range<usize>| a.start.cmp(&b.start).then(a.end.cmp(&b.end));
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(place(&a.0, &b.0)));
        kept.extend(all.iter().take(BY_WORDS).map(|a| (a.0.clone(), a.1)));
        all.sort_by(|a, b| (b.2 + b.1).total_cmp(&(a.2 + a.1)).then(place(&a.0, &b.0)));
        for a in all.iter().take(BY_TERMS) {
            if !kept.iter().any(|k| k.0 == a.0) {
                kept.push((a.0.clone(), a.1));
            }
        }
        let candidates = kept.into_iter().map(|(words, lexical)| {
            let bytes = read.target[words.start].range.start..read.target[words.end - 1].range.end;
            Candidate { text: number(&case.english[bytes]), words, lexical, meaning: 0.0, score: 0.0 }
        });
        out.push(candidates.collect());
    }
    out
}

/// One phrase a piece of evidence: the best pairs first. Phrases share words only where their evidence does.
fn assign(case: &Case, read: &Read, candidates: &[Vec<Candidate>]) -> Vec<Option<Candidate>> {
    let mut order: Vec<(usize, &Candidate)> =
        candidates.iter().enumerate().flat_map(|(e, list)| list.iter().map(move |c| (e, c))).collect();
    order.sort_by(|a, b| {
        b.1.score.total_cmp(&a.1.score).then(a.0.cmp(&b.0)).then(a.1.words.start.cmp(&b.1.words.start))
    });
    let mut out: Vec<Option<Candidate>> = vec![None; case.evidence.len()];
    for (e, candidate) in order {
        if out[e].is_some() {
            continue;
        }
        let taken = out.iter().enumerate().any(|(other, chosen)| {
            chosen.as_ref().is_some_and(|c| {
                c.words.start < candidate.words.end
                    && candidate.words.start < c.words.end
                    && !read.evidence[e].iter().any(|i| read.evidence[other].contains(i))
            })
        });
        if !taken {
            out[e] = Some(candidate.clone());
        }
    }
    out
}

/// What each word of the evidence counts: nothing for "de" and the like, double for the first of those that count, which
/// names the thing where the others say what kind and where. They sum to one.
fn weights(read: &Read, at: &[usize]) -> Vec<f32> {
    const IDLE: &str = " de del la el los las un una en con y a al por sin o e se que su sus lo le no ";
    let mut first = true;
    let mut out: Vec<f32> = at
        .iter()
        .map(|&i| {
            if IDLE.contains(&format!(" {} ", read.source[i].fold)) {
                return 0.0;
            }
            let weight = if first { 2.0 } else { 1.0 };
            first = false;
            weight
        })
        .collect();
    let total: f32 = out.iter().sum();
    if total > 0.0 {
        for w in &mut out {
            *w /= total;
        }
    }
    out
}

fn quote(read: &Read, words: &[usize]) -> String {
    words.iter().map(|&i| read.source[i].stem.as_str()).collect::<Vec<_>>().join(" ")
}

fn phrase(read: &Read, words: &Range<usize>) -> String {
    read.target[words.clone()].iter().map(|w| w.stem.as_str()).collect::<Vec<_>>().join(" ")
}

/// How often each Spanish phrase, and each code, came out as each English phrase.
#[derive(Default)]
struct Table {
    quotes: HashMap<String, HashMap<String, f32>>,
    codes: HashMap<String, HashMap<String, f32>>,
}

impl Table {
    fn new(cases: &[Case], read: &[Read], chosen: &[Vec<Option<Candidate>>]) -> Self {
        let mut table = Self::default();
        for ((case, read), chosen) in cases.iter().zip(read).zip(chosen) {
            for ((evidence, words), c) in case.evidence.iter().zip(&read.evidence).zip(chosen) {
                let Some(c) = c.as_ref().filter(|c| c.score > 0.35) else { continue };
                let phrase = phrase(read, &c.words);
                let quotes = table.quotes.entry(quote(read, words)).or_default();
                *quotes.entry(phrase.clone()).or_default() += c.score;
                *table.codes.entry(evidence.code.clone()).or_default().entry(phrase).or_default() += c.score;
            }
        }
        table
    }

    /// What the other occurrences add to a score of `own`.
    fn support(&self, quote: &str, code: &str, phrase: &str, own: f32) -> f32 {
        let share = |counts: Option<&HashMap<String, f32>>| {
            let Some(counts) = counts else { return 0.0 };
            // Its own vote does not count.
            let others = (counts.get(phrase).copied().unwrap_or(0.0) - own).max(0.0);
            let total = (counts.values().sum::<f32>() - own).max(0.0);
            if total > 0.0 { others / (total + 1.0) } else { 0.0 }
        };
        0.25 * share(self.quotes.get(quote)) + 0.1 * share(self.codes.get(code))
    }
}
