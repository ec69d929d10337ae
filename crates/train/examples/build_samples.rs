//! Checks the sample entries and writes `samples/notes.jsonl` and `samples/reference.jsonl`.

use std::path::Path;

use overread_train::samples;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let notes = samples::build(&folder)?;
    std::fs::write(folder.join("notes.jsonl"), samples::import_lines(&notes))?;
    std::fs::write(folder.join("reference.jsonl"), samples::reference_lines(&notes))?;
    let (spans, codes) =
        notes.iter().fold((0, 0), |(s, c), note| (s + note.spans.len(), c + note.codes.len()));
    println!("{} notes, {spans} spans, {codes} codes", notes.len());
    Ok(())
}
