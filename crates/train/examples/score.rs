//! `score GOLD PREDICTIONS [THRESHOLD] [--json] [--errors FILE]`: the figures of a file of suggestions.

use std::io::BufWriter;
use std::path::Path;

use overread_train::{eval, gold, prediction};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let json = arguments.iter().position(|a| a == "--json").map(|at| arguments.remove(at)).is_some();
    let errors = arguments.iter().position(|a| a == "--errors").map(|at| arguments.drain(at..at + 2).nth(1));
    let [reference, suggested, rest @ ..] = arguments.as_slice() else {
        return Err("two files are needed: reference entries and predictions".into());
    };
    let threshold = rest.first().map_or(Ok(0.0), |value| value.parse())?;
    let notes = gold::read(Path::new(reference))?;
    let predictions = prediction::read(Path::new(suggested))?;
    let report = eval::score(&notes, &predictions, threshold);
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.to_table());
    }
    if let Some(path) = errors.flatten() {
        let mut file = BufWriter::new(std::fs::File::create(path)?);
        eval::write_errors(&notes, &predictions, threshold, &mut file)?;
    }
    Ok(())
}
