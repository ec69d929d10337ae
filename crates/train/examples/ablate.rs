//! The model without one of its trained heads, to see what that head is worth: `ablate MODEL OUT HEADS`, of
//! `span` (what scores spans again), `field` (start, end and inside of every label), `assertion`, `link`; several with commas.
//! The weights of what is left out become zero, so that it says the same of everything; linear heads fitted anew on top
//! (`--example fit`) then do without it. What the phrase head is worth shows with and without vectors of codes.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use overread_encoder::ModelFolder;
use overread_suggest::neural;
use overread_train::model::heads::TrainableHeads;

/// Logit of a token that no label starts, ends or holds.
const NEVER: f64 = -10.0;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, heads] = args.as_slice() else { return Err("usage: ablate MODEL OUT HEADS".into()) };
    let (from, to) = (Path::new(from), Path::new(to));
    let prefixes: BTreeMap<&str, &str> =
        [("span", "span."), ("field", "field."), ("assertion", "assert."), ("link", "link.")].into();
    let mut gone = Vec::new();
    for head in heads.split(',') {
        gone.push(*prefixes.get(head).ok_or_else(|| format!("no head is called {head}"))?);
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let Some(name) = path.file_name().filter(|_| path.is_file()) else { continue };
        // What was fitted to the whole model says nothing of what is left of it.
        let own = ["heads.json", "labels.json", "reports.json", neural::FILE];
        if !own.iter().any(|own| name == *own) && path.extension().is_none_or(|e| e != "vec") {
            std::fs::copy(&path, to.join(name))?;
        }
    }
    let folder = ModelFolder::open(from)?;
    let trained = TrainableHeads::load(&from.join(neural::FILE), folder.config.hidden_size)?;
    for (name, var) in trained.vars() {
        if gone.iter().any(|prefix| name.starts_with(prefix)) {
            // A token of logit 0 would be an even bet for every label.
            let value = if name == "field.bias" { NEVER } else { 0.0 };
            var.set(&var.as_tensor().affine(0.0, value)?)?;
        }
    }
    trained.write(&to.join(neural::FILE), folder.version.as_str())?;
    println!("{}", to.display());
    Ok(())
}
