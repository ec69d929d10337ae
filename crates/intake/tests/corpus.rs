//! The seeds of the fuzz target `notes` and damaged copies of them, in every run of the tests.

use std::path::Path;

use overread_conformance::mutants;
use overread_intake::{File, Form, Limits, read};

#[test]
fn damaged_notes_are_refused_with_a_place_or_read_as_they_came() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/notes");
    let (mut seeds, mut good, mut bad) = (0, 0, 0);
    for file in std::fs::read_dir(folder).unwrap() {
        let seed = std::fs::read(file.unwrap().path()).unwrap();
        seeds += 1;
        for bytes in std::iter::once(seed.clone()).chain(mutants(&seed, 4_000)) {
            for form in [Form::JsonLines, Form::PlainText { id: None, title: None }] {
                let plain = form != Form::JsonLines;
                match read(&[File { name: "seed".to_owned(), form, bytes: &bytes }], Limits::default()) {
                    Ok(batch) => {
                        good += 1;
                        assert!(!plain || batch.notes[0].text.as_bytes() == bytes);
                    }
                    Err(faults) => {
                        bad += 1;
                        assert!(!faults.told.is_empty());
                    }
                }
            }
        }
    }
    assert!(seeds >= 2 && good > 1_000 && bad > 1_000, "{seeds} seeds, {good} read, {bad} refused");
}
