//! What people decide changes the next suggestion, and can be seen and deleted.

use overread_api::memory::{MemoryDeletion, MemoryRow};
use overread_api::path::{self, fill};
use overread_api::{ErrorCode, Page};
use overread_api_tests::{NOTE, World};
use overread_domain::{CodeRef, EntryId, LessonKind, Role, SuggestionSet};
use serde_json::{Value, json};

async fn set(world: &World, entry: &EntryId) -> SuggestionSet {
    (*world.app.store.entry(entry).await.unwrap().suggestion_set.unwrap()).clone()
}

/// The first code of the diagnosis, and the memory that was seen.
async fn offered(world: &World, entry: &EntryId) -> (String, Option<String>) {
    let set = set(world, entry).await;
    let diagnosis = set.suggestions.iter().find(|s| s.content.field == "diagnosis").unwrap();
    (diagnosis.candidates[0].code.clone(), set.memory)
}

/// Makes I15.9 of the hypertension of an entry.
async fn correct(world: &World, entry: &EntryId, code: &str) {
    let coder = world.signed_in(Role::Coder).await;
    let set = set(world, entry).await;
    let place = set.suggestions.iter().position(|s| s.content.field == "diagnosis").unwrap();
    let mut content = set.suggestions[place].content.clone();
    content.code = Some(CodeRef::icd10cm(code));
    let actions = json!([{ "action": "correct", "item": format!("s{place}"), "content": content }]);
    coder.decide(entry, 0, &format!("correct {}", entry.as_str()), actions).await.expect(200);
}

#[tokio::test]
async fn the_next_suggestion_has_what_was_decided_and_forgets_what_was_deleted() {
    let world = World::new().await;
    let first = world.note("n1", NOTE).await;
    let (code, memory) = offered(&world, &first).await;
    assert_eq!(code, "I10");
    correct(&world, &first, "I15.9").await;

    let second = world.note("n2", NOTE).await;
    let (code, later) = offered(&world, &second).await;
    assert_eq!(code, "I15.9", "no training, no restart");
    assert!(later.is_some() && later != memory, "the set says which memory it saw");

    let lead = world.signed_in(Role::QaLead).await;
    let page: Page<MemoryRow> =
        lead.get(&format!("{}?kind=code_accepted", path::MEMORY)).await.expect(200).json();
    let [row] = &page.items[..] else { panic!("{page:?}") };
    assert_eq!((row.phrase.as_str(), row.field_label.as_str(), row.uses), ("hypertension", "Diagnosis", 1));
    assert_eq!(row.code, Some(CodeRef::icd10cm("I15.9")));
    assert_eq!((row.user.as_str(), row.entry.as_ref()), ("coder", Some(&first)));
    assert!(row.title.contains("hypertension"), "{}", row.title);

    let address = fill(path::MEMORY_ROW, &[&row.id]);
    let deletion: MemoryDeletion = lead.send("DELETE", &address, None).await.expect(200).json();
    assert_eq!((deletion.user.as_str(), deletion.uses), ("qa_lead", 1));
    lead.send("DELETE", &address, None).await.expect(404).error(ErrorCode::NotFound);
    let logged: Vec<MemoryDeletion> = lead.get(path::MEMORY_DELETIONS).await.expect(200).json();
    assert_eq!(logged, [deletion]);
    let left: Page<MemoryRow> = lead.get(path::MEMORY).await.expect(200).json();
    assert!(left.items.iter().all(|r| r.kind != LessonKind::CodeAccepted));
    let third = world.note("n3", NOTE).await;
    let codes = set(&world, &third).await;
    let diagnosis = codes.suggestions.iter().find(|s| s.content.field == "diagnosis").unwrap();
    assert!(
        diagnosis.candidates.iter().find(|c| c.code == "I15.9").unwrap().confidence < 0.1,
        "as if it had never been"
    );
}

#[tokio::test]
async fn what_is_taken_back_is_not_remembered() {
    let world = World::new().await;
    let first = world.note("n1", NOTE).await;
    correct(&world, &first, "I15.9").await;
    let coder = world.signed_in(Role::Coder).await;
    let record = world.app.store.entry(&first).await.unwrap();
    let undo = json!([{ "action": "undo", "decision": record.decisions[0].id }]);
    coder.decide(&first, 1, "undo", undo).await.expect(200);
    let second = world.note("n2", NOTE).await;
    assert_eq!(offered(&world, &second).await.0, "I10");
}

#[tokio::test]
async fn leads_and_administrators_curate_and_only_readers_get_to_the_entry() {
    let world = World::new().await;
    let first = world.note("n1", NOTE).await;
    correct(&world, &first, "I15.9").await;
    world.note("n2", NOTE).await;
    for role in [Role::Reviewer, Role::Coder] {
        world.signed_in(role).await.get(path::MEMORY).await.expect(403).error(ErrorCode::NotAllowed);
    }
    let admin = world.signed_in(Role::Administrator).await;
    let page: Page<MemoryRow> = admin.get(path::MEMORY).await.expect(200).json();
    assert!(!page.items.is_empty() && page.items.iter().all(|row| row.entry.is_none()));
    for query in ["limit=0", "limit=201", "after=x", &format!("q={}", "x".repeat(300))] {
        admin.get(&format!("{}?{query}", path::MEMORY)).await.expect(422);
    }
    admin.get(&format!("{}?kind=guessed", path::MEMORY)).await.expect(400);
}

#[tokio::test]
async fn exports_name_the_memory_that_took_part() {
    let world = World::new().await;
    let first = world.note("n1", NOTE).await;
    correct(&world, &first, "I15.9").await;
    let second = world.note("n2", NOTE).await;
    correct(&world, &second, "I10").await;
    let lead = world.signed_in(Role::QaLead).await;
    let answer = lead.get(&format!("{}?all=true", path::CORRECTIONS)).await.expect(200);
    let lines: Vec<Value> = answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let memory = offered(&world, &second).await.1;
    assert!(memory.is_some());
    let of = |entry: &EntryId| lines.iter().find(|line| line["entry"] == entry.as_str()).unwrap();
    assert_eq!(of(&second)["memory"].as_str(), memory.as_deref());
    assert_eq!(of(&second)["version"], 1);
}
