//! Small cases counted by hand, then the sample entries with known faults put in.

use std::path::Path;

use overread_domain::Quoted;
use proptest::prelude::*;

use super::*;
use crate::gold::{GoldCode, GoldSpan};
use crate::prediction::{Candidate, Suggested, SuggestedCode};

const TEXT: &str =
    "A 65-year-old man with diabetes and old stroke on aspirin 81 mg daily, no fever, hypertension.";

/// The first occurrence of `quote` in [`TEXT`], which is ASCII.
fn at(quote: &str) -> (usize, usize) {
    let start = TEXT.find(quote).unwrap();
    (start, start + quote.len())
}

fn gold(field: &str, quote: &str, value: &str, code: &str) -> GoldSpan {
    let (start, end) = at(quote);
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    GoldSpan {
        field: field.into(),
        start,
        end,
        quote: quote.into(),
        value: given(value),
        code: given(code),
        ..GoldSpan::default()
    }
}

fn suggested(field: &str, quote: &str, confidence: f64, codes: &[&str]) -> Suggested {
    let (start, end) = at(quote);
    Suggested {
        field: field.into(),
        start,
        end,
        quote: quote.into(),
        value: None,
        assertion: None,
        confidence,
        shown: true,
        attrs: BTreeMap::new(),
        codes: codes.iter().map(|code| Candidate { code: (*code).into() }).collect(),
    }
}

fn dose(quote: &str) -> BTreeMap<String, Quoted> {
    [("dose".to_owned(), Quoted { start: 0, end: quote.chars().count(), quote: quote.into() })].into()
}

fn note(spans: Vec<GoldSpan>, codes: &[&str]) -> GoldNote {
    let code = |code: &&str| GoldCode { code: (*code).into(), role: "secondary".into(), evidence: vec![] };
    GoldNote {
        id: "n".into(),
        text: TEXT.into(),
        spans,
        codes: codes.iter().map(code).collect(),
        ..GoldNote::default()
    }
}

fn report(gold: GoldNote, suggestions: Vec<Suggested>, codes: Vec<SuggestedCode>, threshold: f64) -> Report {
    let prediction = Prediction { id: "n".into(), suggestions, codes };
    score(&[gold], &HashMap::from([("n".to_owned(), prediction)]), threshold)
}

/// Matched, predicted, reference.
fn counts(report: &Report, row: &str) -> (usize, usize, usize) {
    let row = &report.summary.rows[row];
    (row.matched, row.predicted, row.reference)
}

fn near(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-12, "{a} is not {b}");
}

#[test]
fn value_is_right_by_its_normal_form() {
    let reference =
        || note(vec![gold("age", "65-year-old", "65 years", ""), gold("sex", "man", "male", "")], &[]);
    let mut sex = suggested("sex", "man", 0.9, &[]);
    sex.value = Some("female".into());
    let mut age = suggested("age", "65-year-old", 0.4, &[]);
    age.value = Some("65 Yrs.".into());
    let found = report(reference(), vec![age, sex], vec![], 0.0);
    assert_eq!(counts(&found, "age"), (1, 1, 1));
    assert_eq!(counts(&found, "sex"), (0, 1, 1));
    assert_eq!(counts(&found, "value fields"), (1, 2, 2));
    near(found.summary.rows["value fields"].f1, 0.5);
}

#[test]
fn surest_of_several_values_counts() {
    let mut wrong = suggested("age", "81", 0.8, &[]);
    wrong.value = Some("81 years".into());
    let found = report(
        note(vec![gold("age", "65-year-old", "65 years", "")], &[]),
        vec![suggested("age", "65-year-old", 0.7, &[]), wrong],
        vec![],
        0.0,
    );
    assert_eq!(counts(&found, "age"), (0, 1, 1));
}

#[test]
fn half_of_the_shorter_is_overlap_enough() {
    let reference = || note(vec![gold("diagnosis", "old stroke", "", "Z86.73")], &[]);
    let fits = |quote| {
        counts(&report(reference(), vec![suggested("diagnosis", quote, 0.5, &[])], vec![], 0.0), "diagnosis")
            .0
    };
    assert_eq!(fits("and old stroke on"), 1, "holds it wholly");
    assert_eq!(fits("d old str"), 1, "7 of 9");
    assert_eq!(fits("and old"), 0, "3 of 7");
    assert_eq!(fits("es and o"), 0, "1 of 8");
}

#[test]
fn matches_are_one_to_one_and_surest_first() {
    let reference =
        note(vec![gold("diagnosis", "diabetes", "", ""), gold("diagnosis", "hypertension", "", "")], &[]);
    let twice =
        vec![suggested("diagnosis", "diabetes", 0.2, &[]), suggested("diagnosis", "with diabetes", 0.9, &[])];
    let found = report(reference, twice, vec![], 0.0);
    assert_eq!(counts(&found, "diagnosis"), (1, 2, 2));
    near(found.summary.rows["diagnosis"].precision, 0.5);
    // Bins of one: |0.2 - 0| / 2 + |0.9 - 1| / 2.
    near(found.summary.ece.value, 0.15);
}

#[test]
fn condition_forgives_the_heading_and_its_rows_do_not() {
    let reference = note(
        vec![
            gold("diagnosis", "diabetes", "", "E11.9"),
            gold("history", "old stroke", "", "Z86.73"),
            gold("diagnosis", "hypertension", "", "I10"),
        ],
        &[],
    );
    let mut stroke = suggested("diagnosis", "old stroke", 0.9, &["I63.9", "I69.30", "Z86.73"]);
    stroke.assertion = Some("historical".into());
    let found =
        report(reference, vec![stroke, suggested("diagnosis", "diabetes", 0.8, &["E11.9"])], vec![], 0.0);
    assert_eq!(counts(&found, "diagnosis"), (1, 2, 2));
    assert_eq!(counts(&found, "history"), (0, 0, 1));
    assert_eq!(counts(&found, "condition"), (2, 2, 3));
    let at: Vec<_> = found.summary.condition_code.iter().map(|at| (at.k, at.figure.value)).collect();
    assert_eq!(at, [(1, 1.0 / 3.0), (3, 2.0 / 3.0), (8, 2.0 / 3.0)]);
    near(found.summary.assertion_accuracy.value, 0.5);
    assert_eq!(found.summary.assertion_accuracy.n, 2);
}

#[test]
fn dose_is_equal_but_for_case_and_spaces() {
    let mut reference = gold("medication", "aspirin", "current", "");
    reference.attrs = dose("81 mg");
    let with = |attrs| {
        let mut s = suggested("medication", "aspirin", 0.9, &[]);
        s.attrs = attrs;
        let found = report(note(vec![reference.clone()], &[]), vec![s], vec![], 0.0);
        assert_eq!(counts(&found, "medication"), (1, 1, 1));
        counts(&found, "medication+dose").0
    };
    assert_eq!(with(dose("81MG")), 1);
    assert_eq!(with(dose("81 mg daily")), 0);
    assert_eq!(with(BTreeMap::new()), 0);
}

#[test]
fn no_known_allergy_matches_anywhere() {
    let found = |value: &str| {
        let mut s = suggested("allergy", "hypertension", 0.9, &[]);
        s.value = Some(value.into());
        counts(
            &report(note(vec![gold("allergy", "no fever", "none known", "")], &[]), vec![s], vec![], 0.0),
            "allergy",
        )
        .0
    };
    assert_eq!((found("none known"), found("latex")), (1, 0));
}

#[test]
fn note_codes_are_sets_and_map_sees_the_whole_ranking() {
    let code = |code: &str, confidence, shown| SuggestedCode { code: code.into(), confidence, shown };
    let codes = vec![
        code("I10", 0.9, true),
        code("E11.65", 0.8, true),
        code("I10", 0.7, true),
        code("Z86.73", 0.6, false),
        code("N18.9", 0.1, true),
    ];
    let found = report(note(vec![], &["I10", "E11.9", "Z86.73"]), vec![], codes, 0.5);
    assert_eq!(counts(&found, "note codes"), (1, 2, 3));
    assert_eq!(counts(&found, "note codes 3 characters"), (2, 2, 3));
    near(found.summary.rows["note codes"].f1, 0.4);
    // Ranked I10, E11.65, Z86.73, N18.9: found at ranks 1 and 3, of three.
    near(found.summary.note_codes_map.value, (1.0 + 2.0 / 3.0) / 3.0);
}

#[test]
fn threshold_and_shown_leave_out() {
    let reference = note(vec![gold("procedure", "aspirin", "", "")], &[]);
    let mut hidden = suggested("procedure", "aspirin", 0.9, &[]);
    hidden.shown = false;
    let found = report(reference, vec![hidden, suggested("procedure", "aspirin", 0.3, &[])], vec![], 0.31);
    assert_eq!(counts(&found, "procedure"), (0, 0, 1));
}

#[test]
fn missing_prediction_is_nothing_suggested() {
    let found =
        score(&[note(vec![gold("age", "65-year-old", "65 years", "")], &["I10"])], &HashMap::new(), 0.0);
    assert_eq!(found.summary.notes_without_prediction, 1);
    assert_eq!(counts(&found, "age"), (0, 0, 1));
    assert_eq!(counts(&found, "note codes"), (0, 0, 1));
}

#[test]
fn quote_off_its_place_is_told() {
    let mut s = suggested("diagnosis", "diabetes", 0.9, &[]);
    s.end += 1;
    let mut far = suggested("diagnosis", "diabetes", 0.9, &[]);
    (far.start, far.end) = (5000, 5008);
    let found = report(note(vec![], &[]), vec![s, far], vec![], 0.0);
    assert_eq!(found.summary.quotes_that_do_not_match, 2);
}

#[test]
fn normal_forms_meet() {
    for (a, b) in [
        ("65 year-old", "65 years"),
        ("65 yrs", "65 Years."),
        ("98.6 F", "98.6 °f"),
        ("98 %", "98%"),
        ("5 ft  4 in", "5ft 4in"),
        ("1.0", "1"),
    ] {
        assert_eq!(normal_form(a), normal_form(b));
    }
    assert_ne!(
        normal_form("65-year-old"),
        normal_form("65 years"),
        "a hyphen is for the suggester to take off"
    );
    assert_ne!(normal_form("98.05"), normal_form("985"));
    assert_eq!(normal_form("1.0.0"), "1.0");
    assert_eq!(normal_form("15 months"), "15months");
}

fn samples() -> Vec<GoldNote> {
    crate::samples::build(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples")).unwrap()
}

/// Suggestions that say what the entry says.
fn perfect(note: &GoldNote) -> Prediction {
    let span = |span: &GoldSpan| Suggested {
        field: span.field.clone(),
        start: span.start,
        end: span.end,
        quote: span.quote.clone(),
        value: span.value.clone(),
        assertion: span.assertion.clone(),
        confidence: 1.0,
        shown: true,
        attrs: span.attrs.clone(),
        codes: span.code.iter().map(|code| Candidate { code: code.clone() }).collect(),
    };
    let code = |code: &GoldCode| SuggestedCode { code: code.code.clone(), confidence: 1.0, shown: true };
    Prediction {
        id: note.id.clone(),
        suggestions: note.spans.iter().map(span).collect(),
        codes: note.codes.iter().map(code).collect(),
    }
}

fn predictions(notes: &[GoldNote]) -> HashMap<String, Prediction> {
    notes.iter().map(|note| (note.id.clone(), perfect(note))).collect()
}

#[test]
fn perfect_predictions_of_the_samples_are_perfect() {
    let notes = samples();
    let found = score(&notes, &predictions(&notes), 0.0);
    for (name, row) in &found.summary.rows {
        assert!(row.f1.to_bits() == 1f64.to_bits() && row.reference > 0, "{name}");
    }
    assert!(found.summary.condition_code.iter().all(|at| at.figure.value.to_bits() == 1f64.to_bits()));
    near(found.summary.assertion_accuracy.value, 1.0);
    near(found.summary.note_codes_map.value, 1.0);
    near(found.summary.ece.value, 0.0);
    assert_eq!(found.summary.quotes_that_do_not_match, 0);
    let mut list = Vec::new();
    assert!(write_errors(&notes, &predictions(&notes), 0.0, &mut list).unwrap().is_empty());
    assert!(list.is_empty());
}

#[test]
fn known_faults_in_the_samples_give_known_figures() {
    let notes = samples();
    let mut wrong = predictions(&notes);
    let (mut conditions, mut lost, mut flipped) = (0, 0, 0);
    for note in &notes {
        let suggestions = &mut wrong.get_mut(&note.id).unwrap().suggestions;
        suggestions.retain(|s| {
            let condition = matches!(s.field.as_str(), "diagnosis" | "history");
            conditions += usize::from(condition);
            // Every third condition is lost, every third says the wrong thing.
            let lose = condition && conditions % 3 == 0;
            lost += usize::from(lose);
            !lose
        });
        for (index, s) in
            suggestions.iter_mut().filter(|s| matches!(s.field.as_str(), "diagnosis" | "history")).enumerate()
        {
            if index % 2 == 0 {
                s.assertion = Some("absent".into());
                s.codes.clear();
                flipped += 1;
            }
        }
    }
    let found = score(&notes, &wrong, 0.0);
    assert_eq!(counts(&found, "condition"), (conditions - lost, conditions - lost, conditions));
    let kept = (conditions - lost) as f64;
    near(found.summary.assertion_accuracy.value, (kept - f64::from(flipped)) / kept);
    near(found.summary.condition_code[0].figure.value, (kept - f64::from(flipped)) / conditions as f64);
    assert_eq!(counts(&found, "lab_result").0, counts(&found, "lab_result").2, "others are untouched");
    let row = &found.summary.rows["condition"];
    let interval = row.f1_interval.unwrap();
    assert!(interval.low < row.f1 && row.f1 < interval.high && interval.high - interval.low < 0.1);

    let count = write_errors(&notes, &wrong, 0.0, &mut Vec::new()).unwrap();
    assert_eq!(count["missed"], lost);
    assert_eq!((count["wrong assertion"], count["wrong code"]), (flipped as usize, flipped as usize));
}

#[test]
fn slices_sum_to_the_whole() {
    let notes = samples();
    let found = score(&notes, &predictions(&notes), 0.0);
    for slices in [&found.by_document_type, &found.by_length] {
        assert_eq!(slices.iter().map(|s| s.summary.notes).sum::<usize>(), notes.len());
        let spans: usize = slices.iter().map(|s| s.summary.rows["medication"].reference).sum();
        assert_eq!(spans, found.summary.rows["medication"].reference);
    }
    let table = found.to_table();
    assert!(table.contains("radiology report") && table.contains("1,000 words and more"));
}

#[test]
fn report_holds_no_words_of_a_note() {
    let notes = samples();
    let found = score(&notes, &predictions(&notes), 0.0);
    let written = found.to_table() + &serde_json::to_string(&found).unwrap();
    for quote in
        notes.iter().flat_map(|n| &n.spans).filter(|s| s.field == "chief_complaint").map(|s| &s.quote)
    {
        assert!(!written.contains(quote.as_str()));
    }
}

#[test]
fn error_list_shows_the_words_and_the_place() {
    let reference = note(vec![gold("diagnosis", "diabetes", "", "E11.9")], &["E11.9"]);
    let prediction = Prediction {
        id: "n".into(),
        suggestions: vec![suggested("procedure", "aspirin", 0.25, &[])],
        codes: vec![],
    };
    let mut list = Vec::new();
    let count =
        write_errors(&[reference], &HashMap::from([("n".into(), prediction)]), 0.0, &mut list).unwrap();
    assert_eq!(count, ErrorCount::from([("extra", 1), ("missed", 1), ("missed code", 1)]));
    let list = String::from_utf8(list).unwrap();
    assert!(list.contains("23..31 …A 65-year-old man with [diabetes] and old stroke on aspirin"), "{list}");
    assert!(list.contains("[aspirin]") && list.contains("at 0.25"), "{list}");
}

#[test]
fn equal_seeds_give_equal_reports() {
    let notes = samples();
    let mut some = predictions(&notes);
    some.retain(|id, _| id.len() % 2 == 0);
    let options = Options { draws: 50, ..Options::default() };
    assert_eq!(score_with(&notes, &some, &options), score_with(&notes, &some, &options));
    let other = Options { seed: 1, ..options };
    assert_ne!(score_with(&notes, &some, &options), score_with(&notes, &some, &other));
}

proptest! {
    #[test]
    fn figures_stay_in_their_bounds(
        spans in prop::collection::vec((0usize..80, 1usize..20, 0usize..3, 0.0f64..=1.0), 0..12),
        reference in prop::collection::vec((0usize..80, 1usize..14, 0usize..3), 0..12),
    ) {
        let field = |index: usize| ["diagnosis", "history", "medication"][index].to_owned();
        let quote = |start: usize, len: usize| TEXT[start..(start + len).min(TEXT.len())].to_owned();
        let spans = spans.into_iter().map(|(start, len, at, confidence)| Suggested {
            field: field(at), start, end: start + len, quote: quote(start, len), confidence,
            ..suggested("diagnosis", "man", 0.0, &[])
        });
        let reference = reference.into_iter().map(|(start, len, at)| GoldSpan {
            field: field(at), start, end: start + len, quote: quote(start, len), ..GoldSpan::default()
        });
        let found = report(note(reference.collect(), &[]), spans.collect(), vec![], 0.0);
        for row in found.summary.rows.values() {
            prop_assert!(row.matched <= row.predicted.min(row.reference));
            prop_assert!((0.0..=1.0).contains(&row.f1));
        }
        prop_assert!((0.0..=1.0).contains(&found.summary.ece.value));
        let summed = counts(&found, "diagnosis").0 + counts(&found, "history").0;
        prop_assert!(counts(&found, "condition").0 >= summed.div_ceil(2));
    }
}

#[test]
fn assertion_parts_need_place_and_assertion() {
    let mut old = gold("history", "old stroke", "", "");
    old.assertion = Some("historical".into());
    let reference = note(vec![old, gold("diagnosis", "diabetes", "", "")], &[]);
    let found = report(
        reference,
        vec![suggested("history", "old stroke", 0.9, &[]), suggested("diagnosis", "diabetes", 0.9, &[])],
        vec![],
        0.0,
    );
    let part =
        |name: &str| found.by_assertion.iter().find(|p| p.part == name && p.what == "condition").unwrap();
    assert_eq!((part("historical").reference, part("historical").predicted), (1, 0));
    near(part("historical").recall, 0.0);
    near(part("present").precision, 0.5);
    near(part("present").recall, 1.0);
}

#[test]
fn sections_count_each_side_in_its_own() {
    let mut reference = note(vec![gold("diagnosis", "diabetes", "", "")], &[]);
    reference.text = reference.text.replacen("A 65", "HPI: A 65", 1);
    for span in &mut reference.spans {
        (span.start, span.end) = (span.start + 5, span.end + 5);
    }
    let mut s = suggested("diagnosis", "diabetes", 0.9, &[]);
    (s.start, s.end) = (s.start + 5, s.end + 5);
    let found = report(reference, vec![s], vec![], 0.0);
    let part = found.by_section.iter().find(|p| p.what == "condition").unwrap();
    assert_eq!((part.part.as_str(), part.reference, part.predicted), ("present illness", 1, 1));
    near(part.f1, 1.0);
}

#[test]
fn codes_seen_in_training_stand_apart() {
    let reference = note(vec![gold("diagnosis", "diabetes", "", "E11.9")], &["E11.9", "I10"]);
    let code = |code: &str| SuggestedCode { code: code.into(), confidence: 0.9, shown: true };
    let prediction = Prediction {
        id: "n".into(),
        suggestions: vec![suggested("diagnosis", "diabetes", 0.9, &["E11.65"])],
        codes: vec![code("I10"), code("E11.65")],
    };
    let seen = std::collections::HashSet::from(["E11.9".to_owned(), "E11.65".to_owned()]);
    let parts = slices::by_seen_code(
        &[reference],
        &HashMap::from([("n".into(), prediction)]),
        &seen,
        &Options::default(),
    );
    let part = |what: &str, name: &str| parts.iter().find(|p| p.what == what && p.part == name).unwrap();
    near(part("note codes", "not seen").f1, 1.0);
    near(part("note codes", "seen in training").f1, 0.0);
    assert_eq!(part("condition code @1", "seen in training").predicted, 1);
}
