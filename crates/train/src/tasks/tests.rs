//! Small cases counted by hand.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use overread_domain::{Assertion, Quoted};

use super::learning::{Arm, Scores, curve};
use super::reviewer::{Act, Wrong, review};
use super::*;
use crate::corpora::negex::Case;
use crate::corpora::{Corpus, Document, Mention, Split};
use crate::eval::Options;
use crate::gold::{GoldNote, GoldSpan};
use crate::prediction::{Candidate, Prediction, Suggested, SuggestedCode};

fn document(id: &str, text: &str, mentions: &[(&str, Range<usize>)], codes: &[&str]) -> Document {
    Document {
        id: id.into(),
        corpus: Corpus::Bc5cdrDev,
        split: Split::Dev,
        fold: None,
        text: text.into(),
        mentions: mentions
            .iter()
            .map(|(label, range)| Mention {
                label: (*label).into(),
                range: range.clone(),
                assertion: None,
                code: None,
                concept: None,
                value: None,
            })
            .collect(),
        links: Vec::new(),
        annotated: Arc::new(BTreeSet::from(["disease".to_owned()])),
        doubtful: Vec::new(),
        note_codes: codes.iter().map(|&code| code.to_owned()).collect(),
        section: None,
    }
}

fn suggested(field: &str, range: Range<usize>, confidence: f64) -> Suggested {
    Suggested {
        field: field.into(),
        start: range.start,
        end: range.end,
        quote: String::new(),
        value: None,
        assertion: None,
        confidence,
        shown: true,
        attrs: BTreeMap::new(),
        codes: Vec::new(),
    }
}

fn predictions(of: Vec<(&str, Vec<Suggested>, Vec<SuggestedCode>)>) -> HashMap<String, Prediction> {
    of.into_iter()
        .map(|(id, suggestions, codes)| (id.to_owned(), Prediction { id: id.into(), suggestions, codes }))
        .collect()
}

fn value(table: &Table, row: &str, figure: &str) -> f64 {
    table.figure(row, figure).unwrap_or_else(|| panic!("{row} {figure}")).value
}

fn near(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9, "{a} is not {b}");
}

#[test]
fn mentions_count_by_exact_place_and_by_overlap() {
    // é is one code point and two bytes: places are compared in code points.
    let text = "é gout flare and asthma and gout";
    let one = document("1", text, &[("disease", 3..13), ("disease", 18..24), ("disease", 29..33)], &[]);
    let two = document("2", "no gout", &[("disease", 3..7)], &[]);
    let said = predictions(vec![(
        "1",
        vec![
            suggested("disease", 2..6, 0.9),
            suggested("disease", 17..23, 0.8),
            suggested("disease", 17..23, 0.7),
            suggested("disease", 28..32, 0.2),
            suggested("chemical", 28..32, 0.9),
        ],
        vec![],
    )]);
    let task = mentions::Task { title: "x", label: "disease", field: "disease" };
    let seen = HashSet::from(["asthma".to_owned()]);
    let options = Options { threshold: 0.5, ..Options::default() };
    let found = mentions::score(&task, &[&one, &two], &said, &seen, &options);
    near(value(&found, "exact", "precision"), 0.5);
    near(value(&found, "exact", "recall"), 0.25);
    near(value(&found, "exact", "F1"), 1.0 / 3.0);
    near(value(&found, "overlap", "precision"), 1.0);
    near(value(&found, "overlap", "recall"), 0.5);
    near(value(&found, "exact, phrase seen in training", "recall"), 1.0);
    near(value(&found, "exact, phrase not seen in training", "recall"), 0.0);
    assert!(found.title.contains("1 without prediction"));
    assert_eq!(mentions::phrases([&two], "disease"), HashSet::from(["gout".to_owned()]));
}

#[test]
fn one_suggestion_overlaps_one_reference() {
    let one = document("1", "gout and asthma", &[("disease", 0..4), ("disease", 9..15)], &[]);
    let said = predictions(vec![("1", vec![suggested("disease", 0..15, 0.9)], vec![])]);
    let task = mentions::Task { title: "x", label: "disease", field: "disease" };
    let found = mentions::score(&task, &[&one], &said, &HashSet::<String>::new(), &Options::default());
    near(value(&found, "overlap", "recall"), 0.5);
    near(value(&found, "exact", "F1"), 0.0);
}

#[test]
fn rankings_of_codes_follow_the_shared_task() {
    let release =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/icd-10-cm/2026-04.ovr")).unwrap();
    let release = overread_codes::Release::from_bytes(&release).unwrap();
    let one = document("1", "", &[], &["I10", "E11.9", "Z99.X77"]);
    let two = document("2", "", &[], &["N20.0"]);
    let code = |code: &str, confidence, shown| SuggestedCode { code: code.into(), confidence, shown };
    let said = predictions(vec![(
        "1",
        vec![],
        vec![
            code("i10", 0.9, true),
            code("E11.65", 0.8, true),
            code("I10", 0.7, true),
            code("E11.9", 0.6, false),
        ],
    )]);
    let seen = HashSet::from(["I10".to_owned()]);
    let found = codiesp::score(&[&one, &two], &said, &release, &seen, &Options::default());
    // I10, E11.65, E11.9: (1 + 2/3) / 3 and 0 for the report without prediction.
    near(value(&found, "ranking, exact", "MAP"), (1.0 + 2.0 / 3.0) / 3.0 / 2.0);
    // I10, E11 of I10, E11, Z99.
    near(value(&found, "ranking, 3 characters", "MAP"), (1.0 + 1.0) / 3.0 / 2.0);
    near(value(&found, "shown, exact", "precision"), 0.5);
    near(value(&found, "shown, exact", "recall"), 0.25);
    near(value(&found, "shown, 3 characters", "recall"), 0.5);
    near(value(&found, "shown, codes seen in training", "recall"), 1.0);
    near(value(&found, "shown, codes not seen", "recall"), 0.0);
    near(value(&found, "ranking, codes seen in training", "MAP"), 1.0);
    // E11.65, E11.9 for E11.9 and Z99.X77; nothing for N20.0.
    near(value(&found, "ranking, codes not seen", "MAP"), (0.5 / 2.0) / 2.0);
    near(value(&found, "ceiling: codes that the release has", "share"), 0.75);
    near(value(&found, "codes seen in training", "share"), 0.25);
    assert_eq!(codiesp::codes([&two]), HashSet::from(["N20.0".to_owned()]));
}

#[test]
fn negation_is_judged_on_all_and_time_on_the_affirmed() {
    let case = |id: &str, text: &str, negated, historical| Case {
        id: id.into(),
        text: text.into(),
        condition: 0..4,
        negated,
        historical,
        other_experiencer: false,
    };
    let cases = [
        case("1", "gout absent", true, Some(true)),
        case("2", "gout absent", true, Some(true)),
        case("3", "gout historical", false, Some(true)),
        case("4", "gout present", true, None),
        case("5", "gout absent, not really", false, Some(false)),
    ];
    let answer = |text: &str, _| match text.split(|c: char| !c.is_alphabetic()).nth(1) {
        Some("absent") => Assertion::Absent,
        Some("historical") => Assertion::Historical,
        _ => Assertion::Present,
    };
    let found = negation::score(&cases, answer, &Options::default());
    near(value(&found, "negated", "precision"), 2.0 / 3.0);
    near(value(&found, "negated", "recall"), 2.0 / 3.0);
    near(value(&found, "negated, each sentence once", "recall"), 0.5);
    near(value(&found, "negated or affirmed", "accuracy"), 0.6);
    near(value(&found, "historical, of affirmed", "F1"), 1.0);
    assert_eq!(found.figure("historical or recent, of affirmed", "accuracy").unwrap().n, 2);
    assert_eq!(negation::wrong(&cases, answer), [("4", true), ("5", false)]);
}

#[test]
fn codes_of_mentions_stand_at_their_rank() {
    let mut notes: Vec<Document> = (0..2)
        .map(|n| document(&n.to_string(), "gout", &[("diagnosis", 0..4), ("history", 0..4)], &[]))
        .collect();
    for (fold, note) in notes.iter_mut().enumerate() {
        note.fold = Some(fold as u8);
        note.mentions[0].code = Some("M10.9".into());
        note.mentions[1].code = Some(["I10", "E11.9"][fold].into());
    }
    let notes: Vec<&Document> = notes.iter().collect();
    let seen = mention_codes::seen_in_other_folds(&notes);
    assert!(seen(notes[0], "M10.9") && !seen(notes[0], "I10") && seen(notes[1], "I10"));
    let ranking = |_: &Document, mention: &Mention| -> Vec<String> {
        let codes: &[&str] = if mention.label == "diagnosis" { &["M10.00", "M10.9"] } else { &["I10"] };
        codes.iter().map(|&code| code.to_owned()).collect()
    };
    let found = mention_codes::score(&notes, &["diagnosis", "history"], ranking, seen, &Options::default());
    near(value(&found, "all", "@1"), 0.25);
    near(value(&found, "all", "@3"), 0.75);
    near(value(&found, "all", "MRR"), (0.5 + 0.5 + 1.0) / 4.0);
    near(value(&found, "all", "3 characters @1"), 0.75);
    near(value(&found, "code seen in training", "@8"), 1.0);
    near(value(&found, "code not seen", "@8"), 0.5);
    near(value(&found, "field history", "@1"), 0.5);
    assert!(found.to_text().contains("field diagnosis"));
}

fn gold(field: &str, text: &str, quote: &str, code: &str) -> GoldSpan {
    let start = text.find(quote).unwrap();
    GoldSpan {
        field: field.into(),
        start,
        end: start + quote.len(),
        quote: quote.into(),
        code: (!code.is_empty()).then(|| code.to_owned()),
        ..GoldSpan::default()
    }
}

#[test]
fn reviewer_decides_in_reading_order() {
    let text = "Gout, asthma, fever, iron 325 mg, aged 70, pulse 70.";
    let mut iron = gold("medication", text, "iron", "");
    iron.attrs.insert("dose".into(), Quoted { start: 26, end: 32, quote: "325 mg".into() });
    let mut age = gold("age", text, "aged 70", "");
    age.value = Some("70 years".into());
    let note = GoldNote {
        id: "n".into(),
        text: text.into(),
        spans: vec![
            age,
            iron,
            gold("diagnosis", text, "Gout", "M10.9"),
            gold("history", text, "asthma", "J45.909"),
        ],
        ..GoldNote::default()
    };
    let say = |field: &str, quote: &str, code: &str| {
        let start = text.find(quote).unwrap();
        let mut s = suggested(field, start..start + quote.len(), 0.9);
        s.quote = quote.into();
        s.codes = (!code.is_empty()).then(|| Candidate { code: code.into() }).into_iter().collect();
        s
    };
    let mut wrong_age = say("age", "pulse 70", "");
    (wrong_age.value, wrong_age.confidence) = (Some("70 years".into()), 0.5);
    let mut right_age = say("age", "aged 70", "");
    right_age.value = Some("70 Years".into());
    let said = vec![
        wrong_age,
        right_age,
        say("medication", "iron", ""),
        say("diagnosis", "Gout,", "M10.9"),
        say("absent_condition", "fever", ""),
    ];
    let prediction = Prediction { id: "n".into(), suggestions: said, codes: vec![] };
    let acts = review(&note, Some(&prediction), &Options::default());
    let short: Vec<(usize, &str)> = acts
        .iter()
        .map(|act| {
            let name = match act {
                Act::Accept { .. } => "accept",
                Act::Correct { .. } => "correct",
                Act::Reject { .. } => "reject",
                Act::Add { .. } => "add",
            };
            (act.place().start, name)
        })
        .collect();
    assert_eq!(
        short,
        [(0, "accept"), (6, "add"), (14, "reject"), (21, "correct"), (34, "accept"), (43, "reject")]
    );
    let Act::Correct { wrong, .. } = acts[3] else { panic!() };
    assert_eq!(wrong, Wrong { attributes: true, ..Wrong::default() });
    assert_eq!(acts.iter().filter(|act| act.teaches()).count(), 4);
    assert_eq!(review(&note, None, &Options::default()).len(), 4, "all is to be added");
}

#[test]
fn reviewer_says_what_is_wrong() {
    let text = "Old stroke seen.";
    let mut reference = gold("history", text, "Old stroke", "I69.30");
    reference.assertion = Some("historical".into());
    let note = GoldNote { id: "n".into(), text: text.into(), spans: vec![reference], ..GoldNote::default() };
    let mut s = suggested("diagnosis", 4..10, 0.9);
    s.quote = "stroke".into();
    let prediction = Prediction { id: "n".into(), suggestions: vec![s], codes: vec![] };
    let acts = review(&note, Some(&prediction), &Options::default());
    let [Act::Correct { wrong, .. }] = acts[..] else { panic!("{acts:?}") };
    assert_eq!(wrong, Wrong { field: true, words: true, assertion: true, code: true, ..Wrong::default() });
}

#[test]
fn curve_asks_for_the_start_once() {
    let mut asked = Vec::new();
    let found = curve(&Arm::ALL, &[0, 25], |arm, n| {
        asked.push((arm, n));
        let value = 0.5 + n as f64 / 1000.0;
        Ok::<_, ()>(Scores::from([("condition F1".to_owned(), Figure { value, n: 80, interval: None })]))
    })
    .unwrap();
    assert_eq!(asked.len(), 4);
    near(found.gain(Arm::All, 25, "condition F1").unwrap(), 0.025);
    assert_eq!(found.gain(Arm::All, 300, "condition F1"), None);
    let text = found.to_text();
    assert_eq!(text.matches("0.5250 (+0.025)").count(), 3, "{text}");
    assert_eq!(curve(&Arm::ALL, &[0], |_, _| Err::<Scores, _>("broken")).unwrap_err(), "broken");
}

#[test]
fn template_asks_in_the_words_of_the_label() {
    let template = mentions::template("disease").unwrap();
    template.check().unwrap();
    let field = template.field("disease").unwrap();
    assert_eq!((field.label.as_str(), field.examples.len()), ("Disease", 3));
    assert!(mentions::template("no such label").is_none());
}
