//! The pipeline with trained heads. Their numbers are noise here: what is tested holds for any heads.

use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use overread_codes::Release;
use overread_domain::entry::Entry;
use overread_domain::span::CodePoints;
use overread_domain::template::{Cardinality, ENCOUNTER_ABSTRACT, Field, FieldKind, Group};
use overread_domain::{Action, Assertion, DecisionId, ItemId, NoteMeta, Template};
use overread_suggest::neural::Neural;
use overread_suggest::{CodeSearch, NoteInput, Options, SearchOptions, Suggest, Suggested, Suggester};

const NOTE: &str = "CHIEF COMPLAINT: Swollen ankle.\n\nHISTORY OF PRESENT ILLNESS: This 41-year-old man twisted \
his left ankle on ice. He denies fever. No history of gout.\n\nMEDICATIONS:\n1. Lisinopril 20 mg p.o. daily.\n\
2. Zorbatrex 5 mg b.i.d.\n\nLABORATORY DATA: White count 9.1, uric acid 6.2.\n\nASSESSMENT:\n1. Left ankle sprain.\n\
2. Hypertension.\n\nPLAN: Rest and ice. Follow up in two weeks.\n";

fn base() -> &'static Suggester {
    static MODEL: OnceLock<Suggester> = OnceLock::new();
    MODEL.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let bytes = std::fs::read(root.join("data/icd-10-cm/2026-04.ovr")).expect("the release ships");
        let release = Arc::new(Release::from_bytes(&bytes).expect("the release reads"));
        Suggester::load(&root.join("models/overread-minilm"), release, Options::default())
            .expect("the model loads")
    })
}

/// Heads of numbers that look random; `lift` is added to the bias of the field logits.
fn noise(seed: u64, lift: f32) -> Neural {
    let hidden = base().encoder().hidden();
    let made: Result<Neural, Infallible> =
        Neural::from_tensors(hidden, format!("noise {seed}"), |name, shape| {
            let mut state =
                name.bytes().fold(seed | 1, |s, b| s.wrapping_mul(31).wrapping_add(u64::from(b)) | 1);
            let n: usize = shape.iter().product();
            let lift = if name == "field.bias" { lift } else { 0.0 };
            Ok((0..n)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    ((state >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * 0.2 + lift
                })
                .collect())
        });
    made.unwrap_or_else(|never| match never {})
}

fn shipped() -> Template {
    serde_json::from_str(ENCOUNTER_ABSTRACT).expect("the template is legal")
}

fn suggest(model: &Suggester, text: &str, template: &Template) -> Suggested {
    model.suggest(&NoteInput { text, meta: &NoteMeta::default() }, template).expect("any text is legal")
}

/// Everything that is suggested can stand in an entry.
fn accept_all(model: &Suggester, text: &str, template: &Template, found: &Suggested) {
    let points = CodePoints::new(text);
    let mut entry = Entry::new(template, &found.suggestions, &points);
    let rows: Vec<ItemId> = entry.items().iter().map(|item| item.id.clone()).collect();
    for (n, item) in rows.into_iter().enumerate() {
        let content = entry.item(&item).expect("it stands there").content.clone();
        let id = DecisionId::new(format!("d{n}"));
        entry.apply(id, Action::Correct { item, content }).expect("what is suggested may stand");
    }
    for suggestion in &found.suggestions {
        assert!((0.0..=1.0).contains(&suggestion.confidence));
        for quoted in suggestion.content.evidence.iter().chain(suggestion.content.attributes.values()) {
            points.resolve(quoted).expect("quotes are what the text holds");
        }
        for candidate in &suggestion.candidates {
            assert!(model.release().is_billable(&candidate.code));
        }
    }
}

fn own_fields() -> Template {
    let field = |id: &str, label: &str, kind: FieldKind| Field {
        id: id.into(),
        label: label.into(),
        description: "what the note says of it".into(),
        examples: vec!["left".into()],
        kind,
        cardinality: Cardinality::Many,
        required: false,
        assertion: id == "finding",
        code_system: None,
        attributes: Vec::new(),
    };
    Template {
        id: "own".into(),
        version: 1,
        name: "Own".into(),
        groups: vec![Group {
            label: "All".into(),
            fields: vec![
                field("side", "Side", FieldKind::Choice { options: vec!["left".into(), "right".into()] }),
                field("finding", "Joint finding", FieldKind::Condition),
                field("amount", "Amount given", FieldKind::Quantity { units: vec!["mg".into()] }),
                field("onset", "Day of onset", FieldKind::Date),
                field("other_age", "Age at onset", FieldKind::Age),
                field("other_pressure", "Pressure at rest", FieldKind::BloodPressure),
                field("words", "Own words", FieldKind::Text),
            ],
        }],
    }
}

#[test]
fn any_heads_give_legal_entries() {
    for (seed, lift) in [(1, 0.0), (2, 3.0), (3, -3.0)] {
        let model = base().with_neural(noise(seed, lift)).unwrap();
        for template in [shipped(), own_fields()] {
            for text in [NOTE, "", " \n", "ASSESSMENT:", "a", "😷 38.5 °C", "病人无发热。"] {
                let found = suggest(&model, text, &template);
                accept_all(&model, text, &template, &found);
                assert_eq!(found, suggest(&model, text, &template));
            }
        }
    }
}

#[test]
fn heads_make_another_version_and_other_vectors() {
    let (a, b) = (base().with_neural(noise(1, 0.0)).unwrap(), base().with_neural(noise(2, 0.0)).unwrap());
    assert_ne!(a.model().version, b.model().version);
    assert_ne!(a.reader(), b.reader());
    assert_ne!(a.reader(), base().reader());
    assert_ne!(CodeSearch::of(&a).file_name(), CodeSearch::of(base()).file_name());
    let plain = CodeSearch::new(base().release(), base().encoder());
    assert_ne!(
        plain.file_name(),
        CodeSearch::of(base()).file_name(),
        "the shipped heads make vectors of their own"
    );
    assert!(!CodeSearch::of(&a).search("gout", &SearchOptions::default()).unwrap().1);
}

#[test]
fn a_span_has_an_assertion_whoever_is_asked() {
    let fever = NOTE.find("fever").unwrap();
    let pressure = NOTE.find("Hypertension").unwrap();
    let model = base().without_vectors();
    assert_eq!(model.assertion_of(NOTE, fever..fever + 5).unwrap(), Assertion::Absent);
    assert_eq!(model.assertion_of(NOTE, pressure..pressure + 12).unwrap(), Assertion::Present);
    assert!(model.assertion_of(NOTE, 5..5).is_err());
    assert!(model.assertion_of("é", 0..1).is_err());
}
