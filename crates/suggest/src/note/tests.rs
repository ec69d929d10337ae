use super::SectionKind as K;
use super::*;
use proptest::prelude::*;

fn kinds(text: &str) -> Vec<(String, SectionKind)> {
    Doc::new(text, 10_000).sections.iter().skip(1).map(|s| (s.title.clone(), s.kind)).collect()
}

fn segments(text: &str) -> Vec<&str> {
    let doc = Doc::new(text, 10_000);
    doc.segments.iter().map(|s| &text[s.range.clone()]).collect()
}

#[test]
fn finds_headings_in_all_their_dress() {
    let text = "CHIEF COMPLAINT: Cough.\r\nPast Medical History - asthma\r\n3. Allergies: none\r\nPLAN\r\nRest. FOLLOWUP: two weeks.";
    let found: Vec<SectionKind> = kinds(text).into_iter().map(|k| k.1).collect();
    assert_eq!(found, [K::Complaint, K::Past, K::Allergies, K::Plan, K::FollowUp]);
}

#[test]
fn body_systems_follow_the_section_that_they_stand_in() {
    let text = "REVIEW OF SYSTEMS:\nHEENT: no headache\nPHYSICAL EXAMINATION:\nHEENT: clear";
    let found: Vec<SectionKind> = kinds(text).into_iter().map(|k| k.1).collect();
    assert_eq!(found, [K::Review, K::Review, K::Exam, K::Exam]);
}

#[test]
fn a_time_of_day_is_no_heading() {
    assert!(kinds("She came at 10:30 and left.").is_empty());
}

#[test]
fn takes_lists_apart() {
    assert_eq!(
        segments("ASSESSMENT: 1. Asthma. 2. Gout, left toe. 3. Obesity."),
        ["Asthma.", "Gout, left toe.", "Obesity."]
    );
    assert_eq!(segments("DIAGNOSES:\n1. Asthma\n2. Gout\n"), ["Asthma", "Gout"]);
}

#[test]
fn sentences_end_at_stops_but_not_at_abbreviations() {
    assert_eq!(
        segments("He takes aspirin 81 mg p.o. daily. Dr. Vega saw him. No fever."),
        ["He takes aspirin 81 mg p.o. daily.", "Dr. Vega saw him.", "No fever."]
    );
}

#[test]
fn wrapped_lines_are_one_sentence() {
    let text = "The patient came to the clinic because of a cough which had lasted\nfor three weeks and kept her awake.";
    assert_eq!(segments(text).len(), 1);
}

proptest! {
    #[test]
    fn any_text_is_covered_without_overlap(text in "(\\PC|[\r\n\t:.0-9A-Z -]){0,400}") {
        let doc = Doc::new(&text, 300);
        let mut at = 0;
        for segment in &doc.segments {
            prop_assert!(segment.range.start >= at && segment.range.start < segment.range.end);
            prop_assert!(text.get(segment.range.clone()).is_some());
            at = segment.range.end;
        }
        for word in &doc.words {
            prop_assert!(text.get(word.start..word.end).is_some());
        }
    }
}
