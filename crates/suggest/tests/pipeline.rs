//! The whole pipeline with the shipped encoder and code release.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use overread_codes::Release;
use overread_domain::entry::Entry;
use overread_domain::span::CodePoints;
use overread_domain::suggestion::{Assertion, Suggestion};
use overread_domain::template::{Cardinality, ENCOUNTER_ABSTRACT, Field, FieldKind, Group};
use overread_domain::{Action, CodeRole, DecisionId, ItemId, LessonKind, NoteMeta, Template};
use overread_suggest::fitting::{self, Marked};
use overread_suggest::known::KnownLabels;
use overread_suggest::memory::{Fact, Weights};
use overread_suggest::{
    CodeSearch, Given, Memory, NoteInput, Options, SearchOptions, Suggest, Suggested, Suggester,
};
use proptest::prelude::*;

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn model() -> &'static Suggester {
    static MODEL: OnceLock<Suggester> = OnceLock::new();
    MODEL.get_or_init(|| {
        let bytes = std::fs::read(root().join("data/icd-10-cm/2026-04.ovr")).expect("the release ships");
        let release = Arc::new(Release::from_bytes(&bytes).expect("the release reads"));
        Suggester::load(&root().join("models/overread-minilm"), release, Options::default())
            .expect("the model loads")
    })
}

fn abstract_template() -> Template {
    serde_json::from_str(ENCOUNTER_ABSTRACT).expect("the template is legal")
}

fn suggest(text: &str, template: &Template) -> Suggested {
    model().suggest(&NoteInput { text, meta: &NoteMeta::default() }, template).expect("any text is legal")
}

/// Accepting everything that is shown must be legal: the entry is the judge of the contract.
fn accept_all(text: &str, template: &Template, suggestions: &[Suggestion]) {
    let points = CodePoints::new(text);
    let mut entry = Entry::new(template, suggestions, &points);
    let rows: Vec<ItemId> = entry.items().iter().map(|item| item.id.clone()).collect();
    for (n, item) in rows.into_iter().enumerate() {
        let content = entry.item(&item).expect("it stands there").content.clone();
        let id = DecisionId::new(format!("d{n}"));
        entry.apply(id, Action::Correct { item, content }).expect("what is suggested may stand");
    }
    for suggestion in suggestions {
        assert!(!suggestion.content.evidence.is_empty(), "no evidence for {}", suggestion.content.field);
        for quoted in suggestion.content.evidence.iter().chain(suggestion.content.attributes.values()) {
            points.resolve(quoted).expect("quotes are what the text holds");
        }
        assert!((0.0..=1.0).contains(&suggestion.confidence));
        assert!(suggestion.candidates.len() <= 8);
        for candidate in &suggestion.candidates {
            assert!(model().release().is_billable(&candidate.code), "{}", candidate.code);
        }
    }
}

const NOTE: &str = "CHIEF COMPLAINT: Worsening cough.\r\n\r\n\
HISTORY OF PRESENT ILLNESS: This 68-year-old woman came in with a worsening cough. She denies fever, chills or chest pain.\r\n\r\n\
PAST MEDICAL HISTORY: Hypertension. Cholecystectomy in 1998.\r\n\r\n\
FAMILY HISTORY: Mother had breast cancer.\r\n\r\n\
SOCIAL HISTORY: Quit smoking in 2001. Does not drink.\r\n\r\n\
ALLERGIES: Penicillin causes hives.\r\n\r\n\
MEDICATIONS:\r\n1. Lisinopril 20 mg p.o. daily.\r\n2. Warfarin 5 mg daily.\r\n\r\n\
PHYSICAL EXAMINATION:\r\nVITAL SIGNS: Temperature 99.1, pulse 88, respirations 18, blood pressure 142/86.\r\n\r\n\
LABORATORY DATA: White count 13.2, hemoglobin 12.1.\r\n\r\n\
ASSESSMENT:\r\n1. Community-acquired pneumonia.\r\n2. Atrial fibrillation.\r\n\r\n\
PLAN: Start azithromycin. Follow up with me in two weeks.\r\n";

#[test]
fn fills_the_shipped_template() {
    let template = abstract_template();
    let found = suggest(NOTE, &template);
    accept_all(NOTE, &template, &found.suggestions);
    let shown = |field: &str| -> Vec<&Suggestion> {
        found.suggestions.iter().filter(|s| s.shown && s.content.field == field).collect()
    };
    let value = |field: &str| shown(field).first().and_then(|s| s.content.value.clone()).unwrap_or_default();
    assert_eq!(value("age"), "68 years");
    assert_eq!(value("sex"), "female");
    assert_eq!(value("blood_pressure"), "142/86");
    assert_eq!(value("temperature"), "99.1 F");
    assert_eq!(value("tobacco_use"), "former");
    assert_eq!(value("alcohol_use"), "none");
    let quotes = |field: &str| -> Vec<String> {
        shown(field).iter().map(|s| s.content.evidence[0].quote.to_lowercase()).collect()
    };
    assert_eq!(quotes("medication")[..2], ["lisinopril", "warfarin"]);
    assert_eq!(shown("medication")[0].content.attributes["dose"].quote, "20 mg");
    assert_eq!(quotes("allergy"), ["penicillin"]);
    assert!(quotes("diagnosis").iter().any(|q| q.contains("pneumonia")), "{:?}", quotes("diagnosis"));
    assert!(quotes("absent_condition").contains(&"fever".to_owned()), "{:?}", quotes("absent_condition"));
    let fibrillation =
        shown("diagnosis").into_iter().find(|s| s.content.evidence[0].quote.contains("fibrillation"));
    assert_eq!(fibrillation.unwrap().candidates[0].code, "I48.91");
    let family = shown("family_history");
    assert_eq!(family[0].content.assertion, Some(Assertion::Family));
    let finals = shown("final_code");
    assert_eq!(finals.iter().filter(|s| s.content.role == Some(CodeRole::Principal)).count(), 1);
    assert!(finals.iter().any(|s| s.content.code.as_ref().is_some_and(|c| c.code == "Z79.01")));
}

#[test]
fn equal_input_gives_equal_output() {
    let template = abstract_template();
    assert_eq!(suggest(NOTE, &template), suggest(NOTE, &template));
}

#[test]
fn odd_notes_are_read_soberly() {
    let template = abstract_template();
    let endless = "0".repeat(3000);
    let odd = [
        "",
        "   \r\n\t ",
        ".",
        "1234567890 42 7/7/7 99",
        "\u{0}\u{1}\u{7f}\u{200b}",
        "病人无发热，血压正常。",
        "ASSESSMENT:",
        "1. 2. 3.",
        "Пациент жалуется на кашель.",
        "😷😷😷 T 38.5 °C 😷",
        "e\u{301}\u{301}\u{301}: \u{a0}",
        "BP: /",
        "a:b:c:d:\r\r\r\n",
        &endless,
    ];
    for text in odd {
        accept_all(text, &template, &suggest(text, &template).suggestions);
    }
    assert!(suggest("", &template).suggestions.is_empty());
}

#[test]
fn a_note_of_two_megabytes_is_read_up_to_the_limit() {
    let small = Options { token_limit: 512, byte_limit: 20_000, ..Options::default() };
    let model = Suggester::load(&root().join("models/overread-minilm"), model().release(), small).unwrap();
    let text = NOTE.repeat(2_000_000 / NOTE.len());
    let template = abstract_template();
    let found = model.suggest(&NoteInput { text: &text, meta: &NoteMeta::default() }, &template).unwrap();
    let until = found.read_until.expect("it says where it stopped");
    assert!(until < 20_000);
    assert!(found.suggestions.iter().any(|s| s.content.field == "age"));
    accept_all(&text, &template, &found.suggestions);
}

fn text_field(id: &str, label: &str, description: &str, kind: FieldKind) -> Field {
    Field {
        id: id.into(),
        label: label.into(),
        description: description.into(),
        examples: Vec::new(),
        kind,
        cardinality: Cardinality::One,
        required: false,
        assertion: false,
        code_system: None,
        attributes: Vec::new(),
    }
}

fn template_of(fields: Vec<Field>) -> Template {
    Template {
        id: "own".into(),
        version: 1,
        name: "Own".into(),
        groups: vec![Group { label: "All".into(), fields }],
    }
}

#[test]
fn a_field_of_other_name_is_bound_by_what_its_label_means() {
    let fields = vec![
        text_field("patient_years", "Age of the patient", "how old the patient is", FieldKind::Age),
        text_field(
            "smoking",
            "Smoking status",
            "whether the patient smokes",
            FieldKind::Choice {
                options: ["never", "former", "current", "unknown"].map(String::from).to_vec(),
            },
        ),
    ];
    let found = suggest(NOTE, &template_of(fields));
    let value = |id: &str| {
        found.suggestions.iter().find(|s| s.content.field == id).and_then(|s| s.content.value.clone())
    };
    assert_eq!(value("patient_years").as_deref(), Some("68 years"));
    assert_eq!(value("smoking").as_deref(), Some("former"));
}

#[test]
fn a_field_that_no_rule_knows_is_filled_by_meaning() {
    let text = "ECHOCARDIOGRAM: The left ventricle is dilated. Ejection fraction is 35%. No effusion.\n\
        SOCIAL HISTORY: She lives alone in an apartment with two cats. Retired teacher.";
    let fields = vec![
        text_field(
            "ef",
            "Ejection fraction",
            "left ventricular ejection fraction",
            FieldKind::Quantity { units: vec!["%".into()] },
        ),
        text_field("living", "Living situation", "with whom and where the patient lives", FieldKind::Text),
    ];
    let template = template_of(fields);
    let found = suggest(text, &template);
    accept_all(text, &template, &found.suggestions);
    let best = |id: &str| {
        found.suggestions.iter().find(|s| s.content.field == id).map(|s| s.content.evidence[0].quote.clone())
    };
    assert_eq!(best("ef").as_deref(), Some("35%"));
    assert!(best("living").is_some_and(|q| q.contains("lives alone")), "{:?}", best("living"));
}

#[test]
fn what_was_an_allergy_once_is_one_where_allergies_are_told() {
    let fact = Fact {
        kind: LessonKind::MentionAccepted,
        field: "allergy".into(),
        phrase: "zorbatrex".into(),
        code: None,
        uses: 2,
    };
    let model = model().with_memory(Arc::new(Memory::new(&[fact], Weights::default())));
    let allergies = |text: &str| {
        let input = NoteInput { text, meta: &NoteMeta::default() };
        let found = model.suggest(&input, &abstract_template()).expect("any text is legal").suggestions;
        found
            .into_iter()
            .filter(|s| s.content.field == "allergy")
            .inspect(|s| assert!(s.remembered, "no finder knows this word"))
            .map(|s| s.content.evidence[0].quote.clone())
            .collect::<Vec<_>>()
    };
    let taken =
        "PROCEDURE: The skin was cleaned with zorbatrex and draped.\n\nPLAN: Continue zorbatrex twice daily.";
    assert!(allergies(taken).is_empty());
    let told =
        "HISTORY OF PRESENT ILLNESS: As a child he had an allergic reaction after zorbatrex was given.";
    assert_eq!(allergies(told), ["zorbatrex"]);
    // What the model says by itself does not pass for something remembered.
    let own = "ASSESSMENT: Essential hypertension.";
    let found = model.suggest(&NoteInput { text: own, meta: &NoteMeta::default() }, &abstract_template());
    let found = found.expect("any text is legal").suggestions;
    assert!(!found.is_empty() && found.iter().all(|s| !s.remembered), "{found:?}");
}

#[test]
fn another_edition_gives_its_own_codes_under_another_version() {
    let tabular = r#"<?xml version="1.0" encoding="utf-8"?><ICD10CM.tabular><version>2031</version>
<chapter><name>9</name><desc>Circulatory (I00-I99)</desc><section id="I10-I1A"><desc>Hypertensive diseases (I10-I1A)</desc>
<diag><name>I10</name><desc>Hypertension</desc>
<diag><name>I10.1</name><desc>Essential hypertension</desc></diag>
<diag><name>I10.2</name><desc>Other hypertension</desc></diag></diag></section></chapter></ICD10CM.tabular>"#;
    let file =
        |name: &str, text: &str| overread_codes::import::File { name: name.into(), bytes: text.into() };
    let files = vec![
        file("t.xml", tabular),
        file("l.txt", "I10 Hypertension\nI101 Essential hypertension\nI102 Other hypertension\n"),
    ];
    let (mut found, _) =
        overread_codes::import::import(files, &overread_codes::import::Options::default()).unwrap();
    let overread_codes::import::Imported::Release(release) = found.remove(0) else { panic!("a release") };
    let later = model().coded_in(Arc::from(release), None).expect("it takes any edition");
    assert_eq!(later.model().code_release, "icd-10-cm-2030-10");
    assert_ne!(later.model().version, model().model().version);
    let input = NoteInput { text: "ASSESSMENT: Essential hypertension.", meta: &NoteMeta::default() };
    let codes = |model: &dyn Suggest| -> Vec<String> {
        let found = model.suggest(&input, &abstract_template()).expect("any text is legal").suggestions;
        found.into_iter().filter_map(|s| s.content.code.map(|code| code.code)).collect()
    };
    assert!(codes(model()).contains(&"I10".to_owned()));
    let later = codes(&*later);
    assert!(!later.is_empty() && later.iter().all(|code| code.starts_with("I10.")), "{later:?}");
    assert!(later.contains(&"I10.1".to_owned()), "{later:?}");
}

/// Invented.
const ABSTRACT: &str = "We followed 40 families with hereditary spastic paraplegia. Two children had myasthenia gravis, and \
    one mother died of ovarian cancer. Haloperidol was stopped in three.";

/// What a template of one field finds in [`ABSTRACT`]: quotes and confidences of what is shown, in order of place.
fn shown(model: &Suggester, label: &str, description: &str, examples: &[&str]) -> Vec<(String, f32)> {
    let field = Field {
        examples: examples.iter().map(|e| (*e).to_owned()).collect(),
        cardinality: Cardinality::Many,
        ..text_field("own", label, description, FieldKind::Text)
    };
    let input = NoteInput { text: ABSTRACT, meta: &NoteMeta::default() };
    let mut found = model.suggest(&input, &template_of(vec![field])).expect("any text is legal").suggestions;
    found.retain(|s| s.shown);
    found.sort_by_key(|s| s.content.evidence[0].start);
    found.into_iter().map(|s| (s.content.evidence[0].quote.clone(), s.confidence)).collect()
}

#[test]
fn a_label_that_the_heads_learned_is_believed_by_its_own_measure() {
    let quotes = |found: &[(String, f32)]| found.iter().map(|f| f.0.clone()).collect::<Vec<_>>();
    let diseases = |found: &[String]| {
        let named = ["hereditary spastic paraplegia", "myasthenia gravis", "ovarian cancer"];
        found.iter().all(|q| named.contains(&q.as_str())) && found.len() >= 2 && found[..2] == named[..2]
    };
    let learned = "a disease, disorder, syndrome, injury or abnormal sign, named in full or in short";
    let found = shown(model(), "Disease", learned, &["breast cancer", "renal failure", "ALS"]);
    assert!(diseases(&quotes(&found)), "{found:?}");
    // Other words for the same: bound by what they mean.
    let near =
        shown(model(), "Diseases and disorders", "any disease, disorder or syndrome that is named", &[]);
    assert!(diseases(&quotes(&near)), "{near:?}");
    // The same heads, not told that they know the label, believe themselves less.
    let nothing = KnownLabels { reader: model().reader(), like: 1.0, labels: [].into() };
    let unsure = model().with_known_labels(Arc::new(nothing));
    let found_unsure = shown(&unsure, "Disease", learned, &["breast cancer", "renal failure", "ALS"]);
    assert!(found_unsure.len() <= found.len(), "{found_unsure:?}");
    for (quote, confidence) in &found_unsure {
        let own = found.iter().find(|f| f.0 == *quote).expect("what the unsure see, the sure see");
        assert!(own.1 > confidence + 0.1, "{quote}: {} {confidence}", own.1);
    }
    assert_ne!(unsure.model().version, model().model().version);
    // Labels of other heads are left aside.
    let foreign = KnownLabels { reader: "other".into(), like: 1.0, labels: [].into() };
    let without = model().with_known_labels(Arc::new(foreign));
    assert_eq!(without.model().version, {
        let nothing = KnownLabels { reader: String::new(), like: 1.0, labels: [].into() };
        model().with_known_labels(Arc::new(nothing)).model().version.clone()
    });
}

#[test]
fn labels_are_fitted_to_what_is_marked() {
    let text =
        |n: usize| format!("Case {n}. She had myasthenia gravis, and he had gout. Chlorambucil helped.");
    let texts: Vec<String> = (0..40).map(text).collect();
    let place = |text: &str, words: &str| {
        let start = text.find(words).expect("it is there");
        start..start + words.len()
    };
    // One annotator marks every case, the other every second one.
    let marked = |every: usize| -> Vec<Marked<'_>> {
        let of = |(n, text)| Marked {
            text,
            annotated: ["disease"].into(),
            places: if n % every == 0 {
                vec![("disease", place(text, "myasthenia gravis"))]
            } else {
                Vec::new()
            },
            doubtful: vec![("disease", place(text, "gout"))],
        };
        texts.iter().map(String::as_str).enumerate().map(of).collect()
    };
    let wordings: BTreeMap<String, Vec<String>> = [
        ("disease".to_owned(), vec!["Disease: a named illness".to_owned(), "Illness".to_owned()]),
        ("chemical".to_owned(), vec!["Chemical: a substance".to_owned()]),
    ]
    .into();
    let all = fitting::labels(model(), &wordings, &marked(1)).unwrap();
    assert_eq!(all.reader, model().reader());
    // What nobody annotated is not known.
    assert_eq!(all.labels.keys().collect::<Vec<_>>(), ["disease"]);
    assert_eq!(all.labels["disease"].marked, 40);
    let half = fitting::labels(model(), &wordings, &marked(2)).unwrap();
    assert_eq!(half.labels["disease"].marked, 20);
    let belief = |known: &KnownLabels| known.labels["disease"].belief;
    for known in [&all, &half] {
        assert!(belief(known).slope > 0.0 && (0.2..=0.6).contains(&belief(known).threshold));
    }
    let at = |known: &KnownLabels| belief(known).confidence(1.0);
    assert!(at(&all) > at(&half) + 0.1, "{} {}", at(&all), at(&half));
}

#[test]
fn five_hundred_fields_are_filled_like_one() {
    let kinds =
        [FieldKind::Text, FieldKind::Date, FieldKind::Quantity { units: vec![] }, FieldKind::Condition];
    let fields = (0..500)
        .map(|i| {
            text_field(&format!("f{i}"), &format!("Finding {i}"), "anything about it", kinds[i % 4].clone())
        })
        .collect();
    let template = template_of(fields);
    template.check().unwrap();
    let found = suggest(NOTE, &template);
    accept_all(NOTE, &template, &found.suggestions);
}

#[test]
fn the_version_speaks_of_all_that_decides() {
    let info = model().model();
    assert_eq!(info.version.len(), 64);
    // The encoder without the pooler, which nothing here uses, and the trained heads.
    assert_eq!(info.parameters, 22_565_376 + 809_230);
    let other = model().with_heads(overread_suggest::Heads::built_in());
    if info.heads {
        assert_ne!(other.model().version, info.version);
    }
}

#[test]
fn codes_are_found_by_words_before_there_are_vectors() {
    let search = CodeSearch::new(model().release(), model().encoder());
    let (hits, semantic) = search.search("essential hypertension", &SearchOptions::default()).unwrap();
    assert!(!semantic);
    assert_eq!(hits[0].code, "I10");
    assert!(search.search("", &SearchOptions::default()).unwrap().0.is_empty());
    let mut seen = 0;
    let stopped = search.build_vectors(&mut |done, _| seen = done, &|| true);
    assert!(stopped.is_err() && seen == 0 && !search.has_vectors());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_text_gives_a_legal_entry(text in "(\\PC|[\r\n\t:.,/0-9%A-Za-z ]|(BP|pulse|mg|ALLERGIES:|denies|pneumonia|Lasix|smokes|HISTORY:| ))\
{0,120}") {
        let template = abstract_template();
        accept_all(&text, &template, &suggest(&text, &template).suggestions);
    }
}

#[test]
fn codes_marked_words() {
    let at = |words: &str| {
        let start = NOTE.find(words).expect("the note has it");
        start..start + words.len()
    };
    let given = [
        Given { span: at("Atrial fibrillation"), history: false },
        Given { span: at("Hypertension"), history: true },
        Given { span: at(".\r\n"), history: false },
    ];
    let found = model().codes_of(NOTE, &given).unwrap();
    let first = |i: usize| found[i].first().map(|c| c.0.as_str());
    assert_eq!((first(0), first(1), first(2)), (Some("I48.91"), Some("I10"), None));
    assert!(found[0].iter().all(|(_, p)| (0.0..=1.0).contains(p)));
    let beyond = [Given { span: 5..NOTE.len() + 1, history: false }];
    assert!(model().codes_of(NOTE, &beyond).is_err());
}
