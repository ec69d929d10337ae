//! References of a tabular note, questions and searches: any text.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use overread_codes::{Options, Release};

static RELEASE: LazyLock<Release> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/icd-10-cm/2026-04.ovr");
    Release::from_bytes(&std::fs::read(path).expect("the release that ships")).expect("it is whole")
});

fuzz_target!(|text: &str| {
    for reference in RELEASE.references(text) {
        assert!(text.get(reference.at.clone()).is_some());
        assert!(reference.covers(&reference.first) || reference.only.is_some() || reference.last.is_some());
    }
    let (code, said) = text.split_at(text.char_indices().nth(5).map_or(text.len(), |(at, _)| at));
    let _ = RELEASE.drill(code, said);
    let _ = RELEASE.construct(code);
    let hits = RELEASE.search(text, &Options::default());
    assert!(hits.len() <= 20);
});
