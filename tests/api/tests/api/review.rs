//! From the queue to the export: what people do all day.

use overread_api::accuracy::AccuracyView;
use overread_api::correction::CorrectionLine;
use overread_api::entry::{Decided, EntryRow, EntryView, LeaseView, NextView, ProgressView, SuggestingState};
use overread_api::path::fill;
use overread_api::{ErrorCode, Page, path};
use overread_api_tests::{Client, NOTE, World};
use overread_domain::outcome::Change;
use overread_domain::{Action, EntryId, EntryStatus, ItemState, OutcomeKind, RejectReason, Role};
use serde_json::{Value, json};

/// What the scripted model suggests for [`NOTE`], in the order of its set.
const AGE: &str = "s0";
const DIAGNOSIS: &str = "s1";
const FINAL: &str = "s2";
const MEDICATION: &str = "s3";

pub fn quoted(text: &str, words: &str) -> Value {
    let at = text.find(words).expect("words of the text");
    let start = text[..at].chars().count();
    json!({ "start": start, "end": start + words.chars().count(), "quote": words })
}

async fn export(client: &Client, query: &str) -> Vec<CorrectionLine> {
    let answer = client.get(&format!("{}{query}", path::CORRECTIONS)).await.expect(200);
    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    answer.text().lines().map(|line| serde_json::from_str(line).expect("a line of the export")).collect()
}

/// Fields of the template that must have a value or be confirmed empty before the end.
async fn confirm_required(client: &Client, view: &EntryView, revision: u32) -> u32 {
    let missing: Vec<Value> = view
        .template
        .fields()
        .filter(|field| field.required && !view.items.iter().any(|item| item.content.field == field.id))
        .map(|field| json!({ "action": "confirm_empty", "field": field.id }))
        .collect();
    if missing.is_empty() {
        return revision;
    }
    client.decide(&view.id, revision, "required", json!(missing)).await.expect(200).json::<Decided>().revision
}

#[tokio::test]
async fn an_entry_shows_all_that_the_page_needs() {
    let world = World::new().await;
    let entry = world.note("n1", NOTE).await;
    let reviewer = world.signed_in(Role::Reviewer).await;
    let view = world.entry(&reviewer, &entry).await;
    assert_eq!((view.text.as_str(), view.status, view.revision), (NOTE, EntryStatus::Open, 0));
    assert_eq!(view.suggesting, SuggestingState::Done);
    assert!(view.may_decide);
    let set = view.suggestions.expect("the model has read it");
    assert_eq!((set.model.as_str(), set.code_release.as_str()), ("scripted-1", "icd-10-cm-2026-04"));
    assert_eq!(view.items.len(), 4);
    let evidence = &view.items[1].content.evidence[0];
    let quote: String = NOTE.chars().skip(evidence.start).take(evidence.end - evidence.start).collect();
    assert_eq!((quote.as_str(), evidence.quote.as_str()), ("hypertension", "hypertension"));
    reviewer.get(&fill(path::ENTRY, &["e-none"])).await.expect(404).error(ErrorCode::NotFound);
}

#[tokio::test]
async fn a_whole_review_is_found_in_the_export() {
    let world = World::new().await;
    let entry = world.note("n1", NOTE).await;
    let reviewer = world.signed_in(Role::Reviewer).await;
    let view = world.entry(&reviewer, &entry).await;

    let accepted = json!([{ "action": "accept", "item": AGE }]);
    let decided: Decided = reviewer.decide(&entry, 0, "1", accepted).await.expect(200).json();
    assert_eq!((decided.revision, decided.status), (1, EntryStatus::InProgress));
    assert_eq!(decided.items[0].state, ItemState::Accepted);

    let other = json!({ "field": "diagnosis", "evidence": [quoted(NOTE, "hypertension")], "assertion": "historical",
        "code": { "system": "icd-10-cm", "code": "I15.9" } });
    let corrected = json!([{ "action": "correct", "item": DIAGNOSIS, "content": other }]);
    reviewer.decide(&entry, 1, "2", corrected).await.expect(200);
    let rejected =
        json!([{ "action": "reject", "item": FINAL, "reason": "guideline", "comment": "not primary" }]);
    reviewer.decide(&entry, 2, "3", rejected).await.expect(200);

    // Rejected by mistake, taken back, accepted.
    let mistake = json!([{ "action": "reject", "item": MEDICATION, "reason": "wrong" }]);
    let wrong: Decided = reviewer.decide(&entry, 3, "4", mistake).await.expect(200).json();
    let undo = json!([{ "action": "undo", "decision": wrong.decisions[0].id }]);
    let undone: Decided = reviewer.decide(&entry, 4, "5", undo).await.expect(200).json();
    assert_eq!(undone.items[3].state, ItemState::Suggested);
    reviewer.decide(&entry, 5, "6", json!([{ "action": "accept", "item": MEDICATION }])).await.expect(200);

    let fever =
        json!({ "field": "absent_condition", "evidence": [quoted(NOTE, "fever")], "assertion": "absent" });
    let added = json!([{ "action": "add", "item": "aQ7x", "content": fever },
        { "action": "confirm_empty", "field": "allergy" }]);
    let decided: Decided = reviewer.decide(&entry, 6, "7", added).await.expect(200).json();
    assert_eq!((decided.revision, decided.confirmed_empty), (8, vec!["allergy".to_owned()]));
    let revision = confirm_required(&reviewer, &view, 8).await;
    let done: Decided =
        reviewer.decide(&entry, revision, "8", json!([{ "action": "finish" }])).await.expect(200).json();
    assert_eq!(done.status, EntryStatus::Finished);

    let qa = world.signed_in(Role::QaLead).await;
    let lines = export(&qa, "").await;
    let line = |item: &str| {
        lines.iter().find(|line| line.outcome.item.as_ref().is_some_and(|id| id.as_str() == item)).unwrap()
    };
    assert!(lines.iter().all(|line| line.finished && line.user.as_str() == "reviewer" && line.version == 1));
    assert_eq!(lines.iter().filter(|line| line.text.is_some()).count(), 1);
    assert_eq!(lines[0].text.as_deref(), Some(NOTE));
    assert_eq!(line(AGE).outcome.kind, OutcomeKind::Accepted);
    assert_eq!(line(AGE).model.as_deref(), Some("scripted-1"));
    assert_eq!((line(AGE).active_ms, line(AGE).keystrokes), (1200, 2));
    let corrected = line(DIAGNOSIS);
    assert_eq!(corrected.outcome.kind, OutcomeKind::Corrected);
    assert!(
        corrected.outcome.changes.contains(&Change::Code)
            && corrected.outcome.changes.contains(&Change::Assertion)
    );
    assert_eq!(corrected.outcome.suggested.as_ref().unwrap().content.code.as_ref().unwrap().code, "I10");
    assert_eq!(corrected.outcome.content.as_ref().unwrap().code.as_ref().unwrap().code, "I15.9");
    assert_eq!(corrected.outcome.content.as_ref().unwrap().evidence[0].quote, "hypertension");
    assert_eq!(line(FINAL).outcome.reason, Some(RejectReason::Guideline));
    let actions: Vec<&str> =
        line(MEDICATION).decisions.iter().map(|decision| decision.action.name()).collect();
    assert_eq!(actions, ["reject", "undo", "accept"]);
    assert_eq!(line("aQ7x").outcome.kind, OutcomeKind::Added);
    assert!(
        lines.iter().any(|l| l.outcome.kind == OutcomeKind::ConfirmedEmpty && l.outcome.field == "allergy")
    );

    let bare = export(&qa, "?without_text=true").await;
    assert!(bare.len() == lines.len() && bare.iter().all(|line| line.text.is_none()));
    assert!(export(&qa, &format!("?since={}", world.app.now().0 + 1)).await.is_empty());

    let accuracy: AccuracyView = qa.get(path::ACCURACY).await.expect(200).json();
    assert_eq!(accuracy.entries, 1);
    let total = &accuracy.total;
    assert_eq!((total.shown, total.accepted, total.corrected, total.rejected, total.added), (4, 2, 1, 1, 1));
    assert!((total.precision.unwrap().value - 0.5).abs() < 1e-9 && total.precision.unwrap().n == 4);
    assert!((total.recall.unwrap().value - 0.5).abs() < 1e-9);
    assert_eq!(accuracy.models, ["scripted-1"]);
    let diagnosis = accuracy.fields.iter().find(|row| row.key == "diagnosis").unwrap();
    assert_eq!((diagnosis.corrected, diagnosis.label.is_empty()), (1, false));
    assert!(accuracy.codes.iter().any(|row| row.key == "I10" && row.label.contains("hypertension")));
    let binned: u64 = accuracy.calibration.iter().map(|bin| bin.accepted.n).sum();
    assert_eq!(binned, 4);
    let other: AccuracyView = qa.get(&format!("{}?model=another", path::ACCURACY)).await.expect(200).json();
    assert_eq!(other.total.shown, 0);
}

#[tokio::test]
async fn unfinished_entries_are_exported_only_when_asked_for() {
    let world = World::new().await;
    let entry = world.note("n1", NOTE).await;
    let qa = world.signed_in(Role::QaLead).await;
    qa.decide(&entry, 0, "1", json!([{ "action": "accept", "item": AGE }])).await.expect(200);
    assert!(export(&qa, "").await.is_empty());
    let lines = export(&qa, "?all=true").await;
    assert_eq!(lines.len(), 1, "what was not decided is unknown, not negative");
    assert!(!lines[0].finished);
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let world = World::new().await;
    let entry = world.note("n1", NOTE).await;
    let reviewer = world.signed_in(Role::Reviewer).await;
    let accept = || json!([{ "action": "accept", "item": AGE }]);
    let first = reviewer.decide(&entry, 0, "same", accept()).await.expect(200);
    reviewer.decide(&entry, 1, "next", json!([{ "action": "accept", "item": FINAL }])).await.expect(200);
    let again = reviewer.decide(&entry, 0, "same", accept()).await.expect(200);
    assert_eq!(first.json::<Value>(), again.json::<Value>());
    assert_eq!(world.entry(&reviewer, &entry).await.decisions.len(), 2);
    let other = json!([{ "action": "reject", "item": AGE, "reason": "wrong" }]);
    reviewer.decide(&entry, 0, "same", other).await.expect(409).error(ErrorCode::KeyReused);
}

#[tokio::test]
async fn exceptions_are_for_coders() {
    let world = World::new().await;
    let entry = world.note("n1", NOTE).await;
    let reviewer = world.signed_in(Role::Reviewer).await;
    let coder = world.signed_in(Role::Coder).await;
    let escalate = json!([{ "action": "escalate", "cause": "escalated", "comment": "which of the two?" }]);
    let on = json!([escalate[0], { "action": "accept", "item": AGE }]);
    reviewer.decide(&entry, 0, "0", on).await.expect(403).error(ErrorCode::NotAllowed);
    let decided: Decided = reviewer.decide(&entry, 0, "1", escalate).await.expect(200).json();
    assert_eq!(decided.status, EntryStatus::Exception);

    assert!(!world.entry(&reviewer, &entry).await.may_decide);
    assert!(world.entry(&coder, &entry).await.may_decide);
    let accept = || json!([{ "action": "accept", "item": AGE }]);
    reviewer.decide(&entry, 1, "2", accept()).await.expect(403).error(ErrorCode::NotAllowed);
    reviewer.post(&fill(path::LEASE, &[entry.as_str()]), &json!({})).await.expect(403);
    coder.decide(&entry, 1, "3", accept()).await.expect(200);
    let back: Decided =
        coder.decide(&entry, 2, "4", json!([{ "action": "return" }])).await.expect(200).json();
    assert_eq!(back.status, EntryStatus::InProgress);
    reviewer.decide(&entry, 3, "5", json!([{ "action": "accept", "item": FINAL }])).await.expect(200);
}

#[tokio::test]
async fn finished_entries_are_locked_until_a_coder_opens_them() {
    let world = World::new().await;
    let entry = world.note("n1", NOTE).await;
    let reviewer = world.signed_in(Role::Reviewer).await;
    let coder = world.signed_in(Role::Coder).await;
    let view = world.entry(&reviewer, &entry).await;
    let early = reviewer.decide(&entry, 0, "0", json!([{ "action": "finish" }])).await.expect(422);
    let error = early.error(ErrorCode::Unfinished);
    assert_eq!(error.undecided.len(), 4);
    assert!(!error.required.is_empty(), "sex is required and has no value");
    let all: Vec<Value> =
        view.items.iter().map(|item| json!({ "action": "accept", "item": item.id })).collect();
    let decided: Decided = reviewer.decide(&entry, 0, "1", json!(all)).await.expect(200).json();
    let revision = confirm_required(&reviewer, &view, decided.revision).await;
    reviewer.decide(&entry, revision, "2", json!([{ "action": "finish" }])).await.expect(200);

    let late = json!([{ "action": "reject", "item": AGE, "reason": "wrong" }]);
    reviewer.decide(&entry, revision + 1, "3", late).await.expect(409).error(ErrorCode::WrongState);
    let reopen = |reason: &str| json!([{ "action": "reopen", "reason": reason }]);
    reviewer.decide(&entry, revision + 1, "4", reopen("typo")).await.expect(403).error(ErrorCode::NotAllowed);
    coder.decide(&entry, revision + 1, "5", reopen(" ")).await.expect(422).error(ErrorCode::Invalid);
    let open: Decided = coder.decide(&entry, revision + 1, "6", reopen("typo")).await.expect(200).json();
    assert_eq!(open.status, EntryStatus::InProgress);
    let qa = world.signed_in(Role::QaLead).await;
    assert!(export(&qa, "").await.is_empty(), "no longer finished");
    assert!(open.decisions.iter().all(|decision| matches!(decision.action, Action::Reopen { .. })));
}

#[tokio::test]
async fn the_queue_pages_filters_and_hands_out() {
    let world = World::new().await;
    let qa = world.signed_in(Role::QaLead).await;
    let mut body = String::new();
    for n in 0..7 {
        let kind = if n % 2 == 0 { "clinic note" } else { "radiology report" };
        body.push_str(&json!({ "id": format!("note-{n}"), "text": NOTE, "document_type": kind }).to_string());
        body.push('\n');
    }
    qa.send("POST", path::IMPORT, Some(("application/x-ndjson", body.into_bytes()))).await.expect(200);
    world.work().await;

    let mut seen: Vec<String> = Vec::new();
    let mut after = String::new();
    loop {
        let page: Page<EntryRow> = qa
            .get(&format!("{}?limit=3&after={}", path::ENTRIES, path::encode(&after)))
            .await
            .expect(200)
            .json();
        seen.extend(page.items.iter().map(|row| row.note.to_string()));
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(seen, (0..7).map(|n| format!("note-{n}")).collect::<Vec<_>>());
    let answer =
        qa.get(&format!("{}?document_type=radiology%20report&sort=newest", path::ENTRIES)).await.expect(200);
    assert!(!answer.text().contains("hypertension"), "rows carry no text");
    let page: Page<EntryRow> = answer.json();
    assert_eq!(
        page.items.iter().map(|row| row.note.as_str()).collect::<Vec<_>>(),
        ["note-5", "note-3", "note-1"]
    );
    qa.get(&format!("{}?limit=0", path::ENTRIES)).await.expect(422).error(ErrorCode::Invalid);
    qa.get(&format!("{}?limit=many", path::ENTRIES)).await.expect(400).error(ErrorCode::BadRequest);
    qa.get(&format!("{}?after=%00", path::ENTRIES)).await.expect(400).error(ErrorCode::BadRequest);
    let nonsense = qa.get(&format!("{}?after=nonsense", path::ENTRIES)).await;
    assert!(matches!(nonsense.status, 200 | 422), "{}", nonsense.text());

    let next = |client: Client, query: String| async move {
        client.get(&format!("{}{query}", path::NEXT_ENTRY)).await.expect(200).json::<NextView>().entry
    };
    let first = next(qa.clone(), String::new()).await.expect("something is left");
    let reviewer = world.signed_in(Role::Reviewer).await;
    let lease: LeaseView =
        reviewer.post(&fill(path::LEASE, &[first.as_str()]), &json!({})).await.expect(200).json();
    assert_eq!(lease.lease.user.as_str(), "reviewer");
    let second = next(qa.clone(), String::new()).await.expect("something is left");
    assert_ne!(first, second, "nobody is handed what another holds");
    assert_eq!(next(reviewer.clone(), String::new()).await, Some(first.clone()));
    let third = next(qa.clone(), format!("?after_entry={second}")).await;
    assert!(third.is_some() && third.as_ref() != Some(&second));
    assert_eq!(next(qa.clone(), "?status=exception".into()).await, None::<EntryId>);

    reviewer.decide(&first, 0, "1", json!([{ "action": "accept", "item": AGE }])).await.expect(200);
    let progress: ProgressView = reviewer.get(path::PROGRESS).await.expect(200).json();
    assert_eq!((progress.open, progress.in_progress, progress.my_decisions_today), (6, 1, 1));
    assert_eq!(progress.document_types.len(), 2);
}
