use overread_domain::{CodeRef, Content, ItemId, Outcome, OutcomeKind, Quoted, Suggestion, Timestamp};

use super::*;
use crate::corrections::Correction;
use crate::prediction::{Candidate, Suggested, SuggestedCode};

/// The invented notes that ship, with their reference entries.
fn samples() -> Vec<GoldNote> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/reference.jsonl");
    crate::gold::read(&path).expect("the samples ship")
}

/// A model that knows the reference entries but for every `nth` span and code, and is sure of a part of what it says.
fn knowing(notes: &[GoldNote], nth: usize, confidence: f64) -> Said {
    let mut said = Said::default();
    for note in notes {
        let mut count = 0;
        let mut known = || {
            count += 1;
            count % nth != 0
        };
        let suggestions = note
            .spans
            .iter()
            .filter(|_| known())
            .map(|span| Suggested {
                field: span.field.clone(),
                start: span.start,
                end: span.end,
                quote: span.quote.clone(),
                value: span.value.clone(),
                assertion: span.assertion.clone(),
                confidence,
                shown: true,
                attrs: span.attrs.clone(),
                codes: span.code.iter().map(|code| Candidate { code: code.clone() }).collect(),
            })
            .collect();
        let codes = note
            .codes
            .iter()
            .filter(|_| known())
            .map(|code| SuggestedCode { code: code.code.clone(), confidence, shown: true })
            .collect();
        let prediction = Prediction { id: note.id.clone(), suggestions, codes };
        said.predictions.insert(note.id.clone(), prediction);
        said.milliseconds.push(20.0);
    }
    said
}

/// Every code of a prediction replaced by another.
fn damaged(mut said: Said) -> Said {
    for prediction in said.predictions.values_mut() {
        for code in &mut prediction.codes {
            "Z99.89".clone_into(&mut code.code);
        }
        for suggestion in &mut prediction.suggestions {
            suggestion.codes.clear();
        }
    }
    said
}

/// What reviewers who did not see any suggestion added: the reference entries.
fn reviewed(notes: &[GoldNote]) -> Vec<Reviewed> {
    let content = |field: &str, quote: Quoted, code: Option<&String>, value: Option<&String>| Content {
        field: field.into(),
        evidence: vec![quote],
        code: code.map(CodeRef::icd10cm),
        value: value.cloned(),
        ..Content::default()
    };
    let added = |content: Content| Correction {
        outcome: Outcome {
            kind: OutcomeKind::Added,
            field: content.field.clone(),
            item: Some(ItemId::new("a1")),
            decision: "d1".into(),
            changes: std::collections::BTreeSet::new(),
            reason: None,
            suggested: None,
            content: Some(content),
        },
        at: Timestamp(1),
        seen: false,
        model: None,
        memory: None,
    };
    notes
        .iter()
        .map(|note| {
            let spans = note.spans.iter().map(|s| {
                let quote = Quoted { start: s.start, end: s.end, quote: s.quote.clone() };
                content(&s.field, quote, s.code.as_ref(), s.value.as_ref())
            });
            let codes = note.codes.iter().filter_map(|code| {
                Some(content("final_code", code.evidence.first()?.clone(), Some(&code.code), None))
            });
            Reviewed {
                note: note.id.as_str().into(),
                entry: note.id.as_str().into(),
                template: "encounter-abstract".into(),
                text: note.text.clone(),
                finished: true,
                corrections: spans.chain(codes).map(added).collect(),
            }
        })
        .collect()
}

fn verdict(current: Said, candidate: Said, with_corrections: bool) -> Verdict {
    let notes = samples();
    let held =
        Corrections { entries: reviewed(&notes), current: current.clone(), candidate: candidate.clone() };
    let set = Set { name: "samples".into(), notes, current, candidate };
    let limits = Limits { draws: 300, ..Limits::default() };
    judge(["old", "new"], &[set], with_corrections.then_some(&held), &limits)
}

fn failed(verdict: &Verdict) -> Vec<&str> {
    verdict.checks.iter().filter(|check| !check.passed).map(|check| check.name.as_str()).collect()
}

#[test]
fn promotes_what_is_better() {
    let notes = samples();
    for with_corrections in [true, false] {
        let verdict = verdict(knowing(&notes, 3, 0.99), knowing(&notes, 9, 0.99), with_corrections);
        assert!(verdict.promoted, "{:?}", verdict.checks);
        let told = verdict.to_markdown();
        assert!(told.starts_with("# Promoted: new") && told.contains("| note codes F1 |"), "{told}");
        assert!(serde_json::to_string(&verdict).unwrap().contains("\"promoted\":true"));
    }
}

#[test]
fn refuses_a_damaged_candidate_and_names_the_codes_lost() {
    let notes = samples();
    for with_corrections in [true, false] {
        let verdict = verdict(knowing(&notes, 3, 0.99), damaged(knowing(&notes, 3, 0.99)), with_corrections);
        assert!(!verdict.promoted);
        assert!(failed(&verdict).iter().any(|name| name.contains("no headline of samples")));
        assert!(verdict.to_markdown().starts_with("# Refused: new"));
        let (_, worst) = code_changes(&verdict).next().expect("codes were lost");
        assert!(worst.gain() < 0);
        if let Some(on) = &verdict.corrections {
            assert!(on.lost > 0 && on.gained == 0 && on.better < 0.05, "{on:?}");
            assert_eq!(on.blind, on.decisions);
            let lost: usize = on.codes.values().map(|n| n[1] - n[2]).sum();
            assert!(lost > 0 && on.fields["final_code"][1] > on.fields["final_code"][2]);
        }
    }
}

#[test]
fn refuses_what_is_only_as_good() {
    let notes = samples();
    for with_corrections in [true, false] {
        let verdict = verdict(knowing(&notes, 3, 0.99), knowing(&notes, 3, 0.99), with_corrections);
        assert_eq!(failed(&verdict).len(), 1, "{:?}", verdict.checks);
        assert!(failed(&verdict)[0].starts_with("better on"));
    }
}

#[test]
fn refuses_what_is_surer_than_it_is_right() {
    let notes = samples();
    let verdict = verdict(knowing(&notes, 3, 0.99), knowing(&notes, 9, 0.5), true);
    assert_eq!(failed(&verdict), ["calibration on samples not worse by more than 0.020"]);
}

#[test]
fn refuses_what_is_too_slow_but_not_what_was_slow_before() {
    let notes = samples();
    let slow = |milliseconds: f64| {
        let mut said = knowing(&notes, 9, 0.99);
        said.milliseconds.fill(milliseconds);
        said
    };
    assert_eq!(failed(&verdict(knowing(&notes, 3, 0.99), slow(400.0), true)), ["fast enough"]);
    let mut current = knowing(&notes, 3, 0.99);
    current.milliseconds.fill(390.0);
    assert!(verdict(current, slow(400.0), true).promoted);
}

#[test]
fn nothing_to_judge_by_is_no_reason_to_promote() {
    let verdict = judge(["old", "new"], &[], None, &Limits::default());
    assert!(!verdict.promoted);
    let none = Corrections { entries: vec![], current: Said::default(), candidate: Said::default() };
    assert!(!judge(["old", "new"], &[], Some(&none), &Limits::default()).promoted);
}

#[test]
fn a_decision_is_met_by_what_is_shown_only() {
    let quote = Quoted { start: 4, end: 8, quote: "gout".into() };
    let content = Content {
        field: "diagnosis".into(),
        evidence: vec![quote],
        code: Some(CodeRef::icd10cm("M10.9")),
        ..Content::default()
    };
    let offered = Suggestion {
        content: content.clone(),
        candidates: vec![],
        confidence: 0.9,
        shown: true,
        remembered: false,
    };
    let correction = |kind, content: Option<Content>| Correction {
        outcome: Outcome {
            kind,
            field: "diagnosis".into(),
            item: Some(ItemId::suggested(0)),
            decision: "d".into(),
            changes: std::collections::BTreeSet::new(),
            reason: None,
            suggested: Some(offered.clone()),
            content,
        },
        at: Timestamp(0),
        seen: true,
        model: None,
        memory: None,
    };
    let of = |correction| {
        let entry = Reviewed {
            note: "n".into(),
            entry: "e".into(),
            template: "t".into(),
            text: "The gout".into(),
            finished: true,
            corrections: vec![correction],
        };
        decided(&entry).remove(0)
    };
    let kept = of(correction(OutcomeKind::Accepted, Some(content.clone())));
    let gone = of(correction(OutcomeKind::Rejected, None));
    let mut row = Suggested {
        field: "diagnosis".into(),
        start: 4,
        end: 8,
        quote: "gout".into(),
        value: None,
        assertion: None,
        confidence: 0.9,
        shown: true,
        attrs: BTreeMap::new(),
        codes: vec![Candidate { code: "M10.9".into() }],
    };
    let with = |row: &Suggested| Prediction { suggestions: vec![row.clone()], ..Prediction::default() };
    assert!(kept.is_met(Some(&with(&row))) && !gone.is_met(Some(&with(&row))));
    row.codes[0].code = "M10.00".into();
    assert!(!kept.is_met(Some(&with(&row))), "another code first");
    row.shown = false;
    assert!(!kept.is_met(Some(&with(&row))) && gone.is_met(Some(&with(&row))));
    assert!(!kept.is_met(None) && gone.is_met(None));
}
