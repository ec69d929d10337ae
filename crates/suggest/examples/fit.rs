//! Fits the linear heads to notes with reference entries and tells honestly how well they do:
//! `fit GOLD.jsonl HEADS.json PREDICTIONS.jsonl [--model DIR] [--fold-models DIR,DIR,...] [--folds 5] [--codes FILE]
//! [--vectors FOLDER] [--dense 0|1] [--extra CODED.jsonl] [--most N]`.
//!
//! Note i is read by fold model i % folds, which was trained without it, and predicted by heads that did not see it;
//! PREDICTIONS holds these predictions. HEADS is then fitted on all readings, to serve the model of `--model`. Without
//! fold models, the one model reads everything: honest for an encoder that was trained on none of the notes.
//! Also printed is where the right code stands when the reference mentions are given, each by the model and heads of its
//! fold, apart for codes that stand at a mention of another fold and for others.
//! `--extra` names case reports with code lists (`{"id", "text", "codes"}` or CodiEsp's lines), of which `--most` are
//! read; they teach the final list only.

mod common;

use std::io::Write as _;
use std::path::Path;

use overread_domain::{NoteMeta, Template, template::ENCOUNTER_ABSTRACT};
use overread_suggest::fitting::{self, Example, Note, Reading};
use overread_suggest::{Given, NoteInput, Suggest as _, Suggester};

fn main() -> Result<(), common::Failure> {
    let args = common::Args::parse();
    let states = args.named("dense") != Some("0");
    let folds: usize = args.named("folds").unwrap_or("5").parse()?;
    let served = common::model(&args)?;
    let mut readers = Vec::new();
    for folder in args.named("fold-models").into_iter().flat_map(|list| list.split(',')) {
        readers.push(common::model_at(&args, Path::new(folder), served.release())?);
    }
    if readers.is_empty() {
        readers.push(served.clone());
    } else if readers.len() != folds {
        return Err(format!("{} fold models for {folds} folds", readers.len()).into());
    }
    let notes: Vec<Note> = common::notes(args.positional(0)?)?.iter().map(common::Note::reference).collect();
    let template: Template = serde_json::from_str(ENCOUNTER_ABSTRACT)?;
    let extra: Vec<Note> = match args.named("extra") {
        Some(path) => {
            let most = args.named("most").map_or(Ok(usize::MAX), str::parse)?;
            common::coded(path)?.into_iter().take(most).collect()
        }
        None => Vec::new(),
    };
    let mut readings: Vec<Reading<'_>> = Vec::with_capacity(notes.len());
    for (i, note) in notes.iter().enumerate() {
        readings.push(readers[i % readers.len()].reading(&note.text, states)?);
    }
    let mut coded: Vec<Reading<'_>> = Vec::with_capacity(extra.len());
    for (i, note) in extra.iter().enumerate() {
        coded.push(readers[i % readers.len()].reading(&note.text, states)?);
        eprint!("\rread {} of {} case reports", i + 1, extra.len());
    }
    eprintln!("\rread {} notes, {} case reports", notes.len(), extra.len());
    let examples = paired(&notes, &readings, &readers);
    let cases = paired(&extra, &coded, &readers);
    let cases: Vec<&Example<'_>> = cases.iter().collect();

    let mut lines = vec![String::new(); notes.len()];
    let mut given = Ranks::default();
    for fold in 0..folds {
        let train: Vec<&Example<'_>> =
            examples.iter().enumerate().filter(|(i, _)| i % folds != fold).map(|(_, e)| e).collect();
        let heads = fitting::fit_to(&train, &cases, &served.reader());
        for (i, note) in notes.iter().enumerate().filter(|(i, _)| i % folds == fold) {
            let model = readers[i % readers.len()].with_heads(heads.clone());
            let suggested =
                model.suggest(&NoteInput { text: &note.text, meta: &NoteMeta::default() }, &template)?;
            lines[i] = common::line(&note.id, model.model(), &suggested).to_string();
            given.add(&model, note, &|code| {
                let others = notes.iter().enumerate().filter(|(j, _)| j % folds != fold);
                others.flat_map(|(_, n)| &n.spans).any(|s| s.code.as_deref() == Some(code))
            })?;
        }
        eprintln!("fold {fold}");
    }
    given.print();
    let mut out = std::io::BufWriter::new(std::fs::File::create(args.positional(2)?)?);
    for line in lines {
        writeln!(out, "{line}")?;
    }
    let all: Vec<&Example<'_>> = examples.iter().collect();
    let mut heads = fitting::fit_to(&all, &cases, &served.reader());
    if !states && !served.has_neural() {
        // Rules alone serve any encoder.
        heads.encoder.clear();
    }
    std::fs::write(args.positional(1)?, heads.to_json())?;
    Ok(())
}

/// Places of the right codes of given mentions (from 0), and whether the code was seen in another fold.
#[derive(Default)]
struct Ranks(Vec<(Option<usize>, bool)>);

impl Ranks {
    fn add(
        &mut self,
        model: &Suggester,
        note: &Note,
        seen: &dyn Fn(&str) -> bool,
    ) -> Result<(), common::Failure> {
        let coded: Vec<_> = note
            .spans
            .iter()
            .filter(|s| s.field == "diagnosis" || s.field == "history")
            .filter_map(|s| Some((s, s.code.as_deref()?)))
            .collect();
        let asked: Vec<Given> = coded
            .iter()
            .map(|(s, _)| Given { span: s.span.clone(), history: s.field == "history" })
            .collect();
        for ((_, code), found) in coded.iter().zip(model.codes_of(&note.text, &asked)?) {
            self.0.push((found.iter().position(|(c, _)| c == code), seen(code)));
        }
        Ok(())
    }

    fn print(&self) {
        let all: Vec<_> = self.0.iter().collect();
        let (seen, new): (Vec<_>, Vec<_>) = self.0.iter().partition(|(_, seen)| *seen);
        for (name, part) in [("all", all), ("code of another fold's mention", seen), ("code of none", new)] {
            let at = |k: usize| part.iter().filter(|(rank, _)| rank.is_some_and(|r| r < k)).count() as f32;
            let n = part.len().max(1) as f32;
            let [one, three, eight] = [1, 3, 8].map(|k| at(k) / n);
            println!(
                "code of a given mention, {name}: @1 {one:.4} @3 {three:.4} @8 {eight:.4} n {}",
                part.len()
            );
        }
    }
}

fn paired<'n>(notes: &'n [Note], readings: &'n [Reading<'n>], readers: &'n [Suggester]) -> Vec<Example<'n>> {
    notes
        .iter()
        .zip(readings)
        .enumerate()
        .map(|(i, (note, reading))| Example { note, reading, model: &readers[i % readers.len()] })
        .collect()
}
