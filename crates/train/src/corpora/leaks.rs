//! Text that is in a set for measuring and again, more or less, in a set for training.
//!
//! Two texts share what they have in runs of eight words (letters and digits, case aside). A text of which a good part
//! is in another is the same text, whatever their ids say.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

use super::{Corpus, Document, Split};

/// Words in a run.
const RUN: usize = 8;
/// Share of the shorter text's runs from which on two texts are held to be one.
pub const CONTAINED: f64 = 0.2;
/// Runs that two texts may share by chance: sentences that every operation note has.
const CHANCE: usize = 3;

/// A training text that repeats a text for measuring.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Leak {
    /// File and id of the text for measuring.
    pub held: (&'static str, String),
    /// File and id of the other.
    pub other: (&'static str, String),
    /// Runs that both have.
    pub shared: usize,
    /// The same as a share of the shorter text's runs.
    pub contained: f64,
}

/// Texts kept for measuring: says of any other whether it may be trained on.
#[derive(Debug)]
pub struct Guard {
    held: Vec<(Corpus, String, usize)>,
    /// Texts by each run in them.
    runs: HashMap<u64, Vec<u32>>,
}

impl Guard {
    pub fn new<'a>(held: impl IntoIterator<Item = &'a Document>) -> Self {
        let mut out = Self { held: Vec::new(), runs: HashMap::new() };
        for document in held {
            let runs = runs(&document.text);
            let index = out.held.len() as u32;
            out.held.push((document.corpus, document.id.clone(), runs.len()));
            for run in runs {
                out.runs.entry(run).or_default().push(index);
            }
        }
        out
    }

    /// Every text for measuring that `document` repeats, the most repeated first. A document does not repeat itself.
    pub fn leaks(&self, document: &Document) -> Vec<Leak> {
        let runs = runs(&document.text);
        let mut shared = HashMap::<u32, usize>::new();
        for run in &runs {
            for index in self.runs.get(run).into_iter().flatten() {
                *shared.entry(*index).or_default() += 1;
            }
        }
        let mut out: Vec<Leak> = shared
            .into_iter()
            .filter_map(|(index, shared)| {
                let (corpus, id, all) = &self.held[index as usize];
                let shorter = runs.len().min(*all);
                let contained = shared as f64 / shorter as f64;
                // A text of few runs has to be in the other as a whole.
                let enough = shared > CHANCE || shared == shorter;
                let itself = *corpus == document.corpus && *id == document.id;
                (enough && contained >= CONTAINED && !itself).then(|| Leak {
                    held: (corpus.file_stem(), id.clone()),
                    other: (document.corpus.file_stem(), document.id.clone()),
                    shared,
                    contained,
                })
            })
            .collect();
        out.sort_by(|a, b| b.contained.total_cmp(&a.contained).then(a.held.cmp(&b.held)));
        out
    }

    /// Whether `document` may be trained on: it is none of the texts for measuring and repeats none.
    pub fn admits(&self, document: &Document) -> bool {
        let held = self.held.iter().any(|(c, id, _)| *c == document.corpus && *id == document.id);
        !held && self.leaks(document).is_empty()
    }
}

/// Whether a training run that leaves out `fold` of the notes must not see `document`: parts for measuring, and the
/// fold's notes.
pub fn is_held(document: &Document, fold: Option<u8>) -> bool {
    document.split == Split::Dev || (fold.is_some() && document.fold == fold)
}

/// Hashes of all runs of words; of a shorter text the whole.
fn runs(text: &str) -> HashSet<u64> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words
        .windows(RUN)
        .map(|run| {
            let mut hasher = DefaultHasher::new();
            run.hash(&mut hasher);
            hasher.finish()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn document(corpus: Corpus, id: &str, text: &str) -> Document {
        Document {
            id: id.into(),
            corpus,
            split: Split::Train,
            fold: None,
            text: text.into(),
            mentions: Vec::new(),
            links: Vec::new(),
            annotated: Arc::default(),
            doubtful: Vec::new(),
            note_codes: Vec::new(),
            section: None,
        }
    }

    const STORY: &str = "The retired baker fell down the cellar stairs on Sunday and could not get up again, \
        so that her neighbour called for help and held her hand until the ambulance came at last.";

    #[test]
    fn repeated_text_leaks_whatever_its_case_and_stops() {
        let held = document(Corpus::NotesGold, "a", &format!("HISTORY: {STORY} {STORY}"));
        let guard = Guard::new([&held]);
        let shouted = document(Corpus::MtsDialog, "b", &STORY.to_uppercase().replace(',', " -"));
        let leak = &guard.leaks(&shouted)[0];
        assert_eq!((leak.held.1.as_str(), leak.other.1.as_str()), ("a", "b"));
        assert!((leak.contained - 1.0).abs() < 1e-12);
        assert!(!guard.admits(&shouted) && !guard.admits(&held));
        assert!(guard.leaks(&held).is_empty(), "not of itself");
    }

    #[test]
    fn common_phrase_is_no_leak() {
        let phrase = "the patient was taken to the operating room in stable condition";
        let held = document(Corpus::NotesGold, "a", &format!("{STORY} Then {phrase}."));
        let other =
            format!("A man with a stone. After consent {phrase} and {}", "slept well all night. ".repeat(9));
        assert!(Guard::new([&held]).admits(&document(Corpus::Mtsamples, "b", &other)));
        assert!(Guard::new([&held]).admits(&document(Corpus::Mtsamples, "c", "None.")));
    }

    #[test]
    fn parts_for_measuring_are_held() {
        let mut note = document(Corpus::NotesGold, "a", "x");
        note.fold = Some(3);
        assert!(!is_held(&note, None) && !is_held(&note, Some(2)) && is_held(&note, Some(3)));
        note.split = Split::Dev;
        assert!(is_held(&note, None));
    }
}
