//! How the shipped model was made, from base weights and corpora: a first stage on public corpora, a second on dictated
//! notes with reference entries, once without each fifth of them (to measure) and once with all (to ship), then the
//! heads and vectors on top. Each step that has left its result is passed over, so a run that was broken off goes on.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};
use xshell::{Shell, cmd};

use crate::args::Args;
use crate::eval;
use crate::shell::{read, root, shell, step, target, write};

/// Parts of the notes with reference entries; each is measured by a model that was trained without it.
const FOLDS: usize = 5;
const RECIPES: &str = "crates/train/recipes";
const SAMPLES: &str = "samples=samples/reference.jsonl";
const RELEASE: &str = "data/icd-10-cm/2026-04.ovr";
/// What a model folder holds, when all is done.
const PARTS: [&str; 7] = [
    "config.json",
    "manifest.json",
    "tokenizer.json",
    "model.safetensors",
    "heads.safetensors",
    "heads.json",
    "labels.json",
];

pub fn run(mut args: Args) -> Result<()> {
    let base: PathBuf =
        args.value("--base")?.context("--base DIR is needed: the folder of the base weights")?;
    let data: PathBuf = args.value("--data")?.unwrap_or_else(|| PathBuf::from("../shared/data"));
    let output: PathBuf = args.value("--output")?.unwrap_or_else(|| target().join("train"));
    args.done()?;
    let gold = data.join("notes_gold_dev.jsonl.gz");
    if !root().join(&gold).is_file() {
        bail!("{} is not there; the corpora are not part of this repository", gold.display());
    }
    let sh = shell()?;
    let program = eval::release(&sh)?;
    let corpora = output.join("corpora");
    train(&sh, &program, &base, &corpora, "corpora.toml", &data, None)?;
    let folds: Vec<PathBuf> = (0..FOLDS).map(|fold| output.join(format!("without-{fold}"))).collect();
    for (fold, folder) in folds.iter().enumerate() {
        train(&sh, &program, &corpora, folder, "notes.toml", &data, Some(fold))?;
    }
    let model = output.join("model");
    train(&sh, &program, &corpora, &model, "notes.toml", &data, None)?;
    let plain = output.join("gold.jsonl");
    write(&plain, cmd!(sh, "gzip -dc {gold}").quiet().read()?)?;
    let fitting = Fitting { sh: &sh, output: &output, model: &model, folds: &folds, gold: &plain };
    let heads = model.join("heads.json");
    if !heads.is_file() {
        step("fit the heads", || fitting.run(&heads, &output.join("unread.jsonl")))?;
    }
    reports(&sh, &model, &data)?;
    measure(&fitting, &program)?;
    vectors(&sh, &program, &output, &model)?;
    println!("\nthe model is in {}; `cargo xtask eval --model {0}` measures it", model.display());
    Ok(())
}

fn train(
    sh: &Shell,
    program: &Path,
    from: &Path,
    to: &Path,
    recipe: &str,
    data: &Path,
    without: Option<usize>,
) -> Result<()> {
    // The labels are written last.
    if to.join("labels.json").is_file() {
        return Ok(());
    }
    let without: Vec<String> =
        without.iter().flat_map(|fold| ["--without-fold".to_owned(), fold.to_string()]).collect();
    step(&format!("train {}", to.display()), || {
        Ok(cmd!(
            sh,
            "{program} train --from {from} --recipe {RECIPES}/{recipe} --data {data} --output {to} --notes {SAMPLES} {without...}"
        )
        .run()?)
    })
}

/// What the linear heads are fitted with.
struct Fitting<'a> {
    sh: &'a Shell,
    output: &'a Path,
    model: &'a Path,
    folds: &'a [PathBuf],
    gold: &'a Path,
}

impl Fitting<'_> {
    /// Writes the heads, and what they and the fold models say of notes that none of them saw.
    fn run(&self, heads: &Path, said: &Path) -> Result<()> {
        let Self { sh, output, model, folds, gold } = self;
        let vectors = output.join("vectors");
        let list = folds.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(",");
        cmd!(
            sh,
            "cargo run --locked --release --quiet -p overread-suggest --example fit -- {gold} {heads} {said}
                --model {model} --fold-models {list} --vectors {vectors} --codes {RELEASE}"
        )
        .run()?;
        Ok(())
    }
}

/// The figures of the model card: the fold models code case reports as the model does, so that notes taken for one show.
fn measure(fitting: &Fitting<'_>, program: &Path) -> Result<()> {
    let Fitting { sh, output, model, folds, gold } = fitting;
    for folder in *folds {
        fs::copy(model.join("reports.json"), folder.join("reports.json"))?;
    }
    let said = output.join("folds.predictions.jsonl");
    step("read the notes that each fold did not see", || fitting.run(&output.join("again.json"), &said))?;
    let errors = output.join("folds.errors.txt");
    let table = cmd!(sh, "{program} eval --gold {gold} --predictions {said} --errors {errors}").read()?;
    println!("{table}");
    write(&output.join("folds.scores.txt"), table)
}

/// How case reports are coded.
fn reports(sh: &Shell, model: &Path, data: &Path) -> Result<()> {
    let reports = model.join("reports.json");
    if reports.is_file() {
        return Ok(());
    }
    step("learn how case reports are coded", || {
        Ok(cmd!(
            sh,
            "cargo run --locked --release --quiet -p overread-train --example codiesp --
                learn {data} {model} {RELEASE} {reports}"
        )
        .run()?)
    })
}

/// What was added to the model since `overread train` wrote its manifest (`overread_suggest::seal` in the program's own words).
fn seal(model: &Path) -> Result<()> {
    let path = model.join("manifest.json");
    let mut manifest: serde_json::Value = serde_json::from_str(&read(&path)?)?;
    for part in ["heads.json", "heads.safetensors", "labels.json", "reports.json"] {
        let bytes = fs::read(model.join(part)).with_context(|| part.to_owned())?;
        let sum = Sha256::digest(&bytes).iter().fold(String::new(), |sum, byte| format!("{sum}{byte:02x}"));
        manifest["files"][part] = sum.into();
    }
    write(&path, serde_json::to_string_pretty(&manifest)? + "\n")
}

/// The vectors of the release's terms, into the model's own folder.
fn vectors(sh: &Shell, program: &Path, output: &Path, model: &Path) -> Result<()> {
    let own = output.join("data");
    step("vectors of the release", || {
        Ok(cmd!(sh, "{program} codes vectors --model {model} --data-dir {own}").run()?)
    })?;
    // None there: they were in the model's folder already.
    for file in crate::shell::files_below(&own.join("vectors"))? {
        let name = file.file_name().context("a file has a name")?;
        fs::copy(&file, model.join(name)).with_context(|| file.display().to_string())?;
    }
    seal(model)?;
    let absent: Vec<&str> = PARTS.into_iter().filter(|part| !model.join(part).is_file()).collect();
    if absent.is_empty() { Ok(()) } else { bail!("{} lacks {}", model.display(), absent.join(", ")) }
}
