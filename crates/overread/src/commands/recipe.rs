//! `overread train --from MODEL --recipe FILE --data FOLDER`: encoder and heads learn from corpora.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use overread_encoder::{Encoder, ModelFolder};
use overread_suggest::Suggester;
use overread_train::codiesp;
use overread_train::corpora::augment::Abbreviations;
use overread_train::corpora::terms::Terms;
use overread_train::corpora::{self, Corpus};
use overread_train::model::material::material;
use overread_train::model::run::{CurvePoint, Run};
use overread_train::model::{self, Recipe, TrainError};

use crate::Exit;
use crate::cli::Train;
use crate::parts;
use crate::settings::Settings;

/// Name of the case reports, whose English words for each code are found by alignment.
const CODIESP: &str = "codiesp_train";

pub fn run(settings: &Settings, command: &Train, recipe: &Path) -> Result<()> {
    let data = command.data.as_deref().context("--data is needed")?;
    let text = std::fs::read_to_string(recipe).with_context(|| recipe.display().to_string())?;
    let bad = |e: TrainError| Exit::BadInput(format!("{}: {e}", recipe.display()));
    let mut recipe = Recipe::from_toml(&text).map_err(bad)?;
    recipe.without_fold = command.without_fold.map(usize::from).or(recipe.without_fold);
    let release = parts::release(settings)?;

    let mut more = BTreeMap::new();
    let mut sources = BTreeMap::new();
    for (name, file) in &command.notes {
        let mut notes = corpora::read_notes(file).map_err(|e| Exit::BadInput(e.to_string()))?;
        // Folds are of the notes that a model is scored on; these are others.
        for note in &mut notes.documents {
            note.fold = None;
        }
        sources.insert(name.clone(), notes.source.sha256);
        more.insert(name.clone(), notes.documents);
    }
    if recipe.epochs.get(CODIESP).is_some_and(|epochs| *epochs > 0.0) {
        eprintln!("finds the English words of {CODIESP}");
        let encoder = Encoder::load(&command.from)?;
        more.insert(CODIESP.to_owned(), codiesp::aligned(data, &encoder, &release)?);
        sources.insert(CODIESP.to_owned(), corpora::load(data, Corpus::CodiespTrain)?.source.sha256);
    }
    let mut terms = Terms::of_release(&release);
    terms.add_index(&release, &data.join("icd10cm.tar.gz"))?;
    let abbreviations = Abbreviations::load(&data.join("abbreviations_imantsm.tar.gz"))?;
    let folder = ModelFolder::open(&command.from)?;
    let (mut material, labels) =
        material(&recipe, data, &more, &terms.pairs, &abbreviations, &folder.tokenizer)?;
    material.sources.extend(sources);
    let left_out: usize = material.left_out.values().sum();
    eprintln!(
        "{} windows ({left_out} texts left out that repeat one kept for measuring), {} unseen, {} terms, {} labels",
        material.pool.windows.len(),
        material.unseen.len(),
        material.pool.terms.len(),
        labels.names().len()
    );
    let mut run = Run::new(recipe, &command.from, material)?;
    if run.resume(&command.output)? {
        eprintln!("goes on after step {}", run.done());
    }
    eprintln!("{} steps", run.steps());
    run.run(&command.output, |point| eprintln!("{}", line(point)))?;
    eprintln!("calibrates labels on {} documents that it did not learn from", run.calibration().len());
    let model = Suggester::load(&command.output, release, overread_suggest::Options::default())?;
    let known = model::known::labels(&model, run.recipe(), run.calibration())?;
    let path = command.output.join(overread_suggest::known::FILE);
    std::fs::write(&path, known.to_json()).with_context(|| path.display().to_string())?;
    overread_suggest::seal(&command.output)?;
    Ok(())
}

fn line(p: &CurvePoint) -> String {
    let l = &p.loss;
    let unseen = p.unseen.map_or(String::new(), |u| {
        format!(
            " | unseen field {:.4} span {:.4} assertion {:.3} link {:.3}",
            u.field, u.span, u.assertion, u.link
        )
    });
    format!(
        "step {:>6} loss {:.4}: field {:.4} span {:.4} assertion {:.3} link {:.3} phrase {:.3}{unseen} | rate {:.1e}, {:.1} \
         examples/s, {:.0} tokens/s, {:.0} s left",
        p.step,
        l.total,
        l.field,
        l.span,
        l.assertion,
        l.link,
        l.phrase,
        p.rate,
        p.examples_per_second,
        p.tokens_per_second,
        p.seconds_left
    )
}
