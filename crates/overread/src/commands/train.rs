//! `overread train --from MODEL --corrections FILE`: what people decided becomes a candidate model, judged by the gate.
//! `overread train --from MODEL --recipe FILE` is in [`super::recipe`].

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use overread_domain::{Template, template};
use overread_encoder::sha256_hex;
use overread_suggest::fitting::{self, Example, Note};
use overread_suggest::{Suggest as _, Suggester, memory};
use overread_train::corrections::{self, Reviewed};
use overread_train::gold;
use serde::Serialize;

use super::gate;
use crate::Exit;
use crate::cli::Train;
use crate::parts;
use crate::settings::Settings;

/// Share of the entries, the latest ones, that the gate judges by; no training sees them.
const HELD_OUT: usize = 5;
/// With fewer entries nothing is held out: the bootstrap of the gate needs five.
const LEAST: usize = 5 * HELD_OUT;

/// What a run was made of, beside the weights.
#[derive(Debug, Serialize)]
struct Record {
    program: &'static str,
    from: String,
    from_version: String,
    corrections: File,
    replay: Option<File>,
    entries_taught: usize,
    entries_held_out: usize,
    heads_fitted_on: Option<String>,
    memory: String,
    weights: memory::Weights,
    candidate_version: String,
    promoted: bool,
}

#[derive(Debug, Serialize)]
struct File {
    name: String,
    sha256: String,
}

pub fn run(settings: &Settings, command: &Train) -> Result<()> {
    match (&command.recipe, &command.corrections) {
        (Some(recipe), _) => super::recipe::run(settings, command, recipe),
        (None, Some(corrections)) => learn(settings, command, corrections),
        (None, None) => bail!("--corrections or --recipe is needed"),
    }
}

fn learn(settings: &Settings, command: &Train, decided: &Path) -> Result<()> {
    if command.output.exists() {
        bail!("{} is there already; a candidate gets a folder of its own", command.output.display());
    }
    let release = parts::release(settings)?;
    let template: Template = serde_json::from_str(template::ENCOUNTER_ABSTRACT)?;
    let mut reviewed = corrections::read(decided).map_err(|error| Exit::BadInput(error.to_string()))?;
    reviewed.retain(|entry| entry.template == template.id && !entry.corrections.is_empty());
    if reviewed.is_empty() {
        return Err(Exit::BadInput(format!(
            "{}: no corrections of the template {}",
            decided.display(),
            template.id
        ))
        .into());
    }
    // The frozen snapshot is cut by time: a model is asked about what comes after what it learned.
    reviewed.sort_by_key(|entry| entry.corrections.iter().map(|c| c.at).max());
    let held = if reviewed.len() >= LEAST {
        let first = reviewed.len() - reviewed.len() / HELD_OUT;
        reviewed.split_off(first)
    } else {
        Vec::new()
    };
    let current = gate::model(settings, &command.from, &release)?;
    let memory = corrections::memory(&reviewed, &template, &current)?;
    let heads = match &command.replay {
        Some(path) => Some(refit(&current, path, &reviewed, &template)?),
        None => None,
    };

    copy(&command.from, &command.output)?;
    let put = |name: &str, text: &str| {
        let path = command.output.join(name);
        std::fs::write(&path, text).with_context(|| path.display().to_string())
    };
    put(memory::FILE, &memory.to_json())?;
    if let Some(heads) = &heads {
        put("heads.json", &heads.to_json())?;
    }
    overread_suggest::seal(&command.output)?;
    let candidate = gate::model(settings, &command.output, &release)?;
    let limits = gate::limits(command.milliseconds, None);
    let verdict = gate::verdict([&current, &candidate], &template, &command.gold, &held, &limits)?;
    gate::write(&verdict, &command.output)?;
    let record = Record {
        program: env!("CARGO_PKG_VERSION"),
        from: current.model().name.clone(),
        from_version: current.model().version.clone(),
        corrections: file(decided)?,
        replay: command.replay.as_deref().map(file).transpose()?,
        entries_taught: reviewed.len(),
        entries_held_out: held.len(),
        heads_fitted_on: heads.map(|heads| heads.fitted_on),
        memory: memory.version().to_owned(),
        weights: memory.weights(),
        candidate_version: candidate.model().version.clone(),
        promoted: verdict.promoted,
    };
    put("training.json", &(serde_json::to_string_pretty(&record)? + "\n"))?;
    print!("{}", verdict.to_markdown());
    if verdict.promoted { Ok(()) } else { Err(Exit::Refused.into()) }
}

/// Fits the linear heads to the reference entries given for replay and to the finished entries, so that what was learned
/// before is not unlearned.
fn refit(
    model: &Suggester,
    replay: &Path,
    reviewed: &[Reviewed],
    template: &Template,
) -> Result<overread_suggest::Heads> {
    let known = gold::read(replay).map_err(|error| Exit::BadInput(error.to_string()))?;
    let new = reviewed.iter().filter_map(|entry| entry.reference(template));
    let notes: Vec<Note> = known.into_iter().chain(new).map(|note| note.reference()).collect();
    let mut readings = Vec::with_capacity(notes.len());
    for note in &notes {
        readings.push(model.reading(&note.text, false).with_context(|| format!("note \"{}\"", note.id))?);
    }
    let examples: Vec<Example<'_>> =
        notes.iter().zip(&readings).map(|(note, reading)| Example { note, reading, model }).collect();
    Ok(fitting::fit(&examples, &[], &model.reader()))
}

fn file(path: &Path) -> Result<File> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok(File { name, sha256: sha256_hex(&bytes) })
}

/// The files of a model folder, without what an earlier run reported of itself.
fn copy(from: &Path, to: &Path) -> Result<()> {
    const OWN: [&str; 3] = ["gate.md", "gate.json", "training.json"];
    std::fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
        let path: PathBuf = entry?.path();
        let Some(name) = path.file_name().filter(|_| path.is_file()) else { continue };
        if OWN.iter().any(|own| name == *own) {
            continue;
        }
        std::fs::copy(&path, to.join(name)).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
