//! Runs one recipe: `train RECIPE.toml DATA_FOLDER BASE_MODEL OUTPUT_FOLDER [--notes NAME=FILE]`.
//!
//! Goes on from OUTPUT_FOLDER's checkpoint where there is one. `--notes` gives a further file of reference entries the
//! name under which the recipe reads it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use overread_codes::Release;
use overread_encoder::ModelFolder;
use overread_train::corpora;
use overread_train::model::material::{material, release_terms};
use overread_train::model::{Recipe, run::Run};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let mut next = |what: &str| args.next().ok_or_else(|| format!("missing: {what}"));
    let recipe = next("RECIPE.toml")?;
    let recipe = Recipe::from_toml(&std::fs::read_to_string(recipe)?)?;
    let data = PathBuf::from(next("DATA_FOLDER")?);
    let base = PathBuf::from(next("BASE_MODEL")?);
    let output = PathBuf::from(next("OUTPUT_FOLDER")?);
    let mut more = BTreeMap::new();
    while let Some(flag) = args.next() {
        let value = args.next().unwrap_or_default();
        let (name, file) = value.split_once('=').ok_or("--notes NAME=FILE")?;
        if flag != "--notes" {
            return Err(format!("unknown: {flag}").into());
        }
        let mut notes = corpora::read_notes(Path::new(file))?.documents;
        for note in &mut notes {
            note.fold = None;
        }
        more.insert(name.to_owned(), notes);
    }
    let release = Release::from_bytes(&std::fs::read("data/icd-10-cm/2026-04.ovr")?)?;
    let terms = release_terms(&release);
    let folder = ModelFolder::open(&base)?;
    let (material, labels) = material(&recipe, &data, &more, &terms, &folder.tokenizer)?;
    eprintln!(
        "{} windows, {} unseen, {} terms, {} labels",
        material.pool.windows.len(),
        material.unseen.len(),
        material.pool.terms.len(),
        labels.names().len()
    );
    let mut run = Run::new(recipe, &base, material)?;
    if run.resume(&output)? {
        eprintln!("goes on after step {}", run.done());
    }
    eprintln!("{} steps", run.steps());
    run.run(&output, |p| {
        eprintln!(
            "{:>6} loss {:.4} field {:.4} span {:.4} assert {:.3} link {:.3} phrase {:.3} | {} | lr {:.1e} {:.0} tok/s, {:.0} s left",
            p.step,
            p.loss.total,
            p.loss.field,
            p.loss.span,
            p.loss.assertion,
            p.loss.link,
            p.loss.phrase,
            p.unseen.map_or(String::new(), |u| format!(
                "unseen field {:.4} span {:.4} assert {:.3} link {:.3}",
                u.field, u.span, u.assertion, u.link
            )),
            p.rate,
            p.tokens_per_second,
            p.seconds_left
        );
    })?;
    Ok(())
}
