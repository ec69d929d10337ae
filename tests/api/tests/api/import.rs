//! Notes coming in.

use overread_api::entry::{EntryRow, ProgressView};
use overread_api::import::ImportView;
use overread_api::{ErrorBody, ErrorCode, Page, path};
use overread_api_tests::{Answer, Client, NOTE, World, WorldOptions};
use overread_domain::{NoteMeta, Role};
use overread_server::Config;
use serde_json::json;

const LINES: &str = "application/x-ndjson";

async fn lines(client: &Client, body: &str) -> Answer {
    client.send("POST", path::IMPORT, Some((LINES, body.as_bytes().to_vec()))).await
}

async fn entries(client: &Client) -> Vec<EntryRow> {
    client.get(path::ENTRIES).await.expect(200).json::<Page<EntryRow>>().items
}

#[tokio::test]
async fn json_lines_make_entries_with_what_came_along() {
    let world = World::new().await;
    let qa = world.signed_in(Role::QaLead).await;
    let body = format!(
        "{}\n{}\n",
        json!({ "id": "n1", "text": NOTE, "title": "Visit", "document_type": "clinic note",
            "service_date": "2026-03-14", "encounter": "e", "patient": "p", "other": [1] }),
        json!({ "id": "n2", "text": "Short." }),
    );
    let view: ImportView = lines(&qa, &body).await.expect(200).json();
    assert_eq!((view.imported, view.unchanged, view.entries.len()), (2, 0, 2));
    let again: ImportView = lines(&qa, &body).await.expect(200).json();
    assert_eq!((again.imported, again.unchanged), (0, 2));
    let rows = entries(&qa).await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].meta.document_type.as_deref(), Some("clinic note"));
    assert_eq!(rows[1].meta, NoteMeta::default());
    let view = world.entry(&qa, &rows[0].id).await;
    assert_eq!(view.text, NOTE);
    assert_eq!(view.text_sha256, overread_intake::sha256_hex(NOTE.as_bytes()));
}

#[tokio::test]
async fn plain_text_takes_its_id_from_the_query() {
    let world = World::new().await;
    let qa = world.signed_in(Role::QaLead).await;
    let text = "\u{feff}Line one\r\n\tline two\u{a0}\n";
    let path = format!("{}?id=ward%2F7&title=Ward%20note", path::IMPORT);
    qa.send("POST", &path, Some(("text/plain; charset=utf-8", text.into()))).await.expect(200);
    let row = entries(&qa).await.remove(0);
    assert_eq!((row.note.as_str(), row.meta.title.as_deref()), ("ward/7", Some("Ward note")));
    assert_eq!(world.entry(&qa, &row.id).await.text, text);
    let error = qa
        .send("POST", path::IMPORT, Some(("text/plain", text.into())))
        .await
        .expect(422)
        .error(ErrorCode::Invalid);
    assert_eq!(error.places[0].field.as_deref(), Some("id"));
    let latin = qa.send("POST", &path, Some(("text/plain; charset=iso-8859-1", text.into()))).await;
    latin.expect(415).error(ErrorCode::UnsupportedMedia);
}

fn form(files: &[(&str, &str)]) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut body = String::new();
    for (name, content) in files {
        let _ = write!(
            body,
            "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{content}\r\n"
        );
    }
    body.push_str("--x--\r\n");
    body.into_bytes()
}

#[tokio::test]
async fn several_files_are_one_import() {
    let world = World::new().await;
    let qa = world.signed_in(Role::QaLead).await;
    let send = |files: Vec<u8>| {
        let qa = qa.clone();
        async move { qa.send("POST", path::IMPORT, Some(("multipart/form-data; boundary=x", files))).await }
    };
    let good = ("a.jsonl", "{\"id\":\"n1\",\"text\":\"one\"}");
    let bad = send(form(&[good, ("b.txt", " "), ("c.jsonl", "{\"id\":\"n2\"")])).await.expect(422);
    let files: Vec<_> = bad.error(ErrorCode::Invalid).places.into_iter().map(|place| place.file).collect();
    assert_eq!(files, [Some("b.txt".to_owned()), Some("c.jsonl".to_owned())]);
    assert!(entries(&qa).await.is_empty(), "nothing is half imported");
    send(form(&[good, ("b.pdf", "x")])).await.expect(415).error(ErrorCode::UnsupportedMedia);
    send(form(&[])).await.expect(422).error(ErrorCode::Invalid);
    send(b"--x\r\nnonsense".to_vec()).await.expect(400).error(ErrorCode::BadRequest);
    let view: ImportView = send(form(&[good, ("b.txt", "two")])).await.expect(200).json();
    assert_eq!(view.imported, 2);
}

#[tokio::test]
async fn every_fault_is_told_with_its_line_and_nothing_is_taken() {
    let world = World::new().await;
    let qa = world.signed_in(Role::QaLead).await;
    let body = "{\"id\":\"n1\",\"text\":\"Zebraquux\"}\n{\"id\":\"n2\",\"text\":\"Zebraquux\"\n\n{\"id\":\"n3\",\"text\":\" \"}\n";
    let answer = lines(&qa, body).await.expect(422);
    let error = answer.error(ErrorCode::Invalid);
    assert_eq!(error.places.iter().map(|place| place.line).collect::<Vec<_>>(), [Some(2), Some(4)]);
    assert!(error.places[0].byte.is_some());
    assert!(!answer.text().contains("Zebraquux"));
    assert!(entries(&qa).await.is_empty());
}

#[tokio::test]
async fn repeated_ids_count_once_and_another_text_is_refused() {
    let world = World::new().await;
    let qa = world.signed_in(Role::QaLead).await;
    let same = "{\"id\":\"n1\",\"text\":\"one\"}\n{\"id\":\"n1\",\"text\":\"one\"}";
    let view: ImportView = lines(&qa, same).await.expect(200).json();
    assert_eq!((view.imported, view.unchanged), (1, 1));
    let within = "{\"id\":\"n2\",\"text\":\"one\"}\n{\"id\":\"n2\",\"text\":\"two\"}";
    let error = lines(&qa, within).await.expect(422).error(ErrorCode::Invalid);
    assert_eq!(error.places[0].line, Some(2));
    assert!(error.places[0].message.contains("line 1"), "{error:?}");
    let known = "{\"id\":\"n3\",\"text\":\"new\"}\n{\"id\":\"n1\",\"text\":\"other\"}";
    let error = lines(&qa, known).await.expect(409).error(ErrorCode::Conflict);
    assert_eq!(error.places[0].line, Some(2));
    assert_eq!(entries(&qa).await.len(), 1, "n3 is not there either");
}

#[tokio::test]
async fn enormous_notes_and_requests_are_told_as_too_large() {
    let config = Config { note_bytes: 100, import_bytes: 1000, ..Config::default() };
    let world = World::with(WorldOptions { config, ..WorldOptions::default() }).await;
    let qa = world.signed_in(Role::QaLead).await;
    let line = |length: usize| json!({ "id": "n1", "text": "x".repeat(length) }).to_string();
    let error = lines(&qa, &line(101)).await.expect(413).error(ErrorCode::TooLarge);
    assert_eq!(error.places[0].line, Some(1));
    lines(&qa, &line(2000)).await.expect(413).error(ErrorCode::TooLarge);
    lines(&qa, &line(100)).await.expect(200);
    let big = vec![b' '; 2 * 1024 * 1024];
    let answer = qa.send("POST", path::PASSWORD, Some(("application/json", big))).await.expect(413);
    answer.error(ErrorCode::TooLarge);
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_keeps_nothing() {
    let world = World::new().await;
    let qa = world.signed_in(Role::QaLead).await;
    let path = format!("{}?dry_run=true", path::IMPORT);
    let body = b"{\"id\":\"n1\",\"text\":\"one\"}".to_vec();
    let view: ImportView = qa.send("POST", &path, Some((LINES, body))).await.expect(200).json();
    assert_eq!(view.imported, 1);
    assert!(entries(&qa).await.is_empty());
}

#[tokio::test]
async fn what_is_no_import_is_refused() {
    let world = World::new().await;
    let qa = world.signed_in(Role::QaLead).await;
    let body = || b"{\"id\":\"n1\",\"text\":\"one\"}".to_vec();
    qa.send("POST", path::IMPORT, Some(("application/pdf", body()))).await.expect(415);
    let other = format!("{}?template=nothing", path::IMPORT);
    qa.send("POST", &other, Some((LINES, body()))).await.expect(404).error(ErrorCode::NotFound);
    let query = format!("{}?Zebraquux=1", path::IMPORT);
    let answer = qa.send("POST", &query, Some((LINES, body()))).await.expect(400);
    answer.error(ErrorCode::BadRequest);
    let sixteen: Vec<u8> =
        [0xff, 0xfe].into_iter().chain("{}".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let error: ErrorBody = qa.send("POST", path::IMPORT, Some((LINES, sixteen))).await.expect(422).json();
    assert!(error.places[0].message.contains("UTF-16"));
    let progress: ProgressView = qa.get(path::PROGRESS).await.expect(200).json();
    assert_eq!(progress.open, 0);
}
