//! Coding edits over HTTP: found at every decision, in the way of finishing, overridden with a reason, their levels data.

use overread_api::code::{CodeHits, CodeView, MyCodes, NoteKind, QuestionAxis, QuestionView};
use overread_api::edit::{EditsView, SimulatedEdits};
use overread_api::entry::{Decided, EntryView};
use overread_api::path::fill;
use overread_api::{ErrorCode, path};
use overread_api_tests::{Client, NOTE, World};
use overread_domain::{CodeRole, EntryId, EntryStatus, Level, Role};
use serde_json::{Value, json};

use super::review::quoted;

fn code(id: &str, code: &str, words: &str) -> Value {
    json!({ "action": "add", "item": id, "content": { "field": "final_code", "role": "secondary",
        "evidence": [quoted(NOTE, words)], "code": { "system": "icd-10-cm", "code": code } } })
}

/// All decided but for the edits: the scripted rows accepted, required fields confirmed empty, and two codes that exclude
/// each other.
async fn excluded(world: &World, client: &Client) -> (EntryId, Decided) {
    let entry = world.note("n1", NOTE).await;
    let view: EntryView = world.entry(client, &entry).await;
    let mut actions: Vec<Value> =
        view.items.iter().map(|item| json!({ "action": "accept", "item": item.id })).collect();
    actions.push(code("a1", "A41.9", "hypertension"));
    actions.push(code("a2", "R78.81", "hypertension"));
    for field in view.template.fields().filter(|f| f.required) {
        if !view.items.iter().any(|item| item.content.field == field.id) {
            actions.push(json!({ "action": "confirm_empty", "field": field.id }));
        }
    }
    let decided: Decided = client.decide(&entry, 0, "all", json!(actions)).await.expect(200).json();
    (entry, decided)
}

#[tokio::test]
async fn an_error_keeps_the_entry_open_until_it_is_overridden_with_a_reason() {
    let world = World::new().await;
    let coder = world.signed_in(Role::Coder).await;
    let (entry, decided) = excluded(&world, &coder).await;
    let finding = decided.findings.iter().find(|f| f.rule == "C-201").expect("the codes exclude each other");
    assert_eq!((finding.level, finding.fixes.len()), (Level::Error, 2));
    assert!(finding.citation.contains("A41"));

    let revision = decided.revision;
    let finish = json!([{ "action": "finish" }]);
    let refused = coder.decide(&entry, revision, "f1", finish.clone()).await.expect(422);
    let body = refused.error(ErrorCode::Unfinished);
    assert_eq!(body.findings.len(), 1);
    assert_eq!(world.entry(&coder, &entry).await.revision, revision, "nothing was written");

    let hollow = json!([{ "action": "override", "edit": finding.key, "reason": " " }]);
    coder.decide(&entry, revision, "o1", hollow).await.expect(422).error(ErrorCode::Invalid);
    let reasoned = json!([{ "action": "override", "edit": finding.key, "reason": "two unrelated episodes" }, { "action": "finish" }]);
    let done: Decided = coder.decide(&entry, revision, "o2", reasoned).await.expect(200).json();
    assert_eq!(done.status, EntryStatus::Finished);
    let told = done.findings.iter().find(|f| f.rule == "C-201").unwrap();
    assert_eq!(told.overridden.as_ref().unwrap().reason, "two unrelated episodes");
    let view = world.entry(&coder, &entry).await;
    assert!(view.decisions.iter().any(|d| d.action.name() == "override"));
}

#[tokio::test]
async fn a_fix_mends_what_was_found() {
    let world = World::new().await;
    let coder = world.signed_in(Role::Coder).await;
    let (entry, decided) = excluded(&world, &coder).await;
    let finding = decided.findings.iter().find(|f| f.rule == "C-201").unwrap();
    let fix = serde_json::to_value(&finding.fixes[0].actions).unwrap();
    let mended: Decided = coder.decide(&entry, decided.revision, "fix", fix).await.expect(200).json();
    assert!(mended.findings.iter().all(|f| f.rule != "C-201"), "{:?}", mended.findings);
    let finish = json!([{ "action": "finish" }]);
    coder.decide(&entry, mended.revision, "end", finish).await.expect(200);
}

#[tokio::test]
async fn the_order_of_the_list_makes_the_principal_diagnosis() {
    let world = World::new().await;
    let coder = world.signed_in(Role::Coder).await;
    let (entry, decided) = excluded(&world, &coder).await;
    let order = json!([{ "action": "sequence", "field": "final_code", "items": ["a1", "s2", "a2"] },
        { "action": "present_on_admission", "item": "a1", "poa": "yes" }]);
    let after: Decided = coder.decide(&entry, decided.revision, "order", order).await.expect(200).json();
    let role = |id: &str| after.items.iter().find(|i| i.id.as_str() == id).unwrap().content.role;
    assert_eq!((role("a1"), role("s2")), (Some(CodeRole::Principal), Some(CodeRole::Secondary)));
    let bad = json!([{ "action": "sequence", "field": "final_code", "items": ["a1", "a1"] }]);
    coder.decide(&entry, after.revision, "bad", bad).await.expect(422).error(ErrorCode::Invalid);
}

#[tokio::test]
async fn levels_are_versioned_and_can_be_tried_before_they_hold() {
    let world = World::new().await;
    let lead = world.signed_in(Role::QaLead).await;
    let coder = world.signed_in(Role::Coder).await;
    let view: EditsView = coder.get(path::EDITS).await.expect(200).json();
    assert_eq!(view.version, 0);
    assert!(view.rules.len() > 40);

    // With Excludes1 as a warning an entry with two excluded codes can be finished.
    let warning = json!({ "levels": { "C-201": "warning" } });
    let put = |expected: u32, levels: &Value, comment: &str| json!({ "expected_version": expected, "levels": levels, "comment": comment });
    coder.json("PUT", path::EDITS, &put(0, &warning, "x")).await.expect(403);
    lead.json("PUT", path::EDITS, &put(0, &warning, " ")).await.expect(422).error(ErrorCode::Invalid);
    let unknown = json!({ "levels": { "C-999": "off" } });
    lead.json("PUT", path::EDITS, &put(0, &unknown, "x")).await.expect(422).error(ErrorCode::Invalid);
    let saved: EditsView =
        lead.json("PUT", path::EDITS, &put(0, &warning, "until the note is read")).await.expect(200).json();
    assert_eq!((saved.version, saved.history[0].comment.as_str()), (1, "until the note is read"));
    lead.json("PUT", path::EDITS, &put(0, &warning, "late")).await.expect(409).error(ErrorCode::WrongState);

    let (entry, decided) = excluded(&world, &coder).await;
    coder.decide(&entry, decided.revision, "f", json!([{ "action": "finish" }])).await.expect(200);
    let strict = json!({ "levels": { "levels": { "C-201": "error" } } });
    let simulated: SimulatedEdits = lead.json("POST", path::SIMULATE_EDITS, &strict).await.expect(200).json();
    assert_eq!((simulated.entries, simulated.blocked_now, simulated.blocked_then), (1, 0, 1));
    assert_eq!(simulated.newly_blocked, [entry]);
    assert_eq!(simulated.rules["C-201"].then, 1);
}

#[tokio::test]
async fn questions_notes_and_codes_at_hand() {
    let world = World::new().await;
    let coder = world.signed_in(Role::Coder).await;
    let address = fill(path::QUESTIONS, &["icd-10-cm", "S52.53"]);
    let question: QuestionView =
        coder.post(&address, &json!({ "said": "left wrist" })).await.expect(200).json();
    assert_eq!((question.at.code.as_str(), question.axis), ("S52.532", QuestionAxis::Encounter));
    assert_eq!(question.answers.len(), 16);
    coder.post(&fill(path::QUESTIONS, &["icd-10-cm", "nothing"]), &json!({})).await.expect(404);

    let view: CodeView = coder.get(&fill(path::CODE, &["icd-10-cm", "E11.9"])).await.expect(200).json();
    let note =
        view.notes.iter().find(|n| n.kind == NoteKind::Excludes1 && n.text.contains("type 1")).unwrap();
    let named = &note.references[0];
    let words: String = note.text.chars().skip(named.start).take(named.end - named.start).collect();
    assert_eq!((words.as_str(), named.code.as_str()), ("E10.-", "E10"));

    let at = fill(path::MY_CODE, &["icd-10-cm", "I10"]);
    coder.json("PUT", &at, &json!({})).await.expect(204);
    coder.json("PUT", &fill(path::MY_CODE, &["icd-10-cm", "I10.99"]), &json!({})).await.expect(404);
    let (_, _) = excluded(&world, &coder).await;
    let mine: MyCodes = coder.get(path::MY_CODES).await.expect(200).json();
    assert_eq!(mine.favourites.iter().map(|hit| hit.code.as_str()).collect::<Vec<_>>(), ["I10"]);
    let recent: Vec<&str> = mine.recent.iter().map(|hit| hit.code.as_str()).collect();
    assert!(recent.contains(&"A41.9") && recent.contains(&"R78.81"), "{recent:?}");
    coder.send("DELETE", &at, None).await.expect(204);
    assert!(coder.get(path::MY_CODES).await.expect(200).json::<MyCodes>().favourites.is_empty());
    // Neither a release of procedures nor an index is loaded here.
    coder.get(&fill(path::BOOK, &["index"])).await.expect(404).error(ErrorCode::NotFound);
    let all: CodeHits =
        coder.post(path::CODES, &json!({ "q": "I10", "system": "all" })).await.expect(200).json();
    assert_eq!(all.hits[0].code, "I10");
    coder.get(path::PROCEDURES).await.expect(404).error(ErrorCode::NotFound);
}
