//! The code of a given mention: where in a ranking the right one stands.

use std::collections::{BTreeMap, HashSet};

use super::{Measured, Row, Table};
use crate::corpora::{Document, Mention};
use crate::eval::Options;

/// Ranks at which the right code counts.
const RANKS: [usize; 3] = [1, 3, 8];

/// Asks `ranked` for the codes of every coded mention of `fields`, best first. Codes that `seen` says were in training are
/// told apart from others; so are the fields.
pub fn score<'a>(
    documents: &'a [&'a Document],
    fields: &[&str],
    mut ranked: impl FnMut(&'a Document, &'a Mention) -> Vec<String>,
    seen: impl Fn(&Document, &str) -> bool,
    options: &Options,
) -> Table {
    let mut slices = BTreeMap::<(u8, String), Vec<Vec<Found>>>::new();
    let empty = || vec![Vec::new(); documents.len()];
    slices.insert((0, "all".into()), empty());
    for (at, document) in documents.iter().enumerate() {
        for mention in &document.mentions {
            let Some(code) = mention.code.as_deref().filter(|_| fields.contains(&mention.label.as_str()))
            else {
                continue;
            };
            let codes = ranked(document, mention);
            let found = Found {
                rank: codes.iter().position(|candidate| candidate == code),
                category: codes.first().is_some_and(|c| c.get(..3) == code.get(..3)),
            };
            let known = if seen(document, code) { "code seen in training" } else { "code not seen" };
            let names =
                [(0, "all".to_owned()), (1, known.to_owned()), (2, format!("field {}", mention.label))];
            for name in names {
                slices.entry(name).or_insert_with(empty)[at].push(found);
            }
        }
    }
    let measured = Measured::new(documents.len(), options);
    let rows = slices.into_iter().map(|((_, name), found)| row(&measured, name, &found)).collect();
    Table { title: format!("code of a given mention: {} notes", documents.len()), rows }
}

/// Whether a code stands at a coded mention of another fold's notes, which a model for this fold was trained on.
pub fn seen_in_other_folds(documents: &[&Document]) -> impl Fn(&Document, &str) -> bool + use<> {
    let mut folds = BTreeMap::<Option<u8>, HashSet<String>>::new();
    for document in documents {
        let of = folds.entry(document.fold).or_default();
        of.extend(document.mentions.iter().filter_map(|mention| mention.code.clone()));
    }
    move |document, code| folds.iter().any(|(fold, codes)| *fold != document.fold && codes.contains(code))
}

/// Place of the right code (from 0), and whether the first has its category.
#[derive(Clone, Copy, Debug)]
struct Found {
    rank: Option<usize>,
    category: bool,
}

fn row(measured: &Measured, name: String, found: &[Vec<Found>]) -> Row {
    let share = |of: &dyn Fn(&Found) -> f64| {
        let items: Vec<Vec<f64>> = found.iter().map(|note| note.iter().map(of).collect()).collect();
        measured.mean(&items)
    };
    let hit = |yes: bool| f64::from(u8::from(yes));
    let mut figures: Vec<_> = RANKS
        .into_iter()
        .map(|k| (format!("@{k}"), share(&|found| hit(found.rank.is_some_and(|rank| rank < k)))))
        .collect();
    figures.push(("MRR".into(), share(&|found| found.rank.map_or(0.0, |rank| 1.0 / (rank + 1) as f64))));
    figures.push(("3 characters @1".into(), share(&|found| hit(found.category))));
    Row { name, figures }
}
