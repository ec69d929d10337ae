//! From the text of a note to suggestions, with the model that ships: any text, and templates of any label.
#![no_main]

use std::path::Path;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use overread_codes::Release;
use overread_domain::span::CodePoints;
use overread_domain::template::ENCOUNTER_ABSTRACT;
use overread_domain::{NoteMeta, Template};
use overread_suggest::{NoteInput, Options, Suggest as _, Suggester};

static MODEL: LazyLock<Suggester> = LazyLock::new(|| {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let release = std::fs::read(root.join("data/icd-10-cm/2026-04.ovr")).expect("the release that ships");
    let release = Arc::new(Release::from_bytes(&release).expect("it is whole"));
    Suggester::load(&root.join("models/overread-minilm"), release, Options::default()).expect("the model that ships")
});

fuzz_target!(|text: &str| {
    let mut template: Template = serde_json::from_str(ENCOUNTER_ABSTRACT).expect("it ships");
    if let Some(field) = template.groups[0].fields.first_mut() {
        field.label = text.chars().filter(|c| !c.is_control()).take(40).chain(['x']).collect();
    }
    let said = MODEL.suggest(&NoteInput { text, meta: &NoteMeta::default() }, &template).expect("text is read");
    let points = CodePoints::new(text);
    for suggestion in said.suggestions {
        assert!((0.0..=1.0).contains(&suggestion.confidence));
        for quoted in &suggestion.content.evidence {
            points.resolve(quoted).expect("evidence is where it says");
        }
    }
});
