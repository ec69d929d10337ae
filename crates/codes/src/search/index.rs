//! The inverted index over a release's terms.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::synonyms;
use super::text::{Role, term_words};
use super::vocabulary::Vocabulary;
use crate::release::{Entry, EntryKind, Release, Term, TermKind};

/// A term as the index knows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doc {
    pub entry: u32,
    pub kind: TermKind,
    /// Which of the entry's inclusion terms.
    ordinal: u32,
    synonym: Option<&'static str>,
    /// Sum of the weights that a query must meet to mean this term in full.
    pub weight: f32,
}

/// One word of one term.
#[derive(Debug, Clone, Copy)]
pub(super) struct Posting {
    pub doc: u32,
    /// Share of the word's weight that counts towards the term's own.
    pub factor: f32,
}

/// Everything that search needs besides the release itself.
#[derive(Debug)]
pub(crate) struct Index {
    pub(super) vocabulary: Vocabulary,
    pub(super) docs: Vec<Doc>,
    postings: Vec<Posting>,
    /// Where each word's postings begin; one more than there are words.
    starts: Vec<u32>,
    pub(super) weights: Vec<f32>,
    /// Words of the meanings of 7th characters, by the base entry's definition.
    pub(super) sevenths: HashMap<String, Vec<u32>>,
    scratch: Mutex<Vec<Scratch>>,
}

/// What one query keeps a term; reused between queries.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cell {
    /// Weight of the query's words that the term has.
    pub met: f32,
    /// Weight of the term's words that the query has.
    pub meant: f32,
    slot_met: f32,
    slot_meant: f32,
    slot: u32,
}

#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub cells: Vec<Cell>,
    pub touched: Vec<u32>,
    slot: u32,
}

impl Scratch {
    /// Begins the next word of the query: of several spellings that meet the same term, the best counts once.
    pub fn next_slot(&mut self) {
        self.slot += 1;
    }

    pub fn add(&mut self, posting: Posting, met: f32, weight: f32) {
        let cell = &mut self.cells[posting.doc as usize];
        if cell.slot == 0 {
            self.touched.push(posting.doc);
        }
        if cell.slot != self.slot {
            (cell.slot, cell.slot_met, cell.slot_meant) = (self.slot, 0.0, 0.0);
        }
        if met > cell.slot_met {
            cell.met += met - cell.slot_met;
            cell.slot_met = met;
        }
        let meant = weight * posting.factor;
        if meant > cell.slot_meant {
            cell.meant += meant - cell.slot_meant;
            cell.slot_meant = meant;
        }
    }

    pub fn clear(&mut self) {
        for doc in self.touched.drain(..) {
            self.cells[doc as usize] = Cell::default();
        }
        self.slot = 0;
    }
}

fn factor(role: Role) -> f32 {
    match role {
        Role::Plain => 1.0,
        Role::Narrowing => 1.7,
        Role::Residual => 0.6,
        Role::Filler => 0.06,
        Role::Absent => 0.08,
        Role::Optional => 0.0,
    }
}

impl Index {
    pub fn build(release: &Release) -> Self {
        let mut ids: HashMap<String, u32> = HashMap::new();
        let mut names: Vec<String> = Vec::new();
        // Word, term, factor.
        let mut raw: Vec<(u32, u32, f32)> = Vec::with_capacity(600_000);
        let mut docs: Vec<Doc> = Vec::with_capacity(80_000);
        let mut id_of = |stem: String| {
            *ids.entry(stem).or_insert_with_key(|stem| {
                names.push(stem.clone());
                names.len() as u32 - 1
            })
        };
        let mut add = |term: &Term<'_>, ordinal: u32, synonym: Option<&'static str>| {
            let doc = docs.len() as u32;
            let first = raw.len();
            for word in term_words(term.text) {
                let (id, factor) = (id_of(word.stem), factor(word.role));
                match raw[first..].iter_mut().find(|r| r.0 == id) {
                    Some(known) => known.2 = known.2.max(factor),
                    None => raw.push((id, doc, factor)),
                }
            }
            docs.push(Doc { entry: term.entry, kind: term.kind, ordinal, synonym, weight: 0.0 });
        };
        // A term's place here is its place in `Release::terms`.
        let mut ordinal = 0;
        for term in release.tabular_terms() {
            add(&term, ordinal, None);
            ordinal = if term.kind == TermKind::Title { 0 } else { ordinal + 1 };
        }
        for (entry, phrase) in synonyms::resolved(release) {
            add(&Term { entry, text: phrase, kind: TermKind::Synonym }, 0, Some(phrase));
        }

        let mut meanings: HashMap<String, Vec<String>> = HashMap::new();
        for entry in release.iter().filter(|e| e.kind() == EntryKind::Extension) {
            let meaning = meaning(entry);
            if !meanings.contains_key(meaning) {
                meanings
                    .insert(meaning.to_owned(), term_words(meaning).into_iter().map(|w| w.stem).collect());
            }
        }
        // Ids in alphabetical order, so that a prefix is a range.
        let vocabulary = Vocabulary::new(names.iter().chain(meanings.values().flatten()).cloned().collect());
        let sevenths = meanings
            .into_iter()
            .map(|(meaning, words)| (meaning, words.iter().filter_map(|w| vocabulary.id(w)).collect()))
            .collect();
        let place: Vec<u32> = names.iter().map(|n| vocabulary.id(n).unwrap_or_default()).collect();
        let mut starts = vec![0u32; vocabulary.len() + 1];
        for r in &mut raw {
            r.0 = place[r.0 as usize];
            starts[r.0 as usize + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let weights: Vec<f32> = starts
            .windows(2)
            // Words of 7th characters only are in no term, and lead to none.
            .map(|w| {
                if w[0] == w[1] { 1.0 } else { (1.0 + docs.len() as f32 / (1.0 + (w[1] - w[0]) as f32)).ln() }
            })
            .collect();
        let mut next = starts.clone();
        let mut postings = vec![Posting { doc: 0, factor: 0.0 }; raw.len()];
        for &(word, doc, factor) in &raw {
            let at = &mut next[word as usize];
            postings[*at as usize] = Posting { doc, factor };
            *at += 1;
            docs[doc as usize].weight += weights[word as usize] * factor;
        }
        Self { vocabulary, docs, postings, starts, weights, sevenths, scratch: Mutex::default() }
    }

    pub(super) fn postings(&self, word: u32) -> &[Posting] {
        &self.postings[self.starts[word as usize] as usize..self.starts[word as usize + 1] as usize]
    }

    /// In how many terms a word occurs.
    pub(super) fn frequency(&self, word: u32) -> usize {
        self.postings(word).len()
    }

    pub(super) fn with_scratch<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let taken = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = taken.unwrap_or_default();
        scratch.cells.resize(self.docs.len(), Cell::default());
        let out = work(&mut scratch);
        scratch.clear();
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        out
    }
}

impl Doc {
    /// The words of the term as they stand in the release.
    pub fn text<'a>(&self, release: &'a Release) -> &'a str {
        let Some(entry) = release.entry(self.entry) else { return "" };
        match self.kind {
            TermKind::Inclusion => entry.inclusion_terms().nth(self.ordinal as usize).unwrap_or_default(),
            TermKind::Synonym => self.synonym.unwrap_or_default(),
            TermKind::Title | TermKind::Code => entry.title(),
        }
    }
}

/// What the 7th character of an extension says: its title after that of the code above.
pub(super) fn meaning(extension: Entry<'_>) -> &str {
    let above = extension.parent().map_or(0, |p| p.title().len());
    extension.title().get(above..).unwrap_or_default().trim_start_matches(", ")
}
