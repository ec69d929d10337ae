//! Everything a run learns from, read from a folder of corpora.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use overread_encoder::Tokenizer;

use super::batches::Pool;
use super::example::{Term, Window};
use super::prepare::{Labels, Preparer};
use super::run::Material;
use super::{Recipe, TrainError};
use crate::corpora::augment::{Abbreviations, Augment};
use crate::corpora::leaks::{self, Guard};
use crate::corpora::terms::Pair;
use crate::corpora::{self, Corpus, CorpusError, Document, labels};

/// How terms are written otherwise; casing is nothing to an uncased tokenizer.
const VARIED: Augment = Augment {
    drop_unspecified: 0.4,
    reorder: 0.3,
    abbreviate: 0.3,
    spelling: 0.1,
    plural: 0.1,
    typo: 0.04,
    case: 0.0,
};

/// Windows that are never learned from, a corpus: enough to see the loss turn.
const UNSEEN: usize = 24;

/// One document in so many of a corpus with labels of its own is kept for calibrating them.
const CALIBRATING: u64 = 12;

/// Whether a document is kept for calibration: by its id, so that every stage keeps the same ones.
fn calibrates(document: &Document) -> bool {
    let own = matches!(document.corpus, Corpus::Maccrobat | Corpus::Bc5cdrTrain | Corpus::NcbiDisease);
    let hash = document.id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    own && (hash >> 32).is_multiple_of(CALIBRATING)
}

/// Name of a corpus in a recipe.
pub fn corpus_name(corpus: Corpus) -> &'static str {
    corpus.file_stem()
}

/// Documents of a run that come from elsewhere than a file of `data`, by the name that the recipe knows them by.
pub type More = BTreeMap<String, Vec<Document>>;

/// Reads what `recipe` asks for out of `data`. Nothing of a set kept for measuring is learned from, nor any text that
/// repeats one.
pub fn material(
    recipe: &Recipe,
    data: &Path,
    more: &More,
    terms: &[Pair],
    abbreviations: &Abbreviations,
    tokenizer: &Tokenizer,
) -> Result<(Material, Labels), TrainError> {
    let fold = recipe.without_fold.map(|f| f as u8);
    let mut sources = BTreeMap::new();
    let mut documents: More = BTreeMap::new();
    let (mut held, mut calibration) = (Vec::new(), Vec::new());
    for corpus in Corpus::ALL {
        let name = corpus_name(corpus);
        let read = recipe.epochs.get(name).is_some_and(|e| *e > 0.0) && !more.contains_key(name);
        // What is kept for measuring guards the rest, whether its corpus is read or not.
        let collection = match corpora::load(data, corpus) {
            Ok(collection) => collection,
            Err(CorpusError::Missing { .. }) if !read => continue,
            Err(e) => return Err(e.into()),
        };
        let (aside, own): (Vec<_>, Vec<_>) =
            collection.documents.into_iter().partition(|d| leaks::is_held(d, fold));
        held.extend(aside);
        let (aside, own): (Vec<_>, Vec<_>) = own.into_iter().partition(calibrates);
        calibration.extend(aside);
        if read {
            sources.insert(name.to_owned(), collection.source.sha256.clone());
            documents.insert(name.to_owned(), own);
        }
    }
    for name in recipe.epochs.iter().filter(|e| *e.1 > 0.0).map(|e| e.0) {
        if let Some(own) = more.get(name) {
            documents.insert(name.clone(), own.clone());
        } else if !documents.contains_key(name) {
            return Err(TrainError::Recipe { reason: format!("no corpus is called {name}") });
        }
    }
    let guard = Guard::new(held.iter().chain(&calibration));
    let mut left_out = BTreeMap::new();
    for (name, own) in &mut documents {
        let before = own.len();
        own.retain(|d| guard.admits(d));
        left_out.insert(name.clone(), before - own.len());
    }
    let known = labels::all();
    let annotated: BTreeSet<&String> =
        documents.values().flatten().flat_map(|d| d.annotated.iter()).collect();
    let labels = Labels::new(
        known
            .keys()
            .filter(|name| annotated.contains(name) && !recipe.without_labels.contains(name))
            .cloned(),
    );
    let wordings = labels
        .names()
        .iter()
        .map(|name| {
            known[name]
                .wordings
                .iter()
                .map(|w| Ok(tokenizer.ids(&w.text())?))
                .collect::<Result<Vec<_>, TrainError>>()
        })
        .collect::<Result<Vec<_>, _>>()?;

    let mut codes: HashMap<String, u32> = HashMap::new();
    let mut categories: HashMap<String, u32> = HashMap::new();
    let mut pool = Pool::default();
    for (i, pair) in terms.iter().enumerate() {
        let next = codes.len() as u32;
        let number = *codes.entry(pair.leaf.clone()).or_insert(next);
        let next = categories.len() as u32;
        let category = *categories.entry(pair.leaf.chars().take(3).collect()).or_insert(next);
        let varied = corpora::augment::vary(&pair.text, &VARIED, abbreviations, recipe.seed ^ i as u64);
        let other = (varied != pair.text).then_some(varied.as_str());
        for text in std::iter::once(pair.text.as_str()).chain(other) {
            let mut ids = tokenizer.ids(text)?;
            ids.truncate(62);
            if !ids.is_empty() {
                pool.terms.push(Term { ids, code: number });
                pool.categories.push(category);
            }
        }
    }
    let mut preparer = Preparer::new(tokenizer, &labels, &codes);
    for (name, documents) in &documents {
        let from = pool.windows.len();
        for document in documents {
            pool.windows.extend(preparer.windows(document)?);
        }
        pool.corpora.insert(name.clone(), from..pool.windows.len());
    }
    let mut aside: Vec<Window> = Vec::new();
    let mut counts: HashMap<Corpus, usize> = HashMap::new();
    for document in held.iter().filter(|d| !d.mentions.is_empty()) {
        let count = counts.entry(document.corpus).or_default();
        if *count < UNSEEN {
            let windows = preparer.windows(document)?;
            *count += windows.len();
            aside.extend(windows);
        }
    }
    let material = Material {
        labels: wordings,
        pool,
        unseen: aside,
        calibration,
        left_out,
        sources,
        cls: tokenizer.cls(),
        sep: tokenizer.sep(),
    };
    Ok((material, labels))
}
