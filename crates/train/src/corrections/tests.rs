use std::io::Write as _;

use overread_domain::template::ENCOUNTER_ABSTRACT;
use overread_domain::{LessonKind, OutcomeKind};
use serde_json::{Value, json};

use super::*;

const TEXT: &str = "😷 Known gout. No fever.";

fn line(place: usize, outcome: &Value) -> Value {
    let mut line = json!({
        "format": "overread-corrections", "version": 1, "note": "n1",
        "text_sha256": overread_encoder::sha256_hex(TEXT.as_bytes()), "entry": "e1",
        "template": "encounter-abstract", "template_version": 1, "finished": true, "model": "m1",
        "code_release": "icd-10-cm-2026-04", "outcome": outcome, "user": "ann", "at": 5,
        "suggestions_shown": true, "active_ms": 900, "keystrokes": 2, "decisions": [],
    });
    if place == 0 {
        line["text"] = json!(TEXT);
    }
    line
}

fn diagnosis(code: &str) -> Value {
    json!({
        "field": "diagnosis", "evidence": [{ "start": 8, "end": 12, "quote": "gout" }],
        "assertion": "present", "code": { "system": "icd-10-cm", "code": code },
    })
}

fn lines() -> Vec<Value> {
    let offered = json!({
        "content": diagnosis("M1A.9XX0"), "confidence": 0.7, "shown": true,
        "candidates": [
            { "system": "icd-10-cm", "code": "M1A.9XX0", "confidence": 0.6 },
            { "system": "icd-10-cm", "code": "M10.9", "confidence": 0.3 },
        ],
    });
    let fever = json!({
        "content": { "field": "diagnosis", "evidence": [{ "start": 17, "end": 22, "quote": "fever" }] },
        "confidence": 0.4, "shown": true,
    });
    let last = json!({
        "field": "final_code", "evidence": [{ "start": 8, "end": 12, "quote": "gout" }],
        "code": { "system": "icd-10-cm", "code": "M10.9" }, "role": "principal",
    });
    vec![
        line(
            0,
            &json!({
                "kind": "corrected", "field": "diagnosis", "item": "s0", "decision": "d1",
                "changes": ["code"], "suggested": offered, "content": diagnosis("M10.9"),
            }),
        ),
        line(
            1,
            &json!({
                "kind": "rejected", "field": "diagnosis", "item": "s1", "decision": "d2", "reason": "wrong",
                "suggested": fever,
            }),
        ),
        line(
            2,
            &json!({
                "kind": "added", "field": "final_code", "item": "a1", "decision": "d3", "content": last,
            }),
        ),
        line(3, &json!({ "kind": "confirmed_empty", "field": "sex", "decision": "d4" })),
    ]
}

fn write(lines: &[Value]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for line in lines {
        writeln!(file, "{line}").unwrap();
    }
    file
}

#[test]
fn an_export_becomes_entries_lessons_and_references() {
    let template: Template = serde_json::from_str(ENCOUNTER_ABSTRACT).unwrap();
    let file = write(&lines());
    let [entry] = &read(file.path()).unwrap()[..] else { panic!("one entry") };
    assert_eq!((entry.note.as_str(), entry.text.as_str(), entry.corrections.len()), ("n1", TEXT, 4));
    assert_eq!(entry.corrections[1].outcome.kind, OutcomeKind::Rejected);
    let said: Vec<(LessonKind, String, Option<String>)> = entry
        .lessons(&template)
        .into_iter()
        .map(|l| (l.kind, l.phrase, l.code.map(|code| code.code)))
        .collect();
    let of = |kind, phrase: &str, code: Option<&str>| (kind, phrase.to_owned(), code.map(str::to_owned));
    assert_eq!(
        said,
        [
            of(LessonKind::MentionAccepted, "gout", None),
            of(LessonKind::CodeAccepted, "gout", Some("M10.9")),
            of(LessonKind::CodeRejected, "gout", Some("M1A.9XX0")),
            of(LessonKind::MentionRejected, "fever", None),
            of(LessonKind::CodeAccepted, "gout", Some("M10.9")),
        ]
    );
    let reference = entry.reference(&template).unwrap();
    assert_eq!(reference.spans.len(), 1);
    assert_eq!(reference.spans[0].code.as_deref(), Some("M10.9"));
    assert_eq!((reference.codes.len(), reference.codes[0].role.as_str()), (1, "principal"));
}

#[test]
fn an_open_entry_is_no_reference() {
    let template: Template = serde_json::from_str(ENCOUNTER_ABSTRACT).unwrap();
    let mut lines = lines();
    for line in &mut lines {
        line["finished"] = json!(false);
    }
    let file = write(&lines);
    assert!(read(file.path()).unwrap()[0].reference(&template).is_none());
}

#[test]
fn bad_lines_are_named_and_not_quoted() {
    let wrong = |place: usize, change: fn(&mut Value)| {
        let mut lines = lines();
        change(&mut lines[place]);
        let file = write(&lines);
        read(file.path()).unwrap_err().to_string()
    };
    for (place, change, what) in [
        (1, (|l: &mut Value| l["format"] = json!("x")) as fn(&mut Value), "format"),
        (2, |l| l["version"] = json!(2), "version"),
        (0, |l| l["text"] = json!("other"), "hash"),
        (0, |l| drop(l.as_object_mut().unwrap().remove("text")), "text"),
        (1, |l| l["outcome"]["suggested"]["content"]["evidence"][0]["start"] = json!(16), "quote"),
        (3, |l| l["outcome"]["kind"] = json!("guessed"), "wrong type"),
    ] {
        let told = wrong(place, change);
        assert!(told.contains(&format!("line {}", place + 1)) && told.contains(what), "{told}");
        assert!(!told.contains("gout") && !told.contains("fever"), "{told}");
    }
}
