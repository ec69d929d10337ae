//! `overread gate`: whether a candidate model may take the place of the current one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use overread_codes::Release;
use overread_domain::{NoteMeta, Template, template};
use overread_suggest::{CodeSearch, NoteInput, Suggest, Suggester};
use overread_train::corrections::{self, Reviewed};
use overread_train::gate::{Corrections, Limits, Said, Set, Verdict, judge};
use overread_train::gold;
use overread_train::prediction::Prediction;

use super::worker::bar;
use crate::Exit;
use crate::cli::Gate;
use crate::parts;
use crate::settings::Settings;

pub fn run(settings: &Settings, command: &Gate) -> Result<()> {
    let release = parts::release(settings)?;
    let template: Template = serde_json::from_str(template::ENCOUNTER_ABSTRACT)?;
    let current = model(settings, &command.current, &release)?;
    let candidate = model(settings, &command.candidate, &release)?;
    let held = match &command.corrections {
        Some(path) => corrections::read(path).map_err(|error| Exit::BadInput(error.to_string()))?,
        None => Vec::new(),
    };
    let limits = limits(command.milliseconds, command.margin);
    let verdict = verdict([&current, &candidate], &template, &command.gold, &held, &limits)?;
    if let Some(folder) = &command.report {
        write(&verdict, folder)?;
    }
    if command.json {
        println!("{}", serde_json::to_string_pretty(&verdict)?);
    } else {
        print!("{}", verdict.to_markdown());
    }
    if verdict.promoted { Ok(()) } else { Err(Exit::Refused.into()) }
}

pub fn limits(milliseconds: Option<f64>, margin: Option<f64>) -> Limits {
    let absent = Limits::default();
    Limits {
        milliseconds: milliseconds.unwrap_or(absent.milliseconds),
        calibration: margin.unwrap_or(absent.calibration),
        ..absent
    }
}

/// A model folder as the server would run it, with its vectors of terms where the data folder has them.
pub fn model(settings: &Settings, folder: &Path, release: &Arc<Release>) -> Result<Suggester> {
    let own = Settings { model: Some(folder.to_owned()), ..settings.clone() };
    let model = parts::suggester(&own, release)?;
    let search = CodeSearch::of(&model);
    parts::load_vectors(&search, settings);
    Ok(parts::complete(model, &search))
}

/// Lets both models, the current one first, read everything and judges.
pub fn verdict(
    models: [&Suggester; 2],
    template: &Template,
    sets: &[PathBuf],
    held: &[Reviewed],
    limits: &Limits,
) -> Result<Verdict> {
    let mut read = Vec::new();
    for path in sets {
        let notes = gold::read(path).map_err(|error| Exit::BadInput(error.to_string()))?;
        let texts: Vec<(&str, &str)> = notes.iter().map(|n| (n.id.as_str(), n.text.as_str())).collect();
        let [current, candidate] = both(models, template, &texts)?;
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        read.push(Set { name, notes, current, candidate });
    }
    let corrections = if held.is_empty() {
        None
    } else {
        let texts: Vec<(&str, &str)> = held.iter().map(|r| (r.entry.as_str(), r.text.as_str())).collect();
        let [current, candidate] = both(models, template, &texts)?;
        Some(Corrections { entries: held.to_vec(), current, candidate })
    };
    let names = models.map(|model| {
        let info = model.model();
        match &info.memory {
            Some(memory) => format!("{} with memory {}", info.version, &memory[..12.min(memory.len())]),
            None => info.version.clone(),
        }
    });
    Ok(judge([&names[0], &names[1]], &read, corrections.as_ref(), limits))
}

/// One note by one model, then by the other: what else the machine does meanwhile slows both.
fn both(models: [&Suggester; 2], template: &Template, notes: &[(&str, &str)]) -> Result<[Said; 2]> {
    let mut said = [Said::default(), Said::default()];
    let bar = bar(notes.len() as u64, "notes");
    for (id, text) in notes {
        for (model, said) in models.iter().zip(&mut said) {
            let started = Instant::now();
            let input = NoteInput { text, meta: &NoteMeta::default() };
            let suggested = model.suggest(&input, template).with_context(|| format!("note \"{id}\""))?;
            said.milliseconds.push(started.elapsed().as_secs_f64() * 1000.0);
            said.predictions.insert((*id).to_owned(), Prediction::of(id, suggested));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(said)
}

/// `gate.md` for people, `gate.json` for programs.
pub fn write(verdict: &Verdict, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let put = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| path.display().to_string())
    };
    put("gate.md", verdict.to_markdown())?;
    put("gate.json", serde_json::to_string_pretty(verdict)? + "\n")
}
