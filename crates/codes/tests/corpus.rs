//! The seeds of the fuzz targets and damaged copies of them, in every run of the tests.

use std::path::{Path, PathBuf};

use overread_codes::import::{File, Limits, Options, import};
use overread_codes::{Book, CodeList, Release};
use overread_conformance::mutants;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn damaged_official_files_are_refused_or_can_be_written() {
    let limits = Limits { files: 20, file_bytes: 1 << 20, all_bytes: 2 << 20 };
    let options = Options { effective: Some("2026-04-01".into()), system: Some("own".into()), limits };
    let (mut seeds, mut good, mut bad) = (0, 0, 0);
    for file in std::fs::read_dir(root().join("fuzz/seeds/code_import")).unwrap() {
        let seed = std::fs::read(file.unwrap().path()).unwrap();
        seeds += 1;
        for bytes in std::iter::once(seed.clone()).chain(mutants(&seed, 300)) {
            // A zero byte parts files, so that one seed can be a whole delivery.
            let files = bytes.split(|byte| *byte == 0).take(4).enumerate();
            let files =
                files.map(|(n, own)| File { name: format!("file-{n}"), bytes: own.to_vec() }).collect();
            match import(files, &options) {
                Ok((found, _)) => {
                    good += 1;
                    for result in found {
                        assert!(!result.to_bytes().unwrap().is_empty());
                    }
                }
                Err(_) => bad += 1,
            }
        }
    }
    assert!(seeds >= 15 && good > 500 && bad > 500, "{seeds} seeds, {good} read, {bad} refused");
}

#[test]
fn a_damaged_release_is_never_read() {
    // The head of the shipped release is enough: its hash does not hold.
    let mut seed = std::fs::read(root().join("data/icd-10-cm/2026-04.ovr")).unwrap();
    seed.truncate(4_000);
    for bytes in mutants(&seed, 1_000) {
        assert!(Release::from_bytes(&bytes).is_err());
        assert!(Book::from_bytes(&bytes).is_err());
        assert!(CodeList::from_bytes(&bytes).is_err());
    }
}
