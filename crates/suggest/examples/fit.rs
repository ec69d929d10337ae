//! Fits the heads to notes with reference entries and tells honestly how well they do:
//! `fit GOLD.jsonl HEADS.json PREDICTIONS.jsonl [--model DIR] [--codes FILE] [--vectors FOLDER] [--dense 0|1]
//! [--folds 10]`.
//!
//! Every note is predicted by heads that did not see it (folds by note); thresholds and rule probabilities are
//! fitted within the training folds too. PREDICTIONS holds these predictions; HEADS is then fitted on all notes.

mod common;
mod fitter;

use std::io::Write as _;

use overread_domain::{NoteMeta, Template, template::ENCOUNTER_ABSTRACT};
use overread_suggest::{NoteInput, Suggest as _};

fn main() -> Result<(), common::Failure> {
    let args = common::Args::parse();
    let dense = args.named("dense") != Some("0");
    let folds: usize = args.named("folds").unwrap_or("10").parse()?;
    let base = common::model(&args)?;
    let notes = common::notes(args.positional(0)?)?;
    let template: Template = serde_json::from_str(ENCOUNTER_ABSTRACT)?;
    let mut readings = Vec::new();
    for note in &notes {
        readings.push(base.reading(&note.text, dense)?);
    }
    eprintln!("read {} notes", notes.len());
    let data: Vec<fitter::Example<'_>> =
        notes.iter().zip(&readings).map(|(note, reading)| fitter::Example::new(note, reading)).collect();

    let mut out = std::io::BufWriter::new(std::fs::File::create(args.positional(2)?)?);
    let mut lines = vec![String::new(); notes.len()];
    for fold in 0..folds {
        let train: Vec<&fitter::Example<'_>> =
            data.iter().enumerate().filter(|(i, _)| i % folds != fold).map(|(_, e)| e).collect();
        let heads = fitter::fit(&base, &train, dense);
        let model = base.with_heads(heads);
        for (i, note) in notes.iter().enumerate().filter(|(i, _)| i % folds == fold) {
            let suggested =
                model.suggest(&NoteInput { text: &note.text, meta: &NoteMeta::default() }, &template)?;
            lines[i] = common::line(&note.id, model.model(), &suggested).to_string();
        }
        eprintln!("fold {fold}");
    }
    for line in lines {
        writeln!(out, "{line}")?;
    }
    let all: Vec<&fitter::Example<'_>> = data.iter().collect();
    let heads = fitter::fit(&base, &all, dense);
    std::fs::write(args.positional(1)?, fitter::to_json(&heads))?;
    Ok(())
}
