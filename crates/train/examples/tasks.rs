//! Measuring on the public sets:
//! - `tasks inputs FOLDER SET` writes what `overread suggest` reads
//! - `tasks score FOLDER SET RELEASE PREDICTIONS` prints the figures
//!
//! SET is `bc5cdr`, `ncbi` or `codiesp`; always the part that no training sees.

use std::error::Error;
use std::path::{Path, PathBuf};

use overread_codes::Release;
use overread_train::corpora::{self, Corpus, Document, Split};
use overread_train::eval::Options;
use overread_train::{prediction, tasks};

const USAGE: &str = "tasks inputs FOLDER SET | tasks score FOLDER SET RELEASE PREDICTIONS";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ["inputs" | "score", folder, set, rest @ ..] = words.as_slice() else { return Err(USAGE.into()) };
    let folder = PathBuf::from(folder);
    let (dev, train) = match *set {
        "bc5cdr" => (Corpus::Bc5cdrDev, Corpus::Bc5cdrTrain),
        "ncbi" => (Corpus::NcbiDisease, Corpus::NcbiDisease),
        "codiesp" => (Corpus::CodiespDev, Corpus::CodiespTrain),
        _ => return Err(USAGE.into()),
    };
    let dev = corpora::load(&folder, dev)?;
    let documents: Vec<&Document> = dev.part(Split::Dev).collect();
    let [release, predictions] = rest else {
        tasks::write_inputs(documents.iter().copied(), &mut std::io::stdout().lock())?;
        return Ok(());
    };
    let predictions = prediction::read(Path::new(predictions))?;
    let train = corpora::load(&folder, train)?;
    let options = Options::default();
    let table = if *set == "codiesp" {
        let release = Release::from_bytes(&std::fs::read(release)?)?;
        let seen = tasks::codiesp::codes(train.part(Split::Train));
        tasks::codiesp::score(&documents, &predictions, &release, &seen, &options)
    } else {
        let seen = tasks::mentions::phrases(train.part(Split::Train), "disease");
        let task = tasks::mentions::Task { title: set, label: "disease", field: "disease" };
        tasks::mentions::score(&task, &documents, &predictions, &seen, &options)
    };
    print!("{}", table.to_text());
    Ok(())
}
