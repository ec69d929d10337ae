//! `overread eval`

use std::collections::HashMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context as _, Result};
use overread_domain::{Assertion, NoteMeta, Template, template};
use overread_suggest::{CodeSearch, NoteInput, Suggest as _, Suggester};
use overread_train::corpora::{self, Corpus, Document, Split, negex};
use overread_train::eval::{self, Options};
use overread_train::gold;
use overread_train::prediction::{self, Prediction};
use overread_train::tasks::{self, Table, mentions::Task};

use super::suggest::RANKED;
use super::worker::bar;
use crate::Exit;
use crate::cli::{Eval, PublicSet};
use crate::parts;
use crate::settings::Settings;

pub fn run(settings: &Settings, command: &Eval) -> Result<()> {
    if let (Some(gold), Some(identifiers)) = (&command.gold, &command.identifiers) {
        return super::masks::measure(gold, identifiers, command.json);
    }
    match (&command.gold, &command.predictions, &command.data) {
        (Some(gold), Some(predictions), _) => entries(command, gold, predictions),
        (_, _, Some(data)) => {
            let model = model(settings)?;
            for set in &command.public {
                let table = public(&model, *set, data)?;
                if command.json {
                    println!("{}", serde_json::to_string_pretty(&table)?);
                } else {
                    println!("{}", table.to_text());
                }
            }
            Ok(())
        }
        _ => Err(Exit::BadInput("--gold with --predictions, or --public with --data".to_owned()).into()),
    }
}

fn entries(command: &Eval, gold: &Path, predictions: &Path) -> Result<()> {
    let gold = gold::read(gold).context("reference entries")?;
    let predictions = prediction::read(predictions).context("predictions")?;
    let report = eval::score(&gold, &predictions, command.threshold);
    if command.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.to_table());
    }
    if let Some(path) = &command.errors {
        let file = File::create(path).with_context(|| path.display().to_string())?;
        let count = eval::write_errors(&gold, &predictions, command.threshold, &mut BufWriter::new(file))?;
        for (kind, n) in count {
            eprintln!("{n:>5} {kind}");
        }
    }
    Ok(())
}

/// The model as it suggests, with its vectors of terms where they are there.
fn model(settings: &Settings) -> Result<Suggester> {
    let model = parts::suggester(settings, &parts::release(settings)?)?;
    let search = CodeSearch::of(&model);
    if !parts::load_vectors(&search, settings) {
        eprintln!("no vectors of codes: codes are found by words alone");
    }
    Ok(parts::complete(model, &search).with_tail(RANKED))
}

fn public(model: &Suggester, set: PublicSet, data: &Path) -> Result<Table> {
    let options = Options::default();
    match set {
        PublicSet::Bc5cdr => diseases(model, data, "BC5CDR", [Corpus::Bc5cdrTrain, Corpus::Bc5cdrDev]),
        PublicSet::Ncbi => diseases(model, data, "NCBI", [Corpus::NcbiDisease; 2]),
        PublicSet::Negex => {
            let kit = negex::load(data)?;
            let bar = bar(kit.cases.len() as u64, "sentences");
            let mut failed = None;
            let table = tasks::negation::score(
                &kit.cases,
                |text, condition| {
                    bar.inc(1);
                    model.assertion_of(text, condition).unwrap_or_else(|error| {
                        failed = Some(error);
                        Assertion::Present
                    })
                },
                &options,
            );
            bar.finish_and_clear();
            failed.map_or(Ok(table), |error| Err(error.into()))
        }
        PublicSet::Codiesp => {
            let template: Template = serde_json::from_str(template::ENCOUNTER_ABSTRACT)?;
            let (train, dev) =
                (corpora::load(data, Corpus::CodiespTrain)?, corpora::load(data, Corpus::CodiespDev)?);
            let documents: Vec<&Document> = dev.part(Split::Dev).collect();
            let said = said(model, &template, &documents)?;
            let seen = tasks::codiesp::codes(train.part(Split::Train));
            Ok(tasks::codiesp::score(&documents, &said, &model.release(), &seen, &options))
        }
    }
}

/// Mentions of diseases in the development part of the second corpus; phrases of the first one's training part were seen.
fn diseases(model: &Suggester, data: &Path, title: &str, [train, dev]: [Corpus; 2]) -> Result<Table> {
    const LABEL: &str = "disease";
    let template = tasks::mentions::template(LABEL).context("the label is known")?;
    let (train, dev) = (corpora::load(data, train)?, corpora::load(data, dev)?);
    let documents: Vec<&Document> = dev.part(Split::Dev).collect();
    let said = said(model, &template, &documents)?;
    let seen = tasks::mentions::phrases(train.part(Split::Train), LABEL);
    let task = Task { title, label: LABEL, field: LABEL };
    Ok(tasks::mentions::score(&task, &documents, &said, &seen, &Options::default()))
}

fn said(
    model: &Suggester,
    template: &Template,
    documents: &[&Document],
) -> Result<HashMap<String, Prediction>> {
    let bar = bar(documents.len() as u64, "documents");
    let said = prediction::ask(documents, |text| {
        bar.inc(1);
        model.suggest(&NoteInput { text, meta: &NoteMeta::default() }, template)
    });
    bar.finish_and_clear();
    said.map_err(|(id, error)| anyhow::Error::new(error).context(format!("document \"{id}\"")))
}
