use std::path::PathBuf;

use overread_codes::Release;

use super::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples")
}

#[test]
fn collections_are_what_the_entries_say() {
    let notes = build(&folder()).unwrap();
    for (name, built) in [("notes.jsonl", import_lines(&notes)), ("reference.jsonl", reference_lines(&notes))]
    {
        let stored = std::fs::read_to_string(folder().join(name)).unwrap();
        assert!(
            stored == built,
            "samples/{name} is stale: cargo run -p overread-train --example build_samples"
        );
    }
}

#[test]
fn every_offset_finds_its_quote() {
    for note in crate::gold::read(&folder().join("reference.jsonl")).unwrap() {
        let points = CodePoints::new(&note.text);
        let spans = note.spans.iter().map(|s| Quoted { start: s.start, end: s.end, quote: s.quote.clone() });
        let attrs = note.spans.iter().flat_map(|s| s.attrs.values().cloned());
        let evidence = note.codes.iter().flat_map(|c| c.evidence.clone());
        for quoted in spans.chain(attrs).chain(evidence) {
            points.resolve(&quoted).unwrap_or_else(|error| panic!("{}: {error}", note.id));
        }
    }
}

#[test]
fn every_code_is_billable_in_april_2026() {
    let file = folder().join("../data/icd-10-cm/2026-04.ovr");
    let release = Release::from_bytes(&std::fs::read(file).unwrap()).unwrap();
    for note in build(&folder()).unwrap() {
        let codes =
            note.codes.iter().map(|c| &c.code).chain(note.spans.iter().filter_map(|s| s.code.as_ref()));
        for code in codes {
            assert!(release.is_billable(code), "{}: {code}", note.id);
        }
    }
}

#[test]
fn notes_are_long_and_short_and_of_many_kinds() {
    let notes = build(&folder()).unwrap();
    let words =
        |low, high| notes.iter().filter(|n| (low..high).contains(&n.text.split_whitespace().count())).count();
    assert!(notes.len() >= 32);
    assert!(words(0, 150) >= 5 && words(500, 1000) >= 4 && words(1000, 2000) >= 3);
    assert!(notes.iter().any(|n| (58_000..64_000).contains(&n.text.len())));
    let kinds: std::collections::BTreeSet<_> =
        notes.iter().filter_map(|n| n.document_type.as_deref()).collect();
    assert!(kinds.len() >= 10, "{kinds:?}");
    let known = fields(&notes);
    for field in crate::eval::fields::VALUES.iter().chain(&crate::eval::fields::SPANS) {
        assert!(known.get(field).is_some_and(|n| *n >= 5), "{field}");
    }
}

#[test]
fn one_note_holds_what_breaks_offsets() {
    let text = std::fs::read_to_string(folder().join("notes/urgent-care-unicode.txt")).unwrap();
    for found in ["\r\n", "\t", "\u{a0}", "\u{301}", "\u{200d}", "🔥", "é", "תודה", "\u{202f}"] {
        assert!(text.contains(found), "{found:?}");
    }
}

#[test]
fn an_attribute_is_the_nearest_of_its_words() {
    let text = "aspirin 81 mg daily, statin 40 mg daily";
    let statin = nth(text, "statin", 1).unwrap();
    assert_eq!(nearest(text, "40 mg", statin).unwrap().start(), 28);
    assert_eq!(nearest(text, "daily", statin).unwrap().start(), 14, "two characters away, the other seven");
    assert_eq!(nth(text, "daily", 2).unwrap().start(), 34);
    assert!(nth(text, "daily", 3).is_none() && nth(text, "daily", 0).is_none());
}

#[test]
fn entry_without_principal_code_is_refused() {
    let mut note = build(&folder()).unwrap().swap_remove(0);
    note.codes.retain(|code| code.role != "principal");
    assert_eq!(rules::note(&note).unwrap_err(), "0 principal codes instead of one");
}
