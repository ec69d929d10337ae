//! How well labels of corpora are found as fields of a template, on the documents that no training reads:
//! `labels MODEL DATA CODES LABEL[,LABEL...]`, a label as in `corpora/labels.json` (`maccrobat.medication`).
//!
//! First as a reviewer is shown them, then every row whatever its confidence from the one that gives the best exact F1 on:
//! what the order of the rows could give if confidence were right.
//!
//! With a model trained by a recipe that names the labels in `without_labels`, this is how well a field is filled that the
//! heads never saw; with one that learned them, what learning is worth.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use overread_codes::Release;
use overread_domain::NoteMeta;
use overread_suggest::{NoteInput, Suggest as _, Suggester};
use overread_train::corpora::{self, Corpus, Document, Split};
use overread_train::eval::Options;
use overread_train::prediction::{self, Prediction};
use overread_train::tasks::mentions::{self, Task};

/// Documents of one corpus, at most: a figure of a few hundred is fine enough.
const MOST: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, data, codes, labels] = args.as_slice() else {
        return Err("usage: labels MODEL DATA CODES LABEL[,LABEL...]".into());
    };
    let release = Arc::new(Release::from_bytes(&std::fs::read(codes)?)?);
    let model = Suggester::load(Path::new(model), release, overread_suggest::Options::default())?;
    let mut documents: Vec<Document> = Vec::new();
    for corpus in [Corpus::Maccrobat, Corpus::Bc5cdrDev, Corpus::NcbiDisease] {
        let own = corpora::load(Path::new(data), corpus)?.documents;
        documents.extend(own.into_iter().filter(|d| d.split == Split::Dev).take(MOST));
    }
    for label in labels.split(',') {
        let template = mentions::template(label).ok_or_else(|| format!("no label is called {label}"))?;
        let own: Vec<&Document> = documents.iter().filter(|d| d.annotated.contains(label)).collect();
        let mut said = prediction::ask(&own, |text| {
            model.suggest(&NoteInput { text, meta: &NoteMeta::default() }, &template)
        })
        .map_err(|(id, error)| format!("{id}: {error}"))?;
        let field = label.replace('.', "_");
        let nothing: HashSet<String> = HashSet::new();
        let score = |title: &str, said: &HashMap<String, Prediction>, options: &Options| {
            mentions::score(&Task { title, label, field: &field }, &own, said, &nothing, options)
        };
        println!("{}", score(&format!("{label}, as shown"), &said, &Options::default()).to_text());
        for suggestion in said.values_mut().flat_map(|p| &mut p.suggestions) {
            suggestion.shown = true;
        }
        let f1 = |threshold: f64| {
            let table = score("", &said, &Options { threshold, draws: 0, ..Options::default() });
            table.figure("exact", "F1").map_or(0.0, |figure| figure.value)
        };
        let thresholds = (1..40).map(|n| f64::from(n) / 40.0);
        let best = thresholds.max_by(|a, b| f1(*a).total_cmp(&f1(*b))).unwrap_or(0.5);
        let title = format!("{label}, from confidence {best:.3}");
        println!("{}", score(&title, &said, &Options { threshold: best, ..Options::default() }).to_text());
    }
    Ok(())
}
