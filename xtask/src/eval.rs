//! Suggestions for notes with reference entries, and how good they are: the invented samples that ship, and the real
//! notes beside the checkout where they are.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::args::Args;
use crate::shell::{root, shell, step, target, write};

/// Corpora beside the checkout; they may not be in the repository.
const CORPORA: &str = "../shared/data";
/// Real dictated notes with reference entries.
const REAL: &str = "../shared/data/notes_gold_dev.jsonl.gz";
/// Public sets, each measured on the part that no training saw.
const SETS: [&str; 4] = ["bc5cdr", "ncbi", "negex", "codiesp"];

pub fn run(mut args: Args) -> Result<()> {
    let model: String = args.value("--model")?.unwrap_or_else(|| "models/overread-minilm".to_owned());
    args.done()?;
    let sh = shell()?;
    let program = release(&sh)?;
    vectors(&sh, &program)?;
    evaluate(&sh, &program, &model, "samples", &root().join("samples/reference.jsonl"))?;
    let real = root().join(REAL);
    if real.is_file() {
        let gold = target().join("eval/notes_gold_dev.gold.jsonl");
        let text = cmd!(sh, "gzip -dc {real}").quiet().read()?;
        write(&gold, text)?;
        evaluate(&sh, &program, &model, "notes_gold_dev", &gold)?;
        println!(
            "\nThe shipped model learned from notes_gold_dev: the figures above say nothing of its quality on other notes.\n\
             Those of models that never saw the note they are scored on are in models/MODEL_CARD.md; `cargo xtask train` makes \
             them."
        );
        for set in SETS {
            println!("\n## {set}\n");
            cmd!(sh, "{program} eval --public {set} --data {CORPORA} --model {model} --data-dir {DATA}")
                .run()?;
        }
    } else {
        println!(
            "\n{REAL} is not here: only the invented samples were scored, which says little about real notes"
        );
    }
    Ok(())
}

/// The binary as it ships, built if need be.
pub fn release(sh: &Shell) -> Result<PathBuf> {
    step("build overread", || Ok(cmd!(sh, "cargo build --locked --release --package overread").run()?))?;
    Ok(target().join("release/overread"))
}

/// Where vectors of codes are kept for everything that runs from this checkout.
pub const DATA: &str = "target/data";

/// The vectors by which codes are found by meaning, made once; suggestions are better with them.
pub fn vectors(sh: &Shell, program: &Path) -> Result<()> {
    step("vectors of codes", || Ok(cmd!(sh, "{program} codes vectors --data-dir {DATA}").run()?))
}

fn evaluate(sh: &Shell, program: &Path, model: &str, name: &str, gold: &Path) -> Result<()> {
    let notes = target().join(format!("eval/{name}.notes.jsonl"));
    let out = target().join(format!("eval/{name}.suggestions.jsonl"));
    write(&notes, without_answers(gold)?)?;
    step(&format!("suggest {name}"), || {
        Ok(cmd!(sh, "{program} suggest --input {notes} --output {out} --model {model} --data-dir {DATA}")
            .run()?)
    })?;
    println!("\n## {name}\n");
    cmd!(sh, "{program} eval --gold {gold} --predictions {out}").run()?;
    Ok(())
}

/// What the model may see: id and text.
fn without_answers(gold: &Path) -> Result<String> {
    let mut lines = String::new();
    for (number, line) in
        crate::shell::read(gold)?.lines().enumerate().filter(|(_, line)| !line.trim().is_empty())
    {
        let note: serde_json::Value =
            serde_json::from_str(line).with_context(|| format!("{}:{}", gold.display(), number + 1))?;
        lines.push_str(&serde_json::json!({ "id": note["id"], "text": note["text"] }).to_string());
        lines.push('\n');
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_sees_no_answers() {
        let folder = tempfile::tempdir().unwrap();
        let gold = folder.path().join("gold.jsonl");
        std::fs::write(
            &gold,
            "{\"id\":\"a\",\"text\":\"gout\",\"spans\":[1],\"codes\":[{\"code\":\"M10.9\"}]}\n\n",
        )
        .unwrap();
        assert_eq!(without_answers(&gold).unwrap(), "{\"id\":\"a\",\"text\":\"gout\"}\n");
    }
}
