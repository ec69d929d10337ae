use proptest::prelude::*;

use super::*;

fn jsonl(bytes: &[u8]) -> Result<Batch, Faults> {
    read(&[File { name: "notes.jsonl".into(), form: Form::JsonLines, bytes }], Limits::default())
}

fn plain(bytes: &[u8]) -> Result<Batch, Faults> {
    let form = Form::PlainText { id: None, title: None };
    read(&[File { name: "in/ward-7.txt".into(), form, bytes }], Limits::default())
}

fn only(result: Result<Batch, Faults>) -> Fault {
    let faults = result.unwrap_err();
    assert_eq!(faults.len(), 1, "{faults}");
    faults.told[0].clone()
}

#[test]
fn reads_all_keys_and_passes_over_others() {
    let batch = jsonl(
        br#"{"id":"n1","text":"BP 120/80","title":"Visit","document_type":"Clinic note","service_date":"2024-02-29","encounter":"e1","patient":"p1","site":"North","queue":"er","sensitivity":["hiv","genetic","hiv"],"extra":{"a":[1]}}
{"id":"n2","text":"x","title":null,"patient":""}
"#,
    )
    .unwrap();
    assert_eq!(batch.notes.len(), 2);
    let meta = &batch.notes[0].meta;
    assert_eq!(meta.document_type.as_deref(), Some("Clinic note"));
    assert_eq!(meta.service_date.as_deref(), Some("2024-02-29"));
    assert_eq!((meta.site.as_deref(), meta.queue.as_deref()), (Some("North"), Some("er")));
    let categories: Vec<&str> = meta.sensitivity.iter().map(|one| one.as_str()).collect();
    assert_eq!(categories, ["hiv", "genetic"]);
    let one = only(jsonl(br#"{"id":"n1","text":"x","sensitivity":"secret"}"#));
    assert_eq!((one.field, one.kind), (Some("sensitivity"), FaultKind::UnknownSensitivity));
    assert_eq!(batch.notes[1].meta, overread_domain::NoteMeta::default());
    assert_eq!(batch.notes[1].line, Some(2));
}

#[test]
fn keeps_line_ends_marks_and_accents() {
    let text = "\u{feff}  caf\u{e9} e\u{301}\r\n\tNBSP\u{a0}\u{1f637}\r\n";
    let batch = plain(text.as_bytes()).unwrap();
    assert_eq!(batch.notes[0].text, text);
    assert_eq!(batch.notes[0].id.as_str(), "ward-7");
    assert_eq!(batch.notes[0].sha256, sha256_hex(text.as_bytes()));
}

#[test]
fn skips_the_mark_of_a_json_lines_file() {
    let batch = jsonl(b"\xEF\xBB\xBF{\"id\":\"a\",\"text\":\"t\"}").unwrap();
    assert_eq!(batch.notes[0].text, "t");
}

#[test]
fn hashes_like_everybody_else() {
    assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn refuses_other_encodings_with_the_byte() {
    let latin = only(plain(b"caf\xe9 noted"));
    assert_eq!((latin.byte, latin.kind), (Some(3), FaultKind::NotUtf8));
    let sixteen: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain("ab".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(only(plain(&sixteen)).kind, FaultKind::OtherEncoding("UTF-16"));
    assert_eq!(only(jsonl(&sixteen)).kind, FaultKind::OtherEncoding("UTF-16"));
    let unmarked: Vec<u8> = "ab".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let fault = only(plain(&unmarked));
    assert_eq!((fault.byte, fault.kind), (Some(1), FaultKind::Nul));
    let inside = only(jsonl(b"{\"id\":\"a\",\"text\":\"ok\"}\n{\"id\":\"b\",\"text\":\"caf\xe9\"}"));
    assert_eq!((inside.line, inside.byte), (Some(2), Some(21)));
}

#[test]
fn refuses_empty_and_nul_notes() {
    assert_eq!(only(plain(b" \r\n\t")).kind, FaultKind::Empty);
    assert_eq!(only(plain(b"")).kind, FaultKind::Empty);
    assert_eq!(only(plain("\u{feff}\n".as_bytes())).kind, FaultKind::Empty);
    let nul = only(jsonl(br#"{"id":"a","text":"x\u0000y"}"#));
    assert_eq!((nul.kind, nul.field), (FaultKind::Nul, Some("text")));
    assert_eq!(only(jsonl(b"\n \r\n")).kind, FaultKind::NoNotes);
}

#[test]
fn says_line_and_byte_of_malformed_json_and_reads_on() {
    let faults =
        jsonl(b"{\"id\":\"a\",\"text\":\"t\"}\n{\"id\":\"b\",\n[1]\n{\"id\":7}\n{\"id\":\"a b \",\"text\":\"secret words\"}{").unwrap_err();
    let told: Vec<_> = faults.told.iter().map(|f| (f.line, f.field)).collect();
    assert_eq!(
        told,
        [(Some(2), None), (Some(3), None), (Some(4), Some("id")), (Some(4), Some("text")), (Some(5), None)]
    );
    assert!(faults.told[0].byte.is_some());
    assert_eq!(faults.told[1].kind, FaultKind::NotAnObject);
    assert!(!faults.to_string().contains("secret"), "{faults}");
}

#[test]
fn refuses_lone_surrogates_and_keys_that_stand_twice() {
    assert!(matches!(only(jsonl(br#"{"id":"a","text":"\ud83d x"}"#)).kind, FaultKind::Json(_)));
    let twice = only(jsonl(br#"{"id":"a","text":"one","text":"two"}"#));
    assert_eq!((twice.kind, twice.field), (FaultKind::KeyTwice, Some("text")));
}

#[test]
fn counts_repeated_notes_and_refuses_other_text_under_an_id() {
    let batch = jsonl(b"{\"id\":\"a\",\"text\":\"t\"}\n{\"id\":\"a\",\"text\":\"t\"}\n").unwrap();
    assert_eq!((batch.notes.len(), batch.repeated), (1, 1));
    let fault = only(jsonl(b"{\"id\":\"a\",\"text\":\"t\"}\n\n{\"id\":\"a\",\"text\":\"other\"}\n"));
    assert_eq!(fault.line, Some(3));
    assert_eq!(
        fault.to_string(),
        "notes.jsonl, line 3, \"id\": the id \"a\" stands in notes.jsonl, line 1 with another text"
    );
}

#[test]
fn tells_enormous_notes_apart() {
    let limits = Limits { note_bytes: 4, faults: 2 };
    let bytes = b"{\"id\":\"a\",\"text\":\"12345\"}\n{\"id\":\"b\",\"text\":\"1234\"}\n{\n{\n{\n";
    let file = File { name: "f.jsonl".into(), form: Form::JsonLines, bytes };
    let faults = read(&[file], limits).unwrap_err();
    assert!(faults.any_too_large());
    assert_eq!((faults.told.len(), faults.more), (2, 2));
}

#[test]
fn judges_dates_by_the_calendar() {
    for (date, fine) in [
        ("2024-02-29", true),
        ("2023-02-29", false),
        ("2026-13-01", false),
        ("26-1-1", false),
        ("2026-01-01T00:00", false),
        ("2026\u{e9}01-0", false),
    ] {
        let line = format!("{{\"id\":\"a\",\"text\":\"t\",\"service_date\":\"{date}\"}}");
        assert_eq!(jsonl(line.as_bytes()).is_ok(), fine, "{date}");
    }
}

#[test]
fn deep_nesting_is_refused_and_not_a_crash() {
    let deep = format!("{{\"id\":\"a\",\"text\":\"t\",\"title\":{}", "[".repeat(200_000));
    assert!(matches!(only(jsonl(deep.as_bytes())).kind, FaultKind::Json(_)));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for result in [jsonl(&bytes), plain(&bytes)] {
            match result {
                Ok(batch) => prop_assert!(!batch.notes.is_empty()),
                Err(faults) => prop_assert!(!faults.is_empty()),
            }
        }
        if let Ok(batch) = plain(&bytes) {
            prop_assert_eq!(batch.notes[0].text.as_bytes(), &bytes[..]);
        }
    }

    /// Near-JSON reaches deeper than random bytes do.
    #[test]
    fn almost_json_is_read_or_refused(
        line in r#"\{"(id|text|title|service_date)":("[a-z\\u0d8\n"]{0,12}"|null|1|\[\]|\{\})(,"(id|text|x)":"[^\n]{0,10}"){0,3}[}\]]?"#,
    ) {
        let _ = jsonl(line.as_bytes());
    }

    #[test]
    fn every_text_survives_json_lines(text in "(\\PC|[\r\n\t\u{a0}\u{301}\u{feff}😷א]){1,200}", id in "[a-zA-Z0-9._/-]{1,40}") {
        prop_assume!(!text.trim().trim_matches('\u{feff}').trim().is_empty());
        let line = serde_json::json!({"id": id, "text": text}).to_string();
        let batch = jsonl(line.as_bytes()).unwrap();
        prop_assert_eq!(&batch.notes[0].text, &text);
        prop_assert_eq!(batch.notes[0].id.as_str(), id);
    }

    /// What a note says never comes back in a message.
    #[test]
    fn faults_hold_no_text(cut in 1usize..60) {
        let line = r#"{"id":"a","text":"Zebraquux denies pain","title":"Zebraquux"}"#;
        if let Err(faults) = jsonl(&line.as_bytes()[..cut]) {
            prop_assert!(!faults.to_string().contains("Zebra"));
        }
    }
}
