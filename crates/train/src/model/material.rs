//! Everything a run learns from, read from a folder of corpora.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use overread_codes::Release;
use overread_encoder::Tokenizer;

use super::batches::Pool;
use super::example::{Term, Window};
use super::prepare::{Labels, Preparer};
use super::run::Material;
use super::{Recipe, TrainError};
use crate::corpora::{self, Corpus, Document, Split, labels};

/// Windows that are never learned from, a corpus: enough to see the loss turn.
const UNSEEN: usize = 24;

/// Name of a corpus in a recipe.
pub fn corpus_name(corpus: Corpus) -> &'static str {
    corpus.file_stem()
}

/// Reads what `recipe` asks for out of `data`; `more` are documents from elsewhere, by the corpus name that the recipe
/// knows them by.
pub fn material(
    recipe: &Recipe,
    data: &Path,
    more: &BTreeMap<String, Vec<Document>>,
    terms: &[(String, String)],
    tokenizer: &Tokenizer,
) -> Result<(Material, Labels), TrainError> {
    let mut sources = BTreeMap::new();
    let mut documents: BTreeMap<String, Vec<Document>> = BTreeMap::new();
    let mut unseen = Vec::new();
    for (name, _) in recipe.epochs.iter().filter(|e| *e.1 > 0.0) {
        if let Some(own) = more.get(name) {
            documents.insert(name.clone(), own.clone());
            continue;
        }
        let Some(corpus) = Corpus::ALL.into_iter().find(|c| corpus_name(*c) == name) else {
            let reason = format!("no corpus is called {name}");
            return Err(TrainError::Recipe { reason });
        };
        let collection = corpora::load(data, corpus)?;
        sources.insert(name.clone(), collection.source.sha256.clone());
        let (mut own, mut aside) = (Vec::new(), Vec::new());
        for document in collection.documents {
            let left_out = document.split == Split::Dev
                || document.fold.is_some_and(|f| Some(usize::from(f)) == recipe.without_fold);
            if left_out { aside.push(document) } else { own.push(document) }
        }
        documents.insert(name.clone(), own);
        unseen.extend(aside);
    }
    let known = labels::all();
    let annotated: BTreeSet<&String> = documents.values().flatten().flat_map(|d| d.annotated.iter()).collect();
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
    for (text, code) in terms {
        let next = codes.len() as u32;
        let number = *codes.entry(code.clone()).or_insert(next);
        let next = categories.len() as u32;
        let category = *categories.entry(code.chars().take(3).collect()).or_insert(next);
        let mut ids = tokenizer.ids(text)?;
        ids.truncate(62);
        if !ids.is_empty() {
            pool.terms.push(Term { ids, code: number });
            pool.categories.push(category);
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
    for document in &unseen {
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
        sources,
        cls: tokenizer.cls(),
        sep: tokenizer.sep(),
    };
    Ok((material, labels))
}

/// Terms of a release: every title and inclusion term with its code.
pub fn release_terms(release: &Release) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for term in release.terms() {
        if let Some(entry) = release.entry(term.entry).filter(|e| e.is_code()) {
            out.push((term.text.to_owned(), entry.code().to_owned()));
        }
    }
    out
}
